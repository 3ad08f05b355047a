"""A local gateway that behaves like 1688's, for development and tests. It is written from docs/upstream.

It must not import any other package of `services`: tests could not find a mistake in code that it shared
with the adapter.

`app` builds the application from the packages:

- `http` reads a request, checks it as the gateway does, and sends the response;
- `controls` has what tests configure and read: faults, limits, tokens, the clock, the call log;
- `operations` has one handler for each API of 1688;
- `catalog` has the offers, `trade` the purchase orders and refunds, `messages` the messages about them;
- `admin` is the HTTP API for tests and for the page;
- `page` has the files of the page, which a browser runs.
"""

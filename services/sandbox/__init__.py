"""A 1688 gateway for local runs and tests, written from the wire reference.

It must not import any other package of `services`: otherwise a mistake of the adapter could hide here.

`app` builds the application from the packages:

- `http` reads a request, checks it as the gateway does, and sends the response;
- `controls` holds what tests change and read: faults, limits, tokens, the clock, the call log;
- `operations` has one handler for each API of 1688;
- `catalog` is what is for sale, `trade` what was bought, `messages` what is pushed about it;
- `admin` is the HTTP API for tests.
"""

"""The APIs of 1688 that the sandbox implements, one module for each domain. They must not import `admin`.

To add an operation, write one function in the module of its domain, with its declaration above it:

    @trade_operation("alibaba.trade.example.get", envelopes.NESTED, required=("orderId",))
    async def get_example(context: SandboxContext, arguments: Arguments) -> Any:
        '''Return the payload, which the envelope wraps.'''
        order = context.state.order_store.find_order(arguments.integer("orderId") or 0)
        if order is None:
            raise BusinessError("500_1", "系统异常")
        return {"orderId": order.order_id}

`registry.load_operations` finds it: there is no list to extend. A new domain is a new module. If the form
of an operation differs between the dialects, declare it by `@operation` with one `DialectSpec` for each.
Do what docs/upstream says, not what the adapter does. Add a test in `tests/sandbox/operations`.

- `http.operation` explains the declaration, and `http.arguments` how to read arguments;
- `http.envelopes` has the envelopes; one that a single domain uses belongs in the module of that domain;
- `schemas` parses and validates arguments that are more than a few values;
- `serializers` writes payloads that are more than a few members.
"""

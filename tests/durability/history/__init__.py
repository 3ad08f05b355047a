"""One history of everything that clients and the sandbox observe, and rules that it must satisfy.

`events` defines the events, `recorder` writes them, `checker` applies the rules. `workload` and `nemesis`
cause them. The checker must not import anything of the services or of gRPC.
"""

"""An HTTP/1.1 client: connections, their pool, TLS, a forward proxy. ADR 0110 states why it is our own.

Of the rest of the gateway client it may import only proxy.py.
"""

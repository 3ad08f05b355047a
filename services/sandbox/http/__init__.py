"""The HTTP side of the gateway: reads a request, checks it, runs the operation and sends the response.

It must not import `operations` or `admin`.
"""

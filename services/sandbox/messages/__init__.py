"""Messages about orders: they are pushed to a callback URL, and stored for replay if a push fails.

It must not import `operations` or `admin`; of `http` it may import only `signature`.
"""

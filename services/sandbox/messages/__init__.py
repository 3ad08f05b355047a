"""Messages about orders: they are pushed to a callback, and kept for replay if a push fails.

It must not import `operations`, `admin`, or anything of `http` but the signature.
"""

"""Orders, refunds and logistics, and what downstream sites have registered and synchronised.

It must not import HTTP, operations, dialects or messages.
"""

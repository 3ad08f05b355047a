"""Purchase orders, refunds and logistics, and the data that national sites have registered and synced.

It must not import HTTP, operations, dialects or messages.
"""

"""Purchase orders, refunds and logistics, and the data that national sites have registered and synced.

Of the sandbox, it may import only `catalog`.
"""

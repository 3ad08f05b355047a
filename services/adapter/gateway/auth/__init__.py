"""Access tokens: static, refreshed, shared between replicas.

Must not import middleware or rate limits.
"""

"""The rate of calls to 1688: limited by each process, or by Redis for all replicas.

Must not import middleware or access tokens.
"""

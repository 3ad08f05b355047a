"""Limits the rate of calls to 1688: in each process, or in Redis for all replicas together.

Must not import middleware or access tokens.
"""

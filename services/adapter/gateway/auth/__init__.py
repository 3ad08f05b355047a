"""Access tokens: fetched, refreshed, shared between replicas. Must not import middleware."""

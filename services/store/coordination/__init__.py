"""Coordination of replicas: notifications, leases, a lock per process. Must not import inbox or outbox."""

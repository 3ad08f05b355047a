"""Idempotency keys: a retried call is not executed twice. Must not import inbox or outbox."""

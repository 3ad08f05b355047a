"""Request ids: each call executes once. Must not import inbox or outbox."""

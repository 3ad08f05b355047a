"""Messages from 1688: stored, leased to consumers of subscriptions, dead-lettered. Must not import outbox."""

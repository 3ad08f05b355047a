"""Messages from 1688: stored, leased to subscriptions, dead-lettered. Must not import the outbox."""

"""Deliveries to 1688: enqueued, claimed, sent, retried. Must not import inbox."""

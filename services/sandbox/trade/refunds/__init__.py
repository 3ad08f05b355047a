"""Refunds: the request, its rules, and the states of a refund.

It must not import `trade.order_store`, which imports this package.
"""

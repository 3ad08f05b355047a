"""Refunds: the request, its rules, and the states of a refund.

It must not import the order book, which uses it.
"""

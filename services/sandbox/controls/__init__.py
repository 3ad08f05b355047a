"""What tests configure and read through the admin API: faults, limits, tokens, the clock, the call log.

It must not import `operations`, `admin`, `catalog`, `trade` or `messages`.
"""

"""What tests change and read through the admin API: faults, limits, tokens, the clock, calls.

It must not import `operations`, `admin`, `catalog`, `trade` or `messages`.
"""

"""The admin HTTP API: tests use it to change the sandbox and to read what happened.

It must not import `operations`.
"""

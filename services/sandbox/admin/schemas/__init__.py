"""The JSON bodies that the admin API accepts.

They must not import Starlette or change any state.
"""

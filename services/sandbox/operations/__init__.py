"""The APIs of 1688 that the sandbox answers, one module for each family.

They must not import `admin`.
"""

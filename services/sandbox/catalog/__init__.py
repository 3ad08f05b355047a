"""The catalog: categories, offers, images, and searches.

It must not import HTTP, operations, dialects or any other package of the sandbox.
"""

"""The catalog: categories, offers, images, and searches.

It must not import any other package of the sandbox.
"""

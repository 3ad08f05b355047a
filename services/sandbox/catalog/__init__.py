"""What is for sale: categories, offers, images, and how they are searched.

It must not import HTTP, operations, dialects or any other package of the sandbox.
"""

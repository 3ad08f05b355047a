"""How operations write offers and categories in responses.

They must not import a family of operations, or change any state.
"""

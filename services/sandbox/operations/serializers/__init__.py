"""How operations write offers and categories in their answers.

They must not import a family of operations, or change any state.
"""

"""How operations write offers, categories, orders and refunds in responses.

They must not import the modules that declare operations, or change any state.
"""

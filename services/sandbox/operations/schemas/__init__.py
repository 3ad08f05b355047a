"""What operations accept: the parsers and validators of their arguments.

They must not import a family of operations, or change any state.
"""

"""What operations accept: the parsers and validators of their arguments.

They must not import the modules that declare operations, or change any state.
"""

"""`make packages`: builds what package registries take into dist/, and calls a service from empty projects.

`build` writes the packages, `verify` installs them.
"""

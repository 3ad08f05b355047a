"""Generates everything under gen/ from protos/: `make gen`. Each output is a module with a `generate`.

Generated directories are deleted and written again. The files beside them in gen/go and gen/ts are the
packages' manifests. They are written by hand, and they pin the generators of their language.
"""

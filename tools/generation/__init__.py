"""Generates everything under gen/ from protos/: `make gen`. A module per output, each with its `generate`.

What is generated stands in folders that are made anew. The files beside them in gen/go, gen/java and gen/ts
are the packages' manifests, written by hand. They alone pin the generator of their language.
"""

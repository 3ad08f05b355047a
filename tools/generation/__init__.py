"""Generates everything under gen/ from protos/: `make gen`. A module per output, each with a function `generate`.

What is generated stands in folders that are made anew; the files beside them in gen/go, gen/java and gen/ts are the
manifests of the packages, written by hand. A manifest also pins the generator of its language, and nothing else does.
"""

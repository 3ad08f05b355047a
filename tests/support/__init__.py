"""What only tests and benchmarks need: servers to test against, clients, sample files as test cases.

Must not import a test package; `tests/<package>` imports from here.
"""

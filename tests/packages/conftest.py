"""Tests of tools/. Those of the group `supply-chain` need its packages (make test-packages)."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("cyclonedx") else ["test_audit.py", "test_sbom.py"]

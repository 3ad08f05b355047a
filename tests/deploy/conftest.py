"""Tests of deploy/. Those marked `deploy` need the packages of the group `deploy` (make test-deploy)."""

from importlib.util import find_spec

collect_ignore_glob = (
    [] if find_spec("kubernetes_validate") else ["test_backup.py", "test_manifests.py", "test_pods.py"]
)

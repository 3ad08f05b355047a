"""The comment of each service names the metadata of its calls: who generates stubs sees only the protos."""

import re
from pathlib import Path

import pytest

from tests.support.sample_cases import SERVICES
from tools.reference.proto_comments import ProtoComments

SERVICES_DIR = Path(__file__).resolve().parents[2] / "services"
KEY = re.compile(r'"(nationalsite-[a-z-]+|grpc-[a-z-]+|x-forwarded-[a-z-]+|cache-control)"')
ONLY_FOR_READS = {"cache-control", "nationalsite-cache"}


def find_keys() -> set[str]:
    """Return the keys of metadata in the code of the services."""
    folders = ("server", "adapter", *SERVICES)
    return {
        key
        for folder in folders
        for module in (SERVICES_DIR / folder).rglob("*.py")
        for key in KEY.findall(module.read_text())
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_describes_all_metadata(service: str) -> None:
    keys = find_keys()
    assert keys > ONLY_FOR_READS
    if service == "account":
        keys -= ONLY_FOR_READS
    comment = ProtoComments()[SERVICES[service].full_name]
    assert [key for key in sorted(keys) if f"`{key}" not in comment] == []

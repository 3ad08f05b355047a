"""A caller of a released version calls this release: it gets everything that it got from its own.

It encodes and decodes with the protos of the last release, protos/baseline.binpb. Those of an earlier one are
a part of them. `this-tree` is a caller of today: it tests the test before the first release.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.compatibility.caller import Caller, Json, find_differences
from tests.compatibility.released_calls import list_calls, read_calls
from tests.compatibility.released_stores import RELEASES, THIS_TREE, list_versions
from tests.compatibility.schema_edits import DESCRIPTORS, PRODUCT, Release, find_field
from tests.support.sample_cases import METHODS, SERVICES, operation_name, response_cases
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import ROOT, RunningProcess, start_sandbox, start_service, stop

pytestmark = pytest.mark.slow

BASELINE = ROOT / "protos" / "baseline.binpb"
LAST_RELEASE = Release(path=BASELINE if BASELINE.stat().st_size else DESCRIPTORS)
SAMPLES = {case.name: case for case in response_cases()}


class Services(dict[tuple[str, str], RunningProcess]):
    """Running services by name and dialect. Each starts when it is first called."""

    def __init__(self, gateway_url: str) -> None:
        super().__init__()
        self._gateway_url = gateway_url

    def __missing__(self, key: tuple[str, str]) -> RunningProcess:
        settings = {"NATIONALSITE_DIALECT": key[1]}
        self[key] = start_service(key[0], self._gateway_url, settings, log=f"released-calls-{'-'.join(key)}")
        return self[key]

    def find(self, rpc: str, dialect: str) -> RunningProcess:
        """Return the service of an RPC in a dialect."""
        service = METHODS[rpc].containing_service
        return self[next(name for name, each in SERVICES.items() if each is service), dialect]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxClient]:
    sandbox = start_sandbox(log="released-calls-sandbox")
    yield SandboxClient(sandbox.address)
    assert stop(sandbox) == 0


@pytest.fixture(scope="module")
def services(sandbox: SandboxClient) -> Iterator[Services]:
    services = Services(sandbox.url)
    yield services
    assert {stop(service) for service in services.values()} == {0}


@pytest.mark.parametrize("version", [THIS_TREE, *list_versions()])
def test_a_released_caller_gets_its_responses(
    version: str, services: Services, sandbox: SandboxClient
) -> None:
    calls = list_calls() if version == THIS_TREE else read_calls(RELEASES / version)
    differences = [
        difference for call in calls for difference in _call(call, LAST_RELEASE, services, sandbox)
    ]
    assert not differences, "\n".join(differences)


def _call(call: Json, release: Release, services: Services, sandbox: SandboxClient) -> Iterator[str]:
    """Make a call; yield the differences between its response and the released one."""
    sandbox.admin("DELETE", "faults")
    sandbox.inject_fault(SAMPLES[call["sample"]].fault, operation=operation_name(call["rpc"]))
    caller = Caller(services.find(call["rpc"], call["dialect"]).address, release.message_class)
    yield from find_differences({"response": call["response"]}, caller.ask(call), path=call["sample"])
    caller.close()


def _renumber(release: Release) -> None:
    find_field(release.message(PRODUCT, "Offer"), "subject").number = 1000


def _rename(release: Release) -> None:
    find_field(release.message(PRODUCT, "Offer"), "subject").name = "title"


@pytest.mark.parametrize("edit", [_renumber, _rename], ids=lambda edit: edit.__name__.strip("_"))
def test_an_incompatible_change_is_found(
    edit: Callable[[Release], None], services: Services, sandbox: SandboxClient
) -> None:
    """As if the release had another number or name for a field of today."""
    (call,) = (call for call in list_calls() if call["rpc"] == "SearchByKeyword")
    assert list(_call(call, LAST_RELEASE, services, sandbox)) == []
    differences = list(_call(call, Release(edit), services, sandbox))
    assert differences
    assert all(".subject: None, not" in difference for difference in differences)

"""Every sample that docs/upstream names is there, and is read with its expected answer."""

import json
import re

import pytest
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.codec import parse
from services.adapter.codec.envelope import open_envelope
from services.adapter.gateway.gateway_errors import error_from_response
from tests.support.sample_cases import SAMPLES, UPSTREAM_METHODS, response_cases

UPSTREAM = SAMPLES.parents[1] / "docs" / "upstream"
ROW = re.compile(r"^\| `([\w./]+)\.json` \|", re.MULTILINE | re.ASCII)
CASES = {case.name for case in response_cases()}
WITHOUT_AN_RPC = {
    "get_token.open_platform.ok": "tests/adapter/gateway/auth/test_refreshing.py",
    "get_token.open_platform.refresh": "tests/adapter/gateway/auth/test_refreshing.py",
    "get_token.open_platform.fail": "tests/adapter/gateway/test_gateway_errors.py",
    "system_current_time.open_platform.ok": "tests/adapter/gateway/test_requests.py",
}
"""Responses that no RPC decodes, since the gateway client reads them itself; and the tests that use them."""
ENVELOPES = json.loads((SAMPLES / "purchase_envelopes.json").read_text())
"""The samples of operations that are not served: no decoder reads their payload, only their envelope."""


def test_every_recorded_response_is_there_and_decoded() -> None:
    """tests/adapter/codec/test_samples.py and test_fast_decoder.py decode each case in both decoders."""
    rows = ROW.findall((UPSTREAM / "samples.md").read_text().partition("## Requests")[0])
    assert len(rows) == len(set(rows)) > 70
    responses = SAMPLES / "responses"
    files = {
        path.relative_to(responses).as_posix().removesuffix(".json")
        for path in (*responses.glob("*.json"), *(responses / "gateway").glob("*.json"))
        if not path.name.endswith(".expected.json") and not path.name.startswith("json_")
    }
    assert set(rows) == files
    assert set(rows) - CASES == WITHOUT_AN_RPC.keys()


@pytest.mark.parametrize("name", WITHOUT_AN_RPC)
def test_responses_without_an_rpc_are_used(name: str) -> None:
    assert name in (SAMPLES.parents[1] / WITHOUT_AN_RPC[name]).read_text()


def test_every_purchase_sample_is_listed() -> None:
    folder = UPSTREAM / "purchase" / "samples"
    rows = ROW.findall((folder / "README.md").read_text())
    files = {path.name.removesuffix(".json") for path in folder.glob("*.json")}
    assert set(rows) - {name for name in rows if name.startswith("requests/")} == files
    assert files == ENVELOPES.keys()


@pytest.mark.parametrize("name", ENVELOPES)
def test_purchase_sample(name: str) -> None:
    """Flag, codes and text are read. A sample of an operation that is served needs a case in responses/."""
    response = parse((UPSTREAM / "purchase" / "samples" / f"{name}.json").read_bytes())
    envelope = open_envelope(response)
    assert error_from_response(200, response) is None
    found = {"flag": envelope.flag, "codes": list(envelope.words.codes), "text": envelope.words.text}
    assert found == ENVELOPES[name]
    assert (PURCHASE_APIS[name.partition(".")[0]] in SERVED_APIS) <= (name in CASES)


PURCHASE_APIS = dict(
    re.findall(
        r"^  - slug: (\w+)$.*?^ +api_id: (\S+)$",
        (UPSTREAM / "purchase" / "purchase.yaml").read_text(),
        re.MULTILINE | re.DOTALL | re.ASCII,
    )
)
"""Slug -> 1688's id of the operation."""
SERVED_APIS = {
    api
    for method in UPSTREAM_METHODS.values()
    for option in (method.GetOptions().Extensions[upstream_v1.operation],)
    for api in (option.api, option.national_site.api, option.open_platform.api)
}

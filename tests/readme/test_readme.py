"""The grpcurl calls in README.md are made from Python, in the quick tests.

test_commands.py makes them with grpcurl; test_snippets.py checks the code blocks of the other languages.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from nationalsite.product import v1 as product_v1
from nationalsite.product.v1 import ProductServiceStub

from tools.local_stack import RunningProcess, start_sandbox, start_service, stop

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCK = README.partition("**grpcurl**")[2].partition("**Python**")[0]
REQUEST = re.compile(r"-d '\{(?P<fields>.*?)\}'.*?/(?P<rpc>\w+)$", re.MULTILINE | re.DOTALL)
ADDRESS = "127.0.0.1:50051"
EXPECTED_REASON = "ERROR_REASON_OFFER_NOT_FOUND"
TIMEOUT_S = 20


@pytest.fixture(scope="module")
def product() -> Iterator[RunningProcess]:
    sandbox = start_sandbox(log="readme-sandbox")
    settings = {"NATIONALSITE_DIALECT": "open-platform"}
    service = start_service("product", sandbox.address, settings, log="readme-product")
    yield service
    assert [stop(service), stop(sandbox)] == [0, 0]


def test_requests_get_responses(product: RunningProcess) -> None:
    calls = [match.groupdict() for match in REQUEST.finditer(BLOCK)]
    assert [call["rpc"] for call in calls] == ["SearchByKeyword", "GetProductDetail"]
    search, detail = (
        json_format.ParseDict(_fields(call["fields"]), getattr(product_v1, f"{call['rpc']}Request")())
        for call in calls
    )
    with grpc.insecure_channel(product.address) as channel:
        stub = ProductServiceStub(channel)
        assert stub.SearchByKeyword(search, timeout=TIMEOUT_S).offers
        with pytest.raises(grpc.RpcError) as failure:
            stub.GetProductDetail(detail, timeout=TIMEOUT_S)
    info = error_details_pb2.ErrorInfo()
    rpc_status.from_call(failure.value).details[0].Unpack(info)
    assert info.reason == EXPECTED_REASON


def test_names_exist() -> None:
    service = product_v1.PRODUCT_SERVICE.full_name
    assert set(re.findall(r"nationalsite\.[\w.]+\.\w+Service\b", BLOCK)) == {service}
    assert set(re.findall(r"[\d.]{7,}:\d+", BLOCK)) == {ADDRESS}


def _fields(text: str) -> dict[str, object]:
    """Return the fields of a request."""
    return {name: json.loads(value) for name, value in re.findall(r'"(\w+)": ("[^"]*"|\d+)', text)}

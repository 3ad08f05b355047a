"""The calls in README.md and docs/calling: Python's is run; every request of every language is made.

What needs another language's tools is not run here: its requests are read out of the text and sent from
Python, and the fields that it reads are looked up in the descriptors. A language that has examples is left to
test_snippets.py and to the tests that run the examples.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2, json_format
from google.rpc import error_details_pb2
from google.type import money_pb2
from grpc_status import rpc_status
from nationalsite.product.v1 import product_service_pb2 as product_pb2
from nationalsite.product.v1.product_service_pb2_grpc import ProductServiceStub

from tools.stack import Running, start_sandbox, start_service, stop

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGES = sorted((ROOT / "docs" / "calling").glob("*.md"))
TEXT = README.split("## Run it")[0] + "".join(page.read_text() for page in PAGES)
ADDRESS = "127.0.0.1:50051"
REFUSAL = "ERROR_REASON_OFFER_NOT_FOUND"
TIMEOUT_S = 20

OTHERS = {"go": "go", "java": "java", "typescript": "ts"}
"""Languages that are not run here, with their folders under examples/."""
BLOCKS = {
    language: next(block for name, block in re.findall(r"```(\w+)\n(.*?)```", TEXT, re.S) if sign in block)
    for language, sign in {
        "grpcurl": "grpcurl -plaintext",
        "python": "import grpc",
        "typescript": "import * as grpc",
        "go": "package main",
        "java": "class Call",
    }.items()
    if language not in OTHERS or not (ROOT / "examples" / OTHERS[language]).exists()
}
REQUESTS = {
    "grpcurl": r"-d '\{(?P<fields>.*?)\}'.*?/(?P<rpc>\w+)$",
    "python": r"products\.(?P<rpc>\w+)\(\w+Request\((?P<fields>.*?)\)",
    "typescript": r'call\("(?P<rpc>\w+)", \{(?P<fields>.*?)\}',
    "go": r"products\.(?P<rpc>\w+)\(ctx, &productv1\.\w+Request\{(?P<fields>.*?)\}",
    "java": r'call\("(?P<rpc>\w+)", """\s+\{(?P<fields>.*?)\}',
}


@pytest.fixture(scope="module")
def product() -> Iterator[Running]:
    sandbox = start_sandbox(log="readme-sandbox")
    settings = {"NATIONALSITE_DIALECT": "open-platform"}
    service = start_service("product", sandbox.address, settings, log="readme-product")
    yield service
    assert [stop(service), stop(sandbox)] == [0, 0]


def test_python_call_prints_what_it_says(product: Running) -> None:
    code = BLOCKS["python"].replace(ADDRESS, product.address)
    done = subprocess.run(  # noqa: S603 # our own text
        [sys.executable, "-X", "utf8", "-W", "error", "-c", code],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *offers, refused = done.stdout.splitlines()
    assert len(offers) == 3
    assert all(re.fullmatch(r"\d+ CNY \d+\.\d\d \S.*", offer) for offer in offers)
    assert refused == f"NOT_FOUND {REFUSAL}"
    assert f"# {refused}" in code


@pytest.mark.parametrize("language", BLOCKS)
def test_requests_are_answered(language: str, product: Running) -> None:
    found = [each.groupdict() for each in re.finditer(REQUESTS[language], BLOCKS[language], re.M | re.S)]
    assert [each["rpc"] for each in found] == ["SearchByKeyword", "GetProductDetail"]
    search, detail = (
        json_format.ParseDict(_fields(each["fields"]), getattr(product_pb2, f"{each['rpc']}Request")())
        for each in found
    )
    with grpc.insecure_channel(product.address) as channel:
        stub = ProductServiceStub(channel)
        assert stub.SearchByKeyword(search, timeout=TIMEOUT_S).offers
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetProductDetail(detail, timeout=TIMEOUT_S)
    info = error_details_pb2.ErrorInfo()
    rpc_status.from_call(refused.value).details[0].Unpack(info)
    assert info.reason == REFUSAL


@pytest.mark.parametrize("language", sorted({"python", "typescript", "go"} & BLOCKS.keys()))
def test_fields_read_exist(language: str) -> None:
    paths = re.findall(r"\b(?:found|offer|price|info)((?:\.\w+)+)", BLOCKS[language])
    names = {_snake(name.removeprefix("Get")) for path in paths for name in path[1:].split(".")}
    answered = (product_pb2.SearchByKeywordResponse, product_pb2.Offer, product_pb2.PriceInfo)
    known = {
        field.name
        for kind in (*answered, money_pb2.Money, error_details_pb2.ErrorInfo)
        for field in kind.DESCRIPTOR.fields
    }
    assert {"offers", "offer_id", "subject"} <= names
    assert names - known - {"unpack"} == set()


def test_names_exist() -> None:
    image = (ROOT / "gen" / "descriptors" / "nationalsite.binpb").read_bytes()
    files = {file.name for file in descriptor_pb2.FileDescriptorSet.FromString(image).file}
    code = "".join(BLOCKS.values())
    assert set(re.findall(r"nationalsite(?:/\w+)+\.proto", code)) <= files
    service = product_pb2.DESCRIPTOR.services_by_name["ProductService"].full_name
    assert set(re.findall(r"nationalsite\.[\w.]+\.\w+Service\b", code)) == {service}
    assert all(ADDRESS in block for block in BLOCKS.values())
    assert set(re.findall(r"[\d.]{7,}:\d+", code)) == {ADDRESS}


def test_every_page_is_linked() -> None:
    assert [page.name for page in PAGES] == sorted(re.findall(r"\]\(docs/calling/([\w.]+)\)", README))


def _fields(text: str) -> dict[str, object]:
    """Return the fields of a request as any of the languages writes them."""
    return {
        _snake(name): json.loads(value) for name, value in re.findall(r'(\w+)"?[:=] ?("[^"]*"|\d+)', text)
    }


def _snake(name: str) -> str:
    """Return a name of Go's as the protos write it."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()

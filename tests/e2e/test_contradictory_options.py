"""Protos with contradictory options: the process reports them in one line each, and does not start."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.upstream import v1 as upstream_v1

from tools.local_stack import SANDBOX_APP

START = """
import sys
from pathlib import Path
from google.protobuf import descriptor_pb2, descriptor_pool
from nationalsite.account import v1 as account_v1
from services.account.service import AccountSettings
from services.adapter import operations_lifespan
from services.server import Endpoint, ServiceDefinition, ServiceRuntime, run
from contextlib import asynccontextmanager

descriptor_pool.Default().Add(descriptor_pb2.FileDescriptorProto.FromString(Path(sys.argv[1]).read_bytes()))
service = descriptor_pool.Default().FindServiceByName("contradiction.AccountService")

@asynccontextmanager
async def lifespan(settings):
    async with operations_lifespan(service, settings) as operations:
        yield ServiceRuntime(operations.build_endpoints(Endpoint, {}, local_fields=["request_id"]))

run(ServiceDefinition(descriptor=service, settings=AccountSettings, lifespan=lifespan))
"""


def _without_operation(file: descriptor_pb2.FileDescriptorProto) -> None:
    file.service[0].method[0].options.Clear()


def _local_without_handler(file: descriptor_pb2.FileDescriptorProto) -> None:
    operation = file.service[0].method[0].options.Extensions[upstream_v1.operation]
    operation.Clear()
    operation.local = True


def _two_fields_of_one_member(file: descriptor_pb2.FileDescriptorProto) -> None:
    (account,) = (message for message in file.message_type if message.name == "CountryAccount")
    (site,) = (field for field in account.field if field.name == "site")
    site.options.Extensions[upstream_v1.field].name = "country"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (
            _without_operation,
            "contradiction.AccountService.RegisterUser: "
            "the option (nationalsite.upstream.v1.operation) is missing",
        ),
        (
            _local_without_handler,
            "RegisterUser: is not an operation of 1688, and the service has no handler for it",
        ),
        (
            _two_fields_of_one_member,
            "contradiction.CountryAccount.site: reads 'country', as does country",
        ),
    ],
)
def test_contradictory_options_prevent_the_start(
    edit: Callable[[descriptor_pb2.FileDescriptorProto], None], line: str, tmp_path: Path
) -> None:
    file = descriptor_pb2.FileDescriptorProto()
    ACCOUNT_SERVICE.file.CopyToProto(file)
    file.name, file.package = "contradiction.proto", "contradiction"
    for field in (field for message in file.message_type for field in message.field if field.type_name):
        field.type_name = _to_test_package(field.type_name)
    for method in file.service[0].method:
        method.input_type = _to_test_package(method.input_type)
        method.output_type = _to_test_package(method.output_type)
    edit(file)
    path = tmp_path / "contradiction.binpb"
    path.write_bytes(file.SerializeToString())
    settings = SANDBOX_APP | {
        "NATIONALSITE_GATEWAY_URL": "http://127.0.0.1:1",
        "NATIONALSITE_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_HTTP_LISTEN": "127.0.0.1:0",
    }
    result = subprocess.run(  # noqa: S603 # our own text
        [sys.executable, "-c", START, str(path)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (result.returncode, result.stderr) == (2, line + "\n")


def _to_test_package(name: str) -> str:
    return name.replace(".nationalsite.account.v1.", ".contradiction.")

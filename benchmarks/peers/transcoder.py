"""Envoy's gRPC-JSON reverse transcoder, as the C++ that does a part of the same work.

It has one worker. What it makes of JSON is a message that mirrors the sample reply, member by member; it
signs nothing, looks for no envelope, and knows no Money.
"""

import json
from pathlib import Path
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2

PACKAGE, SERVICE, RPC = "benchmark", "Search", "SearchByKeyword"
METHOD = f"{PACKAGE}.{SERVICE}/{RPC}"

_Field = descriptor_pb2.FieldDescriptorProto
_KINDS: dict[type, "_Field.Type.ValueType"] = {
    bool: _Field.TYPE_BOOL,
    int: _Field.TYPE_INT64,
    float: _Field.TYPE_DOUBLE,
    str: _Field.TYPE_STRING,
    type(None): _Field.TYPE_STRING,
}


def descriptors(reply: bytes) -> bytes:
    """Return the descriptor set of a service whose response is a JSON text's mirror."""
    file = descriptor_pb2.FileDescriptorProto(
        name="benchmark.proto",
        package=PACKAGE,
        syntax="proto3",
        dependency=["google/api/annotations.proto"],
    )
    request = file.message_type.add(name="Request")
    request.field.add(name="keyword", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    request.field.add(name="pageSize", number=2, type=_Field.TYPE_INT32, label=_Field.LABEL_OPTIONAL)
    _mirror(file, "Response", json.loads(reply))
    method = file.service.add(name=SERVICE).method.add(
        name=RPC, input_type=f".{PACKAGE}.Request", output_type=f".{PACKAGE}.Response"
    )
    method.options.Extensions[annotations_pb2.http].CopyFrom(
        http_pb2.HttpRule(post="/openapi/search", body="*")
    )
    found = descriptor_pb2.FileDescriptorSet()
    for module in (descriptor_pb2, http_pb2, annotations_pb2):  # each after what it imports
        module.DESCRIPTOR.CopyToProto(found.file.add())
    found.file.append(file)
    return found.SerializeToString()


def _mirror(file: descriptor_pb2.FileDescriptorProto, name: str, found: dict[str, Any]) -> str:
    message = descriptor_pb2.DescriptorProto(name=name)
    for number, (member, value) in enumerate(found.items(), 1):
        label = _Field.LABEL_REPEATED if isinstance(value, list) else _Field.LABEL_OPTIONAL
        one = next(iter(value), "") if isinstance(value, list) else value
        field = message.field.add(name=member, number=number, label=label)
        if isinstance(one, dict):
            field.type = _Field.TYPE_MESSAGE
            field.type_name = _mirror(file, f"{name}_{member}", one)
        else:
            field.type = _KINDS[type(one)]
    file.message_type.append(message)
    return f".{PACKAGE}.{name}"


def configuration(port: int, admin_port: int, upstream: tuple[str, int], descriptor_set: Path) -> str:
    """Return Envoy's bootstrap, as JSON."""
    extension = "type.googleapis.com/envoy.extensions"
    transcoder = {
        "@type": f"{extension}.filters.http.grpc_json_reverse_transcoder.v3.GrpcJsonReverseTranscoder",
        "descriptor_path": str(descriptor_set),
        "max_response_body_size": 2**22,
    }
    manager = {
        "@type": f"{extension}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "grpc",
        "codec_type": "AUTO",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [
                        {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "30s"}}
                    ],
                }
            ]
        },
        "http_filters": [
            {"name": "transcoder", "typed_config": transcoder},
            {
                "name": "router",
                "typed_config": {"@type": f"{extension}.filters.http.router.v3.Router"},
            },
        ],
    }
    return json.dumps(
        {
            "admin": {"address": _address("127.0.0.1", admin_port)},
            "static_resources": {
                "listeners": [
                    {
                        "address": _address("127.0.0.1", port),
                        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                    }
                ],
                "clusters": [
                    {
                        "name": "upstream",
                        "type": "STATIC",
                        "load_assignment": {
                            "cluster_name": "upstream",
                            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(*upstream)}}]}],
                        },
                    }
                ],
            },
        }
    )


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}

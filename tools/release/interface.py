"""What a release promises and buf does not compare: settings, metrics, alerts, metadata, options of protos.

Each is a line: its kind, its name, and what has to stay. If a line is gone, callers or operators notice it.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message
from google.rpc import code_pb2
from nationalsite.errors import v1 as errors_v1
from nationalsite.upstream import v1 as upstream_v1
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic_settings import BaseSettings

import services.server.security.tls  # noqa: F401 # services import it only with TLS, and it has metrics
from services.account.service import AccountSettings
from services.adapter.cache import METADATA_KEY
from services.adapter.codec.option_checks import NO_OPERATION
from services.order_sync.service import OrderSyncSettings
from services.product.service import ProductSettings
from services.server.interceptors.dialect import DIALECT_KEY, DROPPED_FIELDS_KEY
from services.server.reason_rules import REASON_PREFIX
from services.settings_loader import env_name
from services.validation import buf_validate
from tools.generation.sources import INTERNAL

DESCRIPTORS = "gen/descriptors/nationalsite.binpb"
ALERTS = "deploy/observability/alerts.yaml"
SETTINGS: Mapping[str, type[BaseSettings]] = {
    "product": ProductSettings,
    "order-sync": OrderSyncSettings,
    "account": AccountSettings,
}
METADATA = (DIALECT_KEY, DROPPED_FIELDS_KEY, METADATA_KEY, "grpc-retry-pushback-ms")
OPERATED = frozenset({"setting", "metric", "alert"})
"""Kinds of lines about what operators use."""
_DIALECT_LIMITS = ("unmapped", "required", "max_len", "pattern", "required_without")
"""The parts of a FieldMapping that reject requests."""
_DIALECTS = ("national_site", "open_platform")


def list_interface(root: Path) -> list[str]:
    """Return the lines of a checkout. Settings and metrics are those of the imported code."""
    files = FileDescriptorSet.FromString((root / DESCRIPTORS).read_bytes())
    public = [file for file in files.file if is_public(file)]
    alerts = (root / ALERTS).read_text(encoding="utf-8")
    return sorted(
        {
            *(f"metadata {key}" for key in METADATA),
            *list_alerts(alerts),
            *list_errors(public),
            *list_metrics(),
            *list_rules(public),
            *list_settings(SETTINGS),
        }
    )


def is_public(file: FileDescriptorProto) -> bool:
    """Return whether clients have a file of the descriptors."""
    return file.name.startswith("nationalsite/") and not file.name.startswith(INTERNAL)


def list_settings(classes: Mapping[str, type[BaseSettings]]) -> Iterator[str]:
    """Yield the variables of each service, with their defaults."""
    for service, cls in classes.items():
        for name, field in cls.model_fields.items():
            default = field.get_default(call_default_factory=True)
            if isinstance(default, SecretStr):
                default = default.get_secret_value()
            text = "required" if field.is_required() else repr(default)
            yield f"setting {env_name(cls, name)} {service} {text}"


def list_metrics() -> Iterator[str]:
    """Yield the metrics with their labels."""
    for metric in list(REGISTRY._collector_to_names):  # a metric does not tell its labels otherwise
        if isinstance(metric, MetricWrapperBase):
            yield f"metric {metric._name} {metric._type} {','.join(metric._labelnames)}".rstrip()


def list_alerts(text: str) -> Iterator[str]:
    """Yield the alerts with their severity."""
    for group in yaml.safe_load(text)["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                yield f"alert {rule['alert']} {rule['labels']['severity']}"


def list_errors(files: Iterable[FileDescriptorProto]) -> Iterator[str]:
    """Yield the rules of the reasons, and which errors of 1688 have which reason."""
    for file in files:
        for enum in file.enum_type:
            for value in enum.value:
                if value.options.HasExtension(errors_v1.rule):
                    name = value.name.removeprefix(REASON_PREFIX)
                    rule = value.options.Extensions[errors_v1.rule]
                    yield from (f"reason {name} {part}" for part in _describe_reason(rule))
        for service in file.service:
            for method in service.method:
                operation = method.options.Extensions[upstream_v1.operation]
                yield from (f"rpc {method.name} {part}" for part in _describe_operation(operation))


def _describe_reason(rule: errors_v1.ReasonRule) -> Iterator[str]:
    yield f"status {code_pb2.Code.Name(rule.status)}"
    yield f"retry {errors_v1.Retry.Name(rule.retry)}{' by the service' * rule.retried_by_service}"
    yield from (f"metadata {key}" for key in rule.metadata)
    yield from (f"detail {detail}" for detail in rule.details)


def _describe_operation(operation: upstream_v1.Operation) -> Iterator[str]:
    for dialect in _DIALECTS:
        of_dialect = getattr(operation, dialect)
        if (of_dialect.api or operation.api) != NO_OPERATION:
            yield f"works in {dialect}"
        for mapping in (*operation.error_mappings, *of_dialect.error_mappings):
            for code in mapping.codes or ("",):
                cause = upstream_v1.ErrorMapping()
                cause.CopyFrom(mapping)
                cause.codes[:] = [code]
                yield f"error in {dialect} {_to_line(cause)}"


def list_rules(files: Iterable[FileDescriptorProto]) -> Iterator[str]:
    """Yield each message and field of requests, with its rules, and with those of the dialects."""
    files = list(files)
    messages = dict(_list_messages(files))
    for name in sorted(_find_requests(files, messages)):
        message = messages[name]
        short = name.rpartition(".v1.")[2]
        yield f"rule {short} {_describe_rules(message.options, buf_validate.message)}".rstrip()
        for oneof in message.oneof_decl:
            if not oneof.name.startswith("_"):  # it is that of an `optional` field
                rules = _describe_rules(oneof.options, buf_validate.oneof)
                yield f"rule {short}.{oneof.name} {rules}".rstrip()
        for field in message.field:
            rules = _describe_rules(field.options, buf_validate.field)
            limits = _list_dialect_limits(field.options.Extensions[upstream_v1.field])
            yield " ".join(filter(None, (f"rule {short}.{field.name}", rules, *limits)))


def _describe_rules(options: Message, extension: Any) -> str:
    rules = buf_validate.rules(options, extension)
    for rule in getattr(rules, "cel", ()):
        rule.ClearField("message")  # a text can be improved
    return _to_line(rules)


def _list_messages(files: Iterable[FileDescriptorProto]) -> Iterator[tuple[str, DescriptorProto]]:
    def walk(prefix: str, declared: Iterable[DescriptorProto]) -> Iterator[tuple[str, DescriptorProto]]:
        for message in declared:
            yield f"{prefix}.{message.name}", message
            yield from walk(f"{prefix}.{message.name}", message.nested_type)

    for file in files:
        yield from walk(f".{file.package}", file.message_type)


def _find_requests(files: Iterable[FileDescriptorProto], messages: Mapping[str, DescriptorProto]) -> set[str]:
    """Return the names of all messages that a request can contain."""
    found: set[str] = set()
    left = [method.input_type for file in files for service in file.service for method in service.method]
    while left:
        name = left.pop()
        if name in messages and name not in found:
            found.add(name)
            left += [field.type_name for field in messages[name].field]
    return found


def _list_dialect_limits(mapping: upstream_v1.FieldMapping) -> Iterator[str]:
    for dialect in ("", *_DIALECTS):
        of_dialect = getattr(mapping, dialect) if dialect else mapping
        limits = upstream_v1.FieldMapping()
        for name in _DIALECT_LIMITS:
            setattr(limits, name, getattr(of_dialect, name))
        if line := _to_line(limits):
            yield f"{dialect or 'dialects'} {{{line}}}"


def _to_line(message: Message | Any) -> str:
    return text_format.MessageToString(message, as_one_line=True)

"""The rule of each reason, from errors.proto: its status, metadata and details, and whether to retry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import grpc
from google.protobuf.descriptor import EnumValueDescriptor
from nationalsite.errors import v1 as errors_v1

REASON_PREFIX = "ERROR_REASON_"
COMMON_METADATA = frozenset({"source", "operation", "dialect"})
"""The metadata keys of every error."""
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRule:
    """What every error with one reason carries."""

    status: grpc.StatusCode
    metadata: frozenset[str]
    """The metadata keys that every error has."""
    optional_metadata: frozenset[str]
    details: frozenset[str]
    """The short names of the details that every error has."""
    optional_details: frozenset[str]
    retry: errors_v1.Retry.ValueType
    retry_delay_ms: int | None
    """The delay in RetryInfo; None without RetryInfo."""
    retried_by_service: bool
    """The service has already retried its call to 1688."""

    @property
    def pushback_ms(self) -> int | None:
        """The trailer `grpc-retry-pushback-ms`; None: it is not sent.

        If a channel also retried what this service has retried, their attempts would be multiplied.
        """
        may_channel_retry = self.retry == errors_v1.RETRY_AFTER_DELAY and not self.retried_by_service
        return self.retry_delay_ms if may_channel_retry else -1

    def find_deviations(self, metadata: Iterable[str], details: Iterable[str]) -> list[str]:
        """Return what an error with these metadata keys and details has wrong."""
        return [
            *_compare("metadata", set(metadata), self.metadata, self.optional_metadata),
            *_compare("detail", set(details), self.details, self.optional_details),
        ]


def _compare(
    kind: str, actual: set[str], required: frozenset[str], optional: frozenset[str]
) -> Iterable[str]:
    yield from (f"{kind} {name} is missing" for name in sorted(required - actual))
    yield from (f"{kind} {name} is not in the rule" for name in sorted(actual - required - optional))


def _read_rule(value: EnumValueDescriptor) -> ReasonRule:
    rule = value.GetOptions().Extensions[errors_v1.rule]
    return ReasonRule(
        status=_CODES[rule.status],
        metadata=COMMON_METADATA | _required(rule.metadata),
        optional_metadata=_optional(rule.metadata),
        details=frozenset({"ErrorInfo"}) | _required(rule.details),
        optional_details=_optional(rule.details),
        retry=rule.retry,
        retry_delay_ms=rule.retry_delay.ToMilliseconds() if rule.HasField("retry_delay") else None,
        retried_by_service=rule.retried_by_service,
    )


def _required(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name in names if not name.endswith("?"))


def _optional(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.removesuffix("?") for name in names if name.endswith("?"))


REASON_RULES: Mapping[str, ReasonRule] = MappingProxyType(
    {
        value.name.removeprefix(REASON_PREFIX): _read_rule(value)
        for value in errors_v1.ErrorReason.DESCRIPTOR.values
        if value.number != errors_v1.ERROR_REASON_UNSPECIFIED
    }
)
"""Reason without its prefix -> its rule."""

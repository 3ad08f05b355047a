"""Finds out whether the app may call an operation, without executing it.

A probe is a signed call without any parameter of the operation itself. The gateway checks the app's
permission before the parameters, so an error for a missing parameter proves the permission. A write is probed
only if it has a required parameter: even if the gateway accepts the call, the operation changes nothing.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

import protovalidate

from services.adapter.cli.format import format_error
from services.adapter.codec import Operation
from services.adapter.gateway import GatewayClient
from services.errors import (
    AccessTokenRejected,
    CredentialRejected,
    NationalsiteError,
    UpstreamArgument,
    UpstreamGateway,
    UpstreamPermission,
    UpstreamUnsupported,
)

TIMEOUT_S = 10.0


class Verdict(StrEnum):
    """The result of a probe."""

    PERMITTED = "permitted"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


_VERDICTS: tuple[tuple[type[NationalsiteError], Verdict], ...] = (
    (UpstreamPermission, Verdict.DECLINED),
    (UpstreamUnsupported, Verdict.DECLINED),
    (UpstreamArgument, Verdict.PERMITTED),
)
"""The verdict for an error of each class. The first class that matches is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Whether the app may call an operation."""

    rpc: str
    api_id: str
    verdict: Verdict
    detail: str = ""
    """The reason, if the verdict needs one."""
    is_token_accepted: bool | None = None
    """Whether 1688 accepted the access token; None if the probe does not show it."""


def skip_reason(operation: Operation, *, writes: bool) -> str:
    """Return why an operation must not be probed; empty if it may be."""
    if operation.is_read_only:
        return ""
    if not protovalidate.collect_violations(operation.request()):
        return "a write without required parameters might be executed"
    return "" if writes else "a write; use --writes to check it"


async def probe(gateway: GatewayClient, operation: Operation) -> Permission:
    """Call an operation without any parameter of its own, and interpret the response."""
    try:
        await gateway.call(
            operation.api_id,
            {},
            files={},
            anonymous=operation.anonymous,
            idempotent=operation.is_read_only,
            deadline=asyncio.get_running_loop().time() + TIMEOUT_S,
        )
    except NationalsiteError as error:
        return _interpret(operation, error, format_error(error, gateway.secrets()))
    # The operation itself responded, so the gateway has permitted the call.
    return Permission(
        rpc=operation.rpc,
        api_id=operation.api_id,
        verdict=Verdict.PERMITTED,
        is_token_accepted=None if operation.anonymous else True,
    )


def _interpret(operation: Operation, error: NationalsiteError, text: str) -> Permission:
    verdict = next(
        (verdict for error_type, verdict in _VERDICTS if isinstance(error, error_type)), Verdict.UNKNOWN
    )
    if isinstance(error, UpstreamGateway) and error.code == "400" and "argument" in error.upstream_message:
        verdict = Verdict.PERMITTED  # the older text for a missing or wrong parameter
    is_token_accepted = None
    if isinstance(error, AccessTokenRejected | CredentialRejected):
        is_token_accepted = False
    elif not operation.anonymous and (verdict is Verdict.PERMITTED or isinstance(error, UpstreamPermission)):
        is_token_accepted = True
    return Permission(
        rpc=operation.rpc,
        api_id=operation.api_id,
        verdict=verdict,
        detail="" if verdict is Verdict.PERMITTED else text,
        is_token_accepted=is_token_accepted,
    )

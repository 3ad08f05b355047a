"""Asks 1688 whether the app may call an operation, without having it do anything.

A probe is a signed call without a single business parameter. The gateway checks the app's permission before
parameters, so a refusal for a missing one proves the permission. A write is asked only where its request must
hold something: should the gateway let the call through, the operation has nothing to act on.
"""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

import protovalidate

from services.adapter.cli.format import format_error
from services.adapter.codec import Idempotency, Operation
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
    """What a probe found."""

    PERMITTED = "permitted"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


_VERDICTS: tuple[tuple[type[NationalsiteError], Verdict], ...] = (
    (UpstreamPermission, Verdict.DECLINED),
    (UpstreamUnsupported, Verdict.DECLINED),
    (UpstreamArgument, Verdict.PERMITTED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Whether the app may call an operation."""

    rpc: str
    api: str
    verdict: Verdict
    detail: str = ""
    """Why, where the verdict does not say it."""
    token: bool | None = None
    """Whether 1688 took the access token; None where this does not tell."""


def skip_reason(operation: Operation, *, writes: bool) -> str:
    """Return why an operation is not to be asked; empty where it is."""
    if operation.level is Idempotency.READ:
        return ""
    if not writes:
        return "a write; --writes asks"
    if not protovalidate.collect_violations(operation.request()):
        return "a write that needs no parameter might run"
    return ""


async def probe(gateway: GatewayClient, operation: Operation) -> Permission:
    """Call an operation without any parameter of its own, and judge the answer."""
    try:
        await gateway.call(
            operation.api,
            {},
            files={},
            anonymous=operation.anonymous,
            repeatable=operation.level is Idempotency.READ,
            deadline=asyncio.get_running_loop().time() + TIMEOUT_S,
        )
    except NationalsiteError as error:
        return _judged(operation, error, format_error(error, gateway.secrets()))
    # Whatever the operation says to a call without parameters: it was let through to say it.
    return Permission(
        rpc=operation.rpc,
        api=operation.api,
        verdict=Verdict.PERMITTED,
        token=None if operation.anonymous else True,
    )


def _judged(operation: Operation, error: NationalsiteError, text: str) -> Permission:
    verdict = next((found for kind, found in _VERDICTS if isinstance(error, kind)), Verdict.UNKNOWN)
    if isinstance(error, UpstreamGateway) and error.code == "400" and "argument" in error.upstream_message:
        verdict = Verdict.PERMITTED  # the older words of a parameter that is missing or unfit
    token = None
    if isinstance(error, AccessTokenRejected | CredentialRejected):
        token = False
    elif not operation.anonymous and (verdict is Verdict.PERMITTED or isinstance(error, UpstreamPermission)):
        token = True
    return Permission(
        rpc=operation.rpc,
        api=operation.api,
        verdict=verdict,
        detail="" if verdict is Verdict.PERMITTED else text,
        token=token,
    )

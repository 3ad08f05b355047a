"""`check`: is the gateway there, is the clock right, is the token good, what may the app call."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.adapter.cli.format import format_error
from services.adapter.cli.operations import supported_operations
from services.adapter.cli.permissions import Permission, Verdict, probe, skip_reason
from services.adapter.cli.settings import OperatorSettings
from services.adapter.codec import Operation
from services.adapter.factory import gateway_lifespan
from services.adapter.gateway import GatewayClient, GatewayClock
from services.errors import NationalsiteError, UpstreamFault, UpstreamGateway, UpstreamUnreadable

TIMEOUT_S = 10.0
MAX_CONCURRENCY = 4
"""Probes under way at once: eight calls have been seen to meet 1688's frequency limit."""
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What the signed probe of the gateway's clock found."""

    url: str
    reachable: bool
    """Whether the gateway answered, if with a refusal."""
    skew_ms: int | None = None
    """How far our clock is ahead of the gateway's; None where that could not be read."""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """The access token, and what it comes from."""

    source: str
    """fixed, or renewed from a refresh token."""
    accepted: bool | None = None
    """Whether 1688 takes it; None where nothing has told."""
    refresh_days_left: int | None = None
    """Whole days until the refresh token ends; None without one, or where 1688 did not say."""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it."""

    gateway: Connection
    token: TokenState
    dialect: str
    permissions: Sequence[Permission]

    @property
    def is_well(self) -> bool:
        """Whether nothing is amiss; what was not asked counts for nothing."""
        return (
            not self.gateway.problem
            and not self.token.problem
            and self.token.accepted is not False
            and all(each.verdict in (Verdict.PERMITTED, Verdict.NOT_ASKED) for each in self.permissions)
        )


async def run_checks(settings: OperatorSettings, *, writes: bool) -> Report:
    """Ask 1688; `writes` has operations probed that change something, see probing.py."""
    operations = supported_operations(settings)
    async with gateway_lifespan(settings) as gateway:
        connection = await _connection(gateway, settings.gateway_url)
        token = TokenState(source="fixed" if settings.access_token else "renewed from a refresh token")
        if connection.problem:
            permissions = _unasked(operations.values(), "the gateway did not take the first call")
        else:
            token = await _authorised(gateway, token)
            permissions = await _permissions(gateway, operations, writes=writes, token=not token.problem)
    return Report(
        gateway=connection,
        token=_judged(token, permissions),
        dialect=str(settings.dialect),
        permissions=permissions,
    )


async def _connection(gateway: GatewayClient, url: str) -> Connection:
    try:
        offset_ms = await GatewayClock(gateway.current_time).offset_ms(_deadline())
    except NationalsiteError as error:
        # The clock tells what is uncertain as Unreachable; its cause knows more.
        first = error.__cause__ if isinstance(error.__cause__, NationalsiteError) else error
        return Connection(
            url=url,
            reachable=isinstance(first, UpstreamGateway | UpstreamFault | UpstreamUnreadable),
            problem=format_error(first, gateway.secrets()),
        )
    return Connection(url=url, reachable=True, skew_ms=-offset_ms)


async def _authorised(gateway: GatewayClient, token: TokenState) -> TokenState:
    try:
        until = await gateway.authorise(_deadline())
    except NationalsiteError as error:
        return TokenState(source=token.source, accepted=False, problem=format_error(error, gateway.secrets()))
    days = None if until is None else int((until - time.time()) // _DAY_S)
    return TokenState(source=token.source, refresh_days_left=days)


async def _permissions(
    gateway: GatewayClient, operations: Mapping[str, Operation], *, writes: bool, token: bool
) -> list[Permission]:
    places = asyncio.Semaphore(MAX_CONCURRENCY)

    async def asked(operation: Operation) -> Permission:
        reason = skip_reason(operation, writes=writes)
        if not reason and not token and not operation.anonymous:
            reason = "no access token"
        if reason:
            return _not_asked(operation, reason)
        async with places:
            return await probe(gateway, operation)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asked(operation)) for operation in operations.values()]
    return [task.result() for task in tasks]


def _unasked(operations: Iterable[Operation], reason: str) -> list[Permission]:
    return [_not_asked(operation, reason) for operation in operations]


def _not_asked(operation: Operation, reason: str) -> Permission:
    return Permission(rpc=operation.rpc, api=operation.api, verdict=Verdict.NOT_ASKED, detail=reason)


def _judged(token: TokenState, permissions: Iterable[Permission]) -> TokenState:
    """Add what the probes tell of the token: a refusal counts more than an acceptance."""
    found = {each.token for each in permissions} - {None}
    if token.accepted is not None or not found:
        return token
    return TokenState(
        source=token.source,
        accepted=False not in found,
        refresh_days_left=token.refresh_days_left,
    )


def _deadline() -> float:
    return asyncio.get_running_loop().time() + TIMEOUT_S

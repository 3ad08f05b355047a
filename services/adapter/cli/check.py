"""`check`: gateway, clock, token, permissions; with `--drift`, names in responses that the protos lack."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.adapter.cli.drift import ReadResult, find_drift
from services.adapter.cli.format import format_error
from services.adapter.cli.operations import supported_operations
from services.adapter.cli.permissions import Permission, Verdict, probe, skip_reason
from services.adapter.cli.settings import OperatorSettings
from services.adapter.codec import Operation
from services.adapter.factory import gateway_lifespan
from services.adapter.gateway import GatewayClient, GatewayClock, open_redis
from services.errors import NationalsiteError, UpstreamFault, UpstreamGateway, UpstreamUnreadable

TIMEOUT_S = 10.0
MAX_CONCURRENCY = 4
"""Maximum number of probes in flight. In practice, eight calls reached 1688's rate limit."""
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The result of the signed call that reads the gateway's clock."""

    url: str
    is_reachable: bool
    """Whether the gateway responded, even with an error."""
    skew_ms: int | None = None
    """How far our clock is ahead of the gateway's; None if the gateway's clock could not be read."""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """The access token."""

    source: str
    """The text "static" or "from a refresh token"."""
    is_accepted: bool | None = None
    """Whether 1688 accepts it; None if no call has shown it."""
    refresh_days_left: int | None = None
    """Whole days until the refresh token expires; None without one, or if 1688 did not say."""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisState:
    """The Redis that replicas share."""

    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The results of all checks."""

    gateway: Connection
    token: TokenState
    dialect: str
    permissions: Sequence[Permission]
    redis: RedisState | None = None
    """None if no Redis is set."""
    drift: Sequence[ReadResult] | None = None
    """None if it was not asked for."""

    @property
    def has_unknown_members(self) -> bool:
        """Whether a response has members that no field of the protos reads."""
        return any(read.differences and read.differences.unknown for read in self.drift or ())

    @property
    def is_ok(self) -> bool:
        """Whether no check failed; skipped ones do not count."""
        return (
            not self.gateway.problem
            and not self.token.problem
            and not (self.redis and self.redis.problem)
            and self.token.is_accepted is not False
            and all(
                permission.verdict in (Verdict.PERMITTED, Verdict.SKIPPED) for permission in self.permissions
            )
            and not any(read.problem for read in self.drift or ())
        )


async def run_checks(settings: OperatorSettings, *, writes: bool, drift: bool = False) -> Report:
    """Run all checks. With `writes`, also check operations that write: see permissions.py.

    With `drift`, also make some reads: see drift.py.
    """
    operations = supported_operations(settings)
    async with gateway_lifespan(settings) as gateway:
        connection = await _check_connection(gateway, settings.gateway_url)
        token = TokenState(source="static" if settings.access_token else "from a refresh token")
        if connection.problem:
            reason = "the first call of the gateway failed"
            permissions = [_skipped(operation, reason) for operation in operations.values()]
        else:
            token = await _check_token(gateway, token)
            permissions = await _check_permissions(
                gateway, operations, writes=writes, has_token=not token.problem
            )

        def skip_read(operation: Operation) -> str:
            if connection.problem:
                return "the first call of the gateway failed"
            return "no access token" if token.problem and not operation.anonymous else ""

        reads = await find_drift(gateway, operations, skip_reason=skip_read) if drift else None
    return Report(
        gateway=connection,
        token=_with_probe_results(token, permissions),
        dialect=str(settings.dialect),
        permissions=permissions,
        redis=await _check_redis(settings),
        drift=reads,
    )


async def _check_connection(gateway: GatewayClient, url: str) -> Connection:
    try:
        offset_ms = await GatewayClock(gateway.current_time).offset_ms(_deadline())
    except NationalsiteError as error:
        # GatewayClock raises ConnectError for several errors; the cause is more precise.
        cause = error.__cause__ if isinstance(error.__cause__, NationalsiteError) else error
        return Connection(
            url=url,
            is_reachable=isinstance(cause, UpstreamGateway | UpstreamFault | UpstreamUnreadable),
            problem=format_error(cause, gateway.secrets()),
        )
    return Connection(url=url, is_reachable=True, skew_ms=-offset_ms)


async def _check_redis(settings: OperatorSettings) -> RedisState | None:
    if settings.redis_url is None:
        return None
    redis = open_redis(settings.redis_url.get_secret_value(), settings.app_key)
    try:
        return RedisState(problem=await redis.find_problem(TIMEOUT_S))
    finally:
        await redis.close()


async def _check_token(gateway: GatewayClient, token: TokenState) -> TokenState:
    try:
        expires_at = await gateway.ensure_token(_deadline())
    except NationalsiteError as error:
        return replace(token, is_accepted=False, problem=format_error(error, gateway.secrets()))
    days_left = None if expires_at is None else int((expires_at - time.time()) // _DAY_S)
    return replace(token, refresh_days_left=days_left)


async def _check_permissions(
    gateway: GatewayClient, operations: Mapping[str, Operation], *, writes: bool, has_token: bool
) -> list[Permission]:
    slots = asyncio.Semaphore(MAX_CONCURRENCY)

    async def check(operation: Operation) -> Permission:
        reason = skip_reason(operation, writes=writes)
        if not reason and not has_token and not operation.anonymous:
            reason = "no access token"
        if reason:
            return _skipped(operation, reason)
        async with slots:
            return await probe(gateway, operation)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(check(operation)) for operation in operations.values()]
    return [task.result() for task in tasks]


def _skipped(operation: Operation, reason: str) -> Permission:
    return Permission(rpc=operation.rpc, api_id=operation.api_id, verdict=Verdict.SKIPPED, detail=reason)


def _with_probe_results(token: TokenState, permissions: Iterable[Permission]) -> TokenState:
    """Set `is_accepted` by the probes: false if 1688 rejected the token in any of them."""
    results = {permission.is_token_accepted for permission in permissions} - {None}
    if token.is_accepted is not None or not results:
        return token
    return replace(token, is_accepted=False not in results)


def _deadline() -> float:
    return asyncio.get_running_loop().time() + TIMEOUT_S

"""The report of `check`, as JSON and as a table."""

from collections.abc import Iterator
from typing import Any

from services.adapter.cli.check import Report
from services.adapter.cli.drift import ReadResult

_ACCEPTED = {True: "accepted by 1688", False: "rejected by 1688", None: "not used"}


def report_as_json(report: Report) -> dict[str, Any]:
    """Return a report in JSON's types."""
    gateway, token = report.gateway, report.token
    return {
        "ok": report.is_ok,
        "gateway": {
            "url": gateway.url,
            "reachable": gateway.is_reachable,
            "clock_skew_ms": gateway.skew_ms,
            "problem": gateway.problem,
        },
        "token": {
            "source": token.source,
            "accepted": token.is_accepted,
            "refresh_token_days_left": token.refresh_days_left,
            "problem": token.problem,
        },
        "redis": None if report.redis is None else {"problem": report.redis.problem},
        "dialect": report.dialect,
        "permissions": [
            {
                "rpc": permission.rpc,
                "api": permission.api_id,
                "verdict": str(permission.verdict),
                "detail": permission.detail,
            }
            for permission in report.permissions
        ],
        "drift": None if report.drift is None else [_read_as_json(read) for read in report.drift],
    }


def _read_as_json(read: ReadResult) -> dict[str, Any]:
    found = read.differences
    return {
        "rpc": read.operation.rpc,
        "api": read.operation.api_id,
        "dialect": str(read.operation.dialect),
        "compared": found is not None,
        "detail": read.problem or read.skipped,
        "unknown": list(found.unknown) if found else [],
        "absent": list(found.absent) if found else [],
    }


def report_as_table(report: Report) -> str:
    """Return a report as lines with columns."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    gateway, token = report.gateway, report.token
    state = "reachable" if gateway.is_reachable else "not reachable"
    yield _line("gateway", f"{gateway.url}: {state}", gateway.problem)
    if gateway.skew_ms is not None:
        yield _line("our clock", f"{abs(gateway.skew_ms)} ms {'ahead' if gateway.skew_ms > 0 else 'behind'}")
    yield _line("token", f"{token.source}: {_ACCEPTED[token.is_accepted]}", token.problem)
    if token.refresh_days_left is not None:
        yield _line("refresh token", f"{token.refresh_days_left} days left")
    if report.redis is not None:
        yield _line("Redis", "cannot be used" if report.redis.problem else "usable", report.redis.problem)
    yield _line("dialect", report.dialect)
    yield ""
    rpc_width = max(len(permission.rpc) for permission in report.permissions)
    api_width = max(len(permission.api_id) for permission in report.permissions)
    for permission in report.permissions:
        row = (
            f"{permission.rpc:{rpc_width}}  {permission.api_id:{api_width}}  "
            f"{permission.verdict:9}  {permission.detail}"
        )
        yield row.rstrip()
    yield ""
    if report.drift is not None:
        for read in report.drift:
            yield from _drift_lines(read)
        yield ""
    yield "all checks passed" if report.is_ok else "some checks failed"


def _drift_lines(read: ReadResult) -> Iterator[str]:
    found = read.differences
    if found is None:
        state = f"failed: {read.problem}" if read.problem else f"skipped: {read.skipped}"
        yield f"{read.operation.rpc}  {state}"
        return
    yield f"{read.operation.rpc}  {len(found.unknown)} unknown, {len(found.absent)} absent"
    yield from (f"  unknown  {path}" for path in found.unknown)
    yield from (f"  absent   {path}" for path in found.absent)


def _line(name: str, text: str, problem: str = "") -> str:
    return f"{name:14} {text}{f'; {problem}' if problem else ''}"

"""A report of `check`, for people and for machines."""

from collections.abc import Iterator
from typing import Any

from services.adapter.cli.check import Report

_ACCEPTED = {True: "accepted by 1688", False: "refused by 1688", None: "not tried"}


def as_json(report: Report) -> dict[str, Any]:
    """Return a report in JSON's types."""
    gateway, token = report.gateway, report.token
    return {
        "well": report.is_well,
        "gateway": {
            "url": gateway.url,
            "reachable": gateway.reachable,
            "clock_skew_ms": gateway.skew_ms,
            "problem": gateway.problem,
        },
        "token": {
            "source": token.source,
            "accepted": token.accepted,
            "refresh_token_days_left": token.refresh_days_left,
            "problem": token.problem,
        },
        "dialect": report.dialect,
        "permissions": [
            {"rpc": each.rpc, "api": each.api, "verdict": str(each.verdict), "detail": each.detail}
            for each in report.permissions
        ],
    }


def as_table(report: Report) -> str:
    """Return a report as lines with columns."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    gateway, token = report.gateway, report.token
    state = "reachable" if gateway.reachable else "no answer"
    yield _line("gateway", f"{gateway.url}: {state}", gateway.problem)
    if gateway.skew_ms is not None:
        yield _line("our clock", f"{abs(gateway.skew_ms)} ms {'ahead' if gateway.skew_ms > 0 else 'behind'}")
    yield _line("token", f"{token.source}: {_ACCEPTED[token.accepted]}", token.problem)
    if token.refresh_days_left is not None:
        yield _line("refresh token", f"{token.refresh_days_left} days left")
    yield _line("dialect", report.dialect)
    yield ""
    widths = [max(len(getattr(each, name)) for each in report.permissions) for name in ("rpc", "api")]
    for each in report.permissions:
        row = f"{each.rpc:{widths[0]}}  {each.api:{widths[1]}}  {each.verdict:9}  {each.detail}"
        yield row.rstrip()
    yield ""
    yield "all is well" if report.is_well else "not all is well"


def _line(name: str, text: str, problem: str = "") -> str:
    return f"{name:14} {text}{f'; {problem}' if problem else ''}"

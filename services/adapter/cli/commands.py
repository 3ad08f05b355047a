"""The command line."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from services.adapter.cli.authorize import authorize_url, store_tokens
from services.adapter.cli.check import run_checks
from services.adapter.cli.format import format_error
from services.adapter.cli.report import as_json, as_table
from services.adapter.cli.settings import AuthorizeSettings, OperatorSettings
from services.adapter.cli.sign import as_text, signed_calls
from services.errors import NationalsiteError, StartupError
from services.settings_loader import load_settings

_STDIN = "-"
_CHECK = """\
Asks 1688 whether it is reached, how far our clock is off, whether the token is good, and which operations
of the protos the app may call. Sent are: system/currentTime; getToken, where there is a refresh token; and
for each read a signed call without any parameter of its own, which the gateway refuses for a missing
parameter once it has let the app pass, or which reads a first page. Writes are asked only with --writes, in
the same way, and only those whose request must hold something: without it there is nothing to act on. Calls
count against the app's limits."""
_SIGN = """\
Prints what the operation of an RPC would be sent, and sends nothing. What a service fills in before
(product: the language of a country, smaller pictures) is not filled in. A timestamp is that of our own
clock."""
_AUTHORIZE = """\
Prints the page where a user lets the app in. With the code that 1688 then appends to the redirect URI:
exchanges it for tokens, and writes the refresh token to a file that only its owner can read. A code is good
once, for minutes."""


def main(arguments: Sequence[str]) -> int:
    """Carry out a command; return the exit code: 0 well, 1 not well, 2 cannot start."""
    # Standard output is the answer's alone.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    chosen = _parser().parse_args(arguments)
    try:
        return _COMMANDS[chosen.command](chosen)
    except StartupError as problem:
        problem.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m services.adapter", description="Configured by the NATIONALSITE_ variables of the services."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    authorize = commands.add_parser("authorize", help="let a user's account in", description=_AUTHORIZE)
    authorize.add_argument("--redirect-uri", required=True, help="as it is registered with the app")
    authorize.add_argument("--state", help="comes back beside the code")
    authorize.add_argument("--code", help=f"exchange this code; {_STDIN} reads it from standard input")
    authorize.add_argument(
        "--refresh-token-file",
        type=Path,
        help="where to write, unless NATIONALSITE_REFRESH_TOKEN_FILE is set",
    )
    check = commands.add_parser("check", help="check gateway, token and permissions", description=_CHECK)
    check.add_argument("--writes", action="store_true", help="ask for writes too")
    check.add_argument("--json", action="store_true", help="for machines")
    sign = commands.add_parser("sign", help="show what a call sends", description=_SIGN)
    sign.add_argument("rpc", help="name of an RPC, such as GetCategory")
    sign.add_argument("request", help=f"protobuf's JSON; {_STDIN} reads it from standard input")
    sign.add_argument("--json", action="store_true", help="for machines: a list of calls")
    return parser


def _authorize(chosen: argparse.Namespace) -> int:
    settings = load_settings(AuthorizeSettings)
    if chosen.code is None:
        print(authorize_url(settings.app_key, chosen.redirect_uri, chosen.state))
        return 0
    code = _given(chosen.code).strip()
    return store_tokens(settings, code, chosen.redirect_uri, chosen.refresh_token_file)


def _check(chosen: argparse.Namespace) -> int:
    report = asyncio.run(run_checks(load_settings(OperatorSettings), writes=chosen.writes))
    print(_dump(as_json(report)) if chosen.json else as_table(report))
    return 0 if report.is_well else 1


def _sign(chosen: argparse.Namespace) -> int:
    settings = load_settings(OperatorSettings)
    try:
        calls = signed_calls(settings, chosen.rpc, _given(chosen.request))
    except NationalsiteError as error:
        print(format_error(error, ()), file=sys.stderr)
        return 1
    print(_dump(calls) if chosen.json else "\n\n".join(map(as_text, calls)))
    return 0


def _given(argument: str) -> str:
    return sys.stdin.read() if argument == _STDIN else argument


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "authorize": _authorize,
    "check": _check,
    "sign": _sign,
}

"""The command line: parses the arguments, runs a command, prints its result."""

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
from services.adapter.cli.report import report_as_json, report_as_table
from services.adapter.cli.settings import AuthorizeSettings, OperatorSettings
from services.adapter.cli.sign import call_as_text, signed_calls
from services.errors import NationalsiteError, StartupError
from services.settings_loader import load_settings

_STDIN = "-"
_EXAMPLES = """\
examples, with the settings of a service in the environment:
  python -m services.adapter check --writes
  python -m services.adapter sign GetCategory '{"category_id": 0}'
  python -m services.adapter authorize --redirect-uri https://shop.example/1688"""
_CHECK = """\
Checks whether 1688 is reachable, how much this machine's clock differs, whether the token is valid, and
which operations of the protos the app may call. It calls system/currentTime; getToken, if there is a refresh
token; and each read, signed but without parameters. The gateway checks the permission first and then rejects
the call for a missing parameter, or returns a first page. Writes are called only with --writes, in the same
way, and only those that have a required parameter: without it they cannot change anything. Calls count
against the app's limits. It also uses Redis, if NATIONALSITE_REDIS_URL is set.

With --drift, some reads are made with parameters: a search, the details of its first offer, the filters, the
top categories, and the latest day's messages that 1688 could not push. It lists the members in their
responses that the protos do not have, and the documented members that are absent; 1688 leaves out members
without a value.

The exit code is 0 if all checks pass, 1 if one fails, 2 if a setting is wrong, and 3 if all pass and --drift
finds members that the protos do not have."""
_SIGN = """\
Prints the HTTP request that an RPC would send to 1688, and sends nothing. Changes that a service makes to a
request before a call are left out (product: set the language of a country, shrink images). A timestamp is
the time of this machine, not of the gateway."""
_AUTHORIZE = """\
Prints the page where a user authorizes the app. 1688 then appends a code to the redirect URI. With that
code: exchanges it for tokens, and writes the refresh token to a file that only its owner can read. A code is
valid once, for some minutes."""


def main(arguments: Sequence[str]) -> int:
    """Run a command; return the exit code.

    0 success, 1 a check or call failed, 2 cannot start, 3 the checks passed but found unknown members.
    """
    # Standard output is for the result alone.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    options = _build_parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except StartupError as error:
        error.exit()


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m services.adapter",
        description="Reads the same NATIONALSITE_ environment variables as the services.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    authorize = commands.add_parser(
        "authorize", help="authorize the app for a user's account", description=_AUTHORIZE
    )
    authorize.add_argument("--redirect-uri", required=True, help="as it is registered with the app")
    authorize.add_argument("--state", help="1688 returns it with the code")
    authorize.add_argument("--code", help=f"exchange this code; {_STDIN} reads it from standard input")
    authorize.add_argument(
        "--refresh-token-file",
        type=Path,
        help="where to write the refresh token, unless NATIONALSITE_REFRESH_TOKEN_FILE is set",
    )
    check = commands.add_parser("check", help="check gateway, token and permissions", description=_CHECK)
    check.add_argument("--writes", action="store_true", help="check writes too")
    check.add_argument("--drift", action="store_true", help="find members that the protos do not have")
    check.add_argument("--json", action="store_true", help="print JSON")
    sign = commands.add_parser("sign", help="show what a call sends", description=_SIGN)
    sign.add_argument("rpc", help="name of an RPC, such as GetCategory")
    sign.add_argument("request", help=f"the request as protobuf JSON; {_STDIN} reads standard input")
    sign.add_argument("--json", action="store_true", help="print a JSON list of calls")
    return parser


def _authorize(options: argparse.Namespace) -> int:
    settings = load_settings(AuthorizeSettings)
    if options.code is None:
        print(authorize_url(settings.app_key, options.redirect_uri, options.state))
        return 0
    code = _read_argument(options.code).strip()
    return store_tokens(settings, code, options.redirect_uri, options.refresh_token_file)


def _check(options: argparse.Namespace) -> int:
    settings = load_settings(OperatorSettings)
    report = asyncio.run(run_checks(settings, writes=options.writes, drift=options.drift))
    print(_dump(report_as_json(report)) if options.json else report_as_table(report))
    if not report.is_ok:
        return 1
    return 3 if report.has_unknown_members else 0


def _sign(options: argparse.Namespace) -> int:
    settings = load_settings(OperatorSettings)
    try:
        calls = signed_calls(settings, options.rpc, _read_argument(options.request))
    except NationalsiteError as error:
        print(format_error(error, ()), file=sys.stderr)
        return 1
    print(_dump(calls) if options.json else "\n\n".join(map(call_as_text, calls)))
    return 0


def _read_argument(argument: str) -> str:
    return sys.stdin.read() if argument == _STDIN else argument


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "authorize": _authorize,
    "check": _check,
    "sign": _sign,
}

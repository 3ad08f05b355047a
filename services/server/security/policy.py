"""The policy: a file of rules that say who may call which method. It is reloaded when it changes.

    {"rules": [{"callers": ["spiffe://shop/ns/web/*"],
                "methods": ["nationalsite.product.v1.ProductService/*"]}]}

A caller is an identity, or a prefix with `*`. A method is a full name, a service with `/*`, or `*`.
A call that no rule allows is forbidden. Several services may share one file.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import structlog
from google.protobuf.descriptor import ServiceDescriptor
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from services.errors import StartupError
from services.server.security.file_watcher import RELOAD_FAILURES, FileWatcher

_METHOD = re.compile(r"\*|(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*/(?:\*|[A-Za-z_]\w*)", re.ASCII)
_CALLER = re.compile(r"[^\s*]*\*?")

_MESSAGES = {
    "extra_forbidden": "is not known here",
    "missing": "is required",
    "model_type": "must be an object",
    "too_short": "must not be empty",
}


def _check_method(text: str) -> str:
    if not _METHOD.fullmatch(text):
        raise ValueError("must be package.Service/Method, package.Service/* or *")
    return text


def _check_caller(text: str) -> str:
    if not text or not _CALLER.fullmatch(text):
        raise ValueError("must be an identity, which may end in *")
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Rule(_Strict):
    callers: list[Annotated[str, AfterValidator(_check_caller)]] = Field(min_length=1)
    methods: list[Annotated[str, AfterValidator(_check_method)]] = Field(min_length=1)


class _Document(_Strict):
    rules: list[_Rule]


class Policy:
    """The rules that apply to one service."""

    def __init__(self, rules: list[_Rule], service: ServiceDescriptor) -> None:
        self._exact: dict[str, frozenset[str]] = {}
        self._prefixes: dict[str, tuple[str, ...]] = {}
        for method in service.methods:
            names = {f"{service.full_name}/{method.name}", f"{service.full_name}/*", "*"}
            callers = [caller for rule in rules if names & {*rule.methods} for caller in rule.callers]
            self._exact[method.name] = frozenset(callers)
            self._prefixes[method.name] = tuple(caller[:-1] for caller in callers if caller.endswith("*"))

    def allows(self, identity: str, method: str) -> bool:
        """Return whether a caller with an identity may call a method of the service."""
        return identity in self._exact[method] or identity.startswith(self._prefixes[method])


class PolicyFile:
    """The current policy of a file. An invalid change is logged, and the rules before it stay in force."""

    def __init__(self, variable: str, path: Path, service: ServiceDescriptor) -> None:
        """Read the file. Raises StartupError, with a line for each problem."""
        self._variable, self._path, self._service = variable, path, service
        # Exported from the start, so that the first failure is an increase.
        self._failures = RELOAD_FAILURES.labels(variable)
        self._watcher = FileWatcher([path])
        self._policy = self._read()

    def current(self) -> Policy:
        """Return the rules in force."""
        if self._watcher.has_changed():
            try:
                self._policy = self._read()
            except StartupError as error:
                self._failures.inc()
                structlog.get_logger().error("policy_rejected", problems=error.lines)
            else:
                structlog.get_logger().info("policy_loaded")
        return self._policy

    def _read(self) -> Policy:
        try:
            document = _Document.model_validate(
                json.loads(self._path.read_text(), object_pairs_hook=_to_dict)
            )
            problems = _find_unknown_methods(document.rules, self._service)
        except OSError as error:
            problems = [f"cannot read {self._path}: {error.strerror}"]
        except ValidationError as error:
            problems = [
                f"{self._path}: {_format_path(detail['loc'])}{_format_message(detail)}"
                for detail in error.errors(include_url=False, include_input=False)
            ]
        except ValueError as error:  # not text, not JSON, or a duplicate member
            problems = [f"{self._path}: {error}"]
        if problems:
            raise StartupError([f"{self._variable}: {problem}" for problem in problems])
        return Policy(document.rules, self._service)


def _to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is duplicated in one object")
    return members


def _find_unknown_methods(rules: list[_Rule], service: ServiceDescriptor) -> list[str]:
    """Return a problem for each unknown method of this service. Other services check their own."""
    known = {"*", *(method.name for method in service.methods)}
    return [
        f"rules[{number}].methods: {service.full_name} has no {method.rpartition('/')[2]}"
        for number, rule in enumerate(rules)
        for method in rule.methods
        if method.startswith(f"{service.full_name}/") and method.rpartition("/")[2] not in known
    ]


def _format_message(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ").replace("Input should", "must")
    return _MESSAGES.get(detail["type"], message)


def _format_path(keys: tuple[int | str, ...]) -> str:
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return f"{path.removeprefix('.')}: " if path else ""

"""Who may call what: a file of rules, checked when it is read, read again when it changes.

    {"rules": [{"callers": ["spiffe://shop/ns/web/*"],
                "methods": ["nationalsite.product.v1.ProductService/*"]}]}

A caller is an identity, or the beginning of one and `*`; a method is a full name, a service and `/*`, or `*`.
What no rule allows is forbidden. One file may serve several services.
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

_WORDS = {
    "extra_forbidden": "is not known here",
    "missing": "is required",
    "model_type": "must be an object",
    "too_short": "must not be empty",
}


def _method(text: str) -> str:
    if not _METHOD.fullmatch(text):
        raise ValueError("must be package.Service/Method, package.Service/* or *")
    return text


def _caller(text: str) -> str:
    if not text or not _CALLER.fullmatch(text):
        raise ValueError("must be an identity, which may end in *")
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Rule(_Strict):
    callers: list[Annotated[str, AfterValidator(_caller)]] = Field(min_length=1)
    methods: list[Annotated[str, AfterValidator(_method)]] = Field(min_length=1)


class _Document(_Strict):
    rules: list[_Rule]


class Policy:
    """The rules, by method of one service."""

    def __init__(self, rules: list[_Rule], service: ServiceDescriptor) -> None:
        self._exact: dict[str, frozenset[str]] = {}
        self._beginnings: dict[str, tuple[str, ...]] = {}
        for method in service.methods:
            names = {f"{service.full_name}/{method.name}", f"{service.full_name}/*", "*"}
            callers = [caller for rule in rules if names & {*rule.methods} for caller in rule.callers]
            self._exact[method.name] = frozenset(callers)
            self._beginnings[method.name] = tuple(each[:-1] for each in callers if each.endswith("*"))

    def allows(self, identity: str, method: str) -> bool:
        """Whether a known caller may call a method of the service."""
        return identity in self._exact[method] or identity.startswith(self._beginnings[method])


class PolicyFile:
    """The policy that a file holds now. A change that makes no sense is logged, and the old rules stay."""

    def __init__(self, variable: str, path: Path, service: ServiceDescriptor) -> None:
        """Reads the file. Raises StartupError, with a line for each thing that is wrong with it."""
        self._variable, self._path, self._service = variable, path, service
        self._failures = RELOAD_FAILURES.labels(variable)  # from now on, so that the first one is a step
        self._watch = FileWatcher([path])
        self._policy = self._read()

    def current(self) -> Policy:
        """The rules in force."""
        if self._watch.changed():
            try:
                self._policy = self._read()
            except StartupError as problem:
                self._failures.inc()
                structlog.get_logger().error("policy_refused", problems=problem.lines)
            else:
                structlog.get_logger().info("policy_loaded")
        return self._policy

    def _read(self) -> Policy:
        try:
            document = _Document.model_validate(
                json.loads(self._path.read_text(), object_pairs_hook=_members)
            )
            problems = _unknown(document.rules, self._service)
        except OSError as error:
            problems = [f"cannot read {self._path}: {error.strerror}"]
        except ValidationError as error:
            problems = [
                f"{self._path}: {_place(detail['loc'])}{_words(detail)}"
                for detail in error.errors(include_url=False, include_input=False)
            ]
        except ValueError as error:  # neither text nor JSON, or a member that stands twice
            problems = [f"{self._path}: {error}"]
        if problems:
            raise StartupError([f"{self._variable}: {problem}" for problem in problems])
        return Policy(document.rules, self._service)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member stands twice in one object")
    return members


def _unknown(rules: list[_Rule], service: ServiceDescriptor) -> list[str]:
    """What is wrong with methods of this service; those of others are theirs to check."""
    known = {"*", *(method.name for method in service.methods)}
    return [
        f"rules[{number}].methods: {service.full_name} has no {method.rpartition('/')[2]}"
        for number, rule in enumerate(rules)
        for method in rule.methods
        if method.startswith(f"{service.full_name}/") and method.rpartition("/")[2] not in known
    ]


def _words(detail: ErrorDetails) -> str:
    told = detail["msg"].removeprefix("Value error, ").replace("Input should", "must")
    return _WORDS.get(detail["type"], told)


def _place(steps: tuple[int | str, ...]) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return f"{path.removeprefix('.')}: " if path else ""

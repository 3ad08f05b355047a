"""The policy: a file of rules that say who may call which method. It is reloaded when it changes.

    {"rules": [{"callers": ["spiffe://shop/ns/web/*"],
                "methods": ["nationalsite.product.v1.ProductService/*"]}]}

A caller is a SPIFFE id, or the beginning of SPIFFE ids with `*` after it, or `*`. A method is a full name, a
service with `/*` or with a subject, or `*`. A call that no rule allows is forbidden. The calls of a rule with
the role "operator" may concern what belongs to other callers. Several services may share one file.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from services.errors import StartupError
from services.server.security.file_watcher import RELOAD_FAILURES, FileWatcher
from services.server.security.spiffe import is_spiffe_id

_METHOD = re.compile(r"\*|(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*/(?:\*|[A-Za-z_]\w*)", re.ASCII)

# By pydantic's type of an error, where its own message says less.
_MESSAGES = {
    "extra_forbidden": "is not known here",
    "missing": "is required",
    "model_type": "must be an object",
    "too_short": "must not be empty",
}


def _check_method(text: str) -> str:
    if not _METHOD.fullmatch(text):
        raise ValueError("must be package.Service/Method, package.Service/subject, package.Service/* or *")
    return text


def _check_caller(text: str) -> str:
    # A prefix is valid if a SPIFFE id can begin with it. One without a domain is a mistake, as of a template.
    is_prefix = text.endswith("*") and text != "spiffe://*"
    if text != "*" and not is_spiffe_id(f"{text[:-1]}x" if is_prefix else text):
        raise ValueError("must be a SPIFFE id, which may end in *")
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Rule(_Strict):
    callers: list[Annotated[str, AfterValidator(_check_caller)]] = Field(min_length=1)
    methods: list[Annotated[str, AfterValidator(_check_method)]] = Field(min_length=1)
    role: Literal["operator"] | None = None


class _Document(_Strict):
    rules: list[_Rule]


class _Callers:
    """The callers of some rules."""

    def __init__(self, rules: Iterable[_Rule]) -> None:
        callers = [caller for rule in rules for caller in rule.callers]
        self._exact = frozenset(callers)
        self._prefixes = tuple(caller[:-1] for caller in callers if caller.endswith("*"))

    def __contains__(self, identity: str) -> bool:
        return identity in self._exact or identity.startswith(self._prefixes)


class Policy:
    """The rules that apply to one service."""

    def __init__(self, rules: list[_Rule], service: ServiceDescriptor) -> None:
        self._allowed: dict[str, _Callers] = {}
        self._operators: dict[str, _Callers] = {}
        for method in service.methods:
            names = {f"{service.full_name}/{name}" for name in (method.name, get_subject(method), "*")}
            matching = [rule for rule in rules if {*names, "*"} & {*rule.methods}]
            self._allowed[method.name] = _Callers(matching)
            self._operators[method.name] = _Callers(rule for rule in matching if rule.role == "operator")

    def allows(self, identity: str, method: str) -> bool:
        """Return whether a caller with an identity may call a method of the service."""
        return identity in self._allowed[method]

    def is_operator(self, identity: str, method: str) -> bool:
        """Return whether such a call may concern what belongs to other callers."""
        return identity in self._operators[method]


def get_subject(method: MethodDescriptor) -> str:
    """Return the subject of a method: the name of the proto file that has its request, such as `message`."""
    return PurePosixPath(method.input_type.file.name).stem.removesuffix("_service")


class PolicyFile:
    """The policy in a file. If a change is invalid, this is logged, and the previous rules stay in force."""

    def __init__(self, variable: str, path: Path, service: ServiceDescriptor) -> None:
        """Read the file. Raises StartupError, with a line for each problem."""
        self._variable, self._path, self._service = variable, path, service
        # Exported from the start with 0, so that alerts see the first failure as an increase.
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
    """Return a problem for each unknown method and subject. Other services check their own."""
    known = {"*", *(name for method in service.methods for name in (method.name, get_subject(method)))}
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

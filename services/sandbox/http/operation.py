"""An operation: one API of 1688 with its handler, and its form in each dialect."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from services.sandbox.context import SandboxContext
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import Envelope
from services.sandbox.http.gateway_errors import GatewayRejection
from services.sandbox.http.request import ApiCall
from services.sandbox.http.signature import SIGNATURE

SYSTEM_PARAMETERS = frozenset(
    {"access_token", SIGNATURE, "_aop_timestamp", "_aop_datePattern", "_aop_responseFormat"}
)
"""Parameters of the gateway. They are not arguments of an operation."""


class Handler(Protocol):
    """Runs an operation."""

    async def __call__(self, context: SandboxContext, arguments: Arguments, /) -> Any:
        """Return the payload, which the envelope wraps. Raises BusinessError and InvalidArgument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectSpec:
    """The form of an operation in one dialect: where its arguments are, and how responses are wrapped."""

    dialect: Dialect
    envelope: Envelope
    wrapper: str | None = None
    """The parameter that holds all arguments as one JSON object; None: each is a parameter."""
    discriminators: frozenset[str] = frozenset()
    """Arguments that identify this dialect: at least one must be present. Empty: none is needed."""
    required: tuple[str, ...] = ()
    """Arguments that the gateway itself requires, before the operation runs."""
    error_status: int = 200
    """The HTTP status of a business error."""
    invalid_argument: tuple[str, str] | None = None
    """Code and message for InvalidArgument; None: as in INVALID_ARGUMENT_ERRORS."""

    def matches(self, parameters: Mapping[str, str]) -> bool:
        """Return whether a call uses this dialect."""
        if self.wrapper is not None and self.wrapper not in parameters:
            return False
        return not self.discriminators or not self.discriminators.isdisjoint(self.parse_values(parameters))

    def parse_values(self, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the arguments among the parameters. Raises GatewayRejection if the wrapper is no object."""
        if self.wrapper is None:
            return {name: value for name, value in parameters.items() if name not in SYSTEM_PARAMETERS}
        try:
            values = json.loads(parameters[self.wrapper])
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise GatewayRejection("param_illegal", self.wrapper, "Object", "String")
        return values

    def parse_arguments(self, call: ApiCall) -> Arguments:
        """Return the arguments of a call. Raises GatewayRejection if a required one is absent."""
        values = self.parse_values(call.parameters)
        for name in self.required:
            if values.get(name) is None:
                raise GatewayRejection("param_missing", name)
        return Arguments(dialect=self.dialect, values=values, host=call.host, files=call.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One API of 1688."""

    namespace: str
    name: str
    handler: Handler
    dialects: tuple[DialectSpec, ...]
    """The first that matches a call is used."""
    version: str = "1"
    protocols: frozenset[str] = frozenset({"param2"})
    """The words that may follow `/openapi/` in the URL. 1688 calls this word the protocol."""
    requires_signature: bool = True
    requires_token: bool = True
    rejects_other_dialects: bool = False
    """A call with arguments of another dialect is rejected as if the API did not exist."""

    def select_dialect(self, parameters: Mapping[str, str]) -> DialectSpec:
        """Return the dialect of a call. Raises GatewayRejection if none matches."""
        for spec in self.dialects:
            if spec.matches(parameters):
                return spec
        if self.rejects_other_dialects and not parameters.keys() <= SYSTEM_PARAMETERS:
            raise GatewayRejection("api_unsupported")
        raise GatewayRejection("param_missing", _name_argument(self.dialects[0]))


def _name_argument(spec: DialectSpec) -> str:
    """Return an argument that a call without arguments lacks."""
    return spec.wrapper or next(iter(spec.required), "") or min(spec.discriminators)

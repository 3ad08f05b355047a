"""What an operation is, and how the parameters of a call become its arguments."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import BadArgument, Envelope
from services.sandbox.http.gateway_errors import GatewayRefusal, gateway_error
from services.sandbox.http.request import Call, FilePart
from services.sandbox.http.signature import SIGNATURE

CROSS_BORDER = "com.alibaba.fenxiao.crossborder"
"""The namespace of most operations."""

SYSTEM_PARAMETERS = frozenset(
    {"access_token", SIGNATURE, "_aop_timestamp", "_aop_datePattern", "_aop_responseFormat"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of one call: parsed JSON in a wrapper, text otherwise."""

    dialect: Dialect
    values: Mapping[str, Any]
    host: str
    """The address that the caller used, for links back to the sandbox."""
    files: Mapping[str, FilePart] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """Text; a number or boolean as JSON writes it. None if absent or null."""
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, dict | list):
            raise BadArgument(name)
        return json.dumps(value)

    def integer(self, name: str) -> int | None:
        """A whole number, as number or digits. None if absent or blank. Raises BadArgument."""
        text = (self.text(name) or "").strip()
        if not text:
            return None
        if not re.fullmatch(r"-?\d{1,19}", text):
            raise BadArgument(name)
        return int(text)

    def items(self, name: str) -> list[Any]:
        """A list, as JSON or as JSON text. Empty if absent or blank. Raises BadArgument."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value) if value.strip() else []
            except ValueError as error:
                raise BadArgument(name) from error
        if not isinstance(value, list | None):
            raise BadArgument(name)
        return value or []

    def longs(self, name: str) -> list[int]:
        """A list of ids, each a JSON number. Empty if absent or blank. Raises BadArgument."""
        numbers = self.items(name)
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
            raise BadArgument(name)
        return numbers

    def texts(self, name: str) -> list[str]:
        """A list of texts. Empty if absent or blank. Raises BadArgument."""
        texts = self.items(name)
        if not all(isinstance(text, str) for text in texts):
            raise BadArgument(name)
        return texts

    def fen(self, name: str) -> int | None:
        """An amount of yuan, such as `1.50`, in fen. None if absent or blank. Raises BadArgument."""
        text = (self.text(name) or "").strip()
        if not text:
            return None
        if not re.fullmatch(r"\d{1,12}(\.\d+)?", text):
            raise BadArgument(name)
        return int(Decimal(text) * 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one dialect writes the arguments of an operation, and how it is answered."""

    dialect: Dialect
    envelope: Envelope
    wrapper: str | None = None
    """The parameter that holds every argument as one JSON object; None = each is its own parameter."""
    marks: frozenset[str] = frozenset()
    """Arguments that tell this dialect: at least one must be there. Empty = nothing is needed."""
    required: tuple[str, ...] = ()
    """Arguments that the gateway itself asks for."""
    refusal_status: int = 200
    bad_argument: tuple[str, str] | None = None
    """Code and text for a BadArgument; None = those of the dialect."""

    def fits(self, parameters: Mapping[str, str]) -> bool:
        """Whether a call speaks this dialect."""
        if self.wrapper is not None and self.wrapper not in parameters:
            return False
        return not self.marks or not self.marks.isdisjoint(self.values(parameters))

    def values(self, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        """The arguments among the parameters. Refuses a wrapper that holds no JSON object."""
        if self.wrapper is None:
            return {name: value for name, value in parameters.items() if name not in SYSTEM_PARAMETERS}
        try:
            values = json.loads(parameters[self.wrapper])
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise GatewayRefusal(gateway_error("param_illegal", self.wrapper, "Object", "String"))
        return values


Handler = Callable[[Arguments], Awaitable[Any]]
"""Arguments -> payload. Raises Refused and BadArgument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One API: a row of the table of operations."""

    namespace: str
    name: str
    handler: Handler
    shapes: tuple[Shape, ...]
    """In the order in which they are tried."""
    version: str = "1"
    protocols: frozenset[str] = frozenset({"param2"})
    signed: bool = True
    needs_token: bool = True
    only_in_its_dialect: bool = False
    """A call in the other dialect is refused as if there were no such API."""

    def shape_of(self, parameters: Mapping[str, str]) -> Shape:
        """The dialect of a call. Refuses a call that fits none."""
        for shape in self.shapes:
            if shape.fits(parameters):
                return shape
        if self.only_in_its_dialect:
            raise GatewayRefusal(gateway_error("api_unsupported"))
        first = self.shapes[0]
        raise GatewayRefusal(gateway_error("param_missing", first.wrapper or first.required[0]))

    def arguments(self, shape: Shape, call: Call) -> Arguments:
        """The arguments of a call. Refuses a call that lacks a required one."""
        values = shape.values(call.parameters)
        for name in shape.required:
            if values.get(name) is None:
                raise GatewayRefusal(gateway_error("param_missing", name))
        return Arguments(dialect=shape.dialect, values=values, host=call.host, files=call.files)

"""The arguments of one call to an operation, and how a handler reads them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.sandbox.controls.clock import parse_compact_time
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import InvalidArgument
from services.sandbox.http.request import UploadedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of one call: parsed JSON if one parameter holds them all, otherwise strings."""

    dialect: Dialect
    values: Mapping[str, Any]
    host: str
    """The host that the caller used, for links back to the sandbox."""
    files: Mapping[str, UploadedFile] = field(default_factory=dict)

    def string(self, name: str) -> str | None:
        """Return a string; numbers and booleans as in JSON. None if absent or null.

        Raises InvalidArgument.
        """
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, dict | list):
            raise InvalidArgument(name)
        return json.dumps(value)

    def integer(self, name: str) -> int | None:
        """Return an integer, sent as a number or as digits. None if absent or blank.

        Raises InvalidArgument.
        """
        text = (self.string(name) or "").strip()
        if not text:
            return None
        if not re.fullmatch(r"-?\d{1,19}", text):
            raise InvalidArgument(name)
        return int(text)

    def boolean(self, name: str) -> bool:
        """Return a boolean, sent as JSON or as text. False if absent or blank. Raises InvalidArgument."""
        text = (self.string(name) or "").strip()
        if text not in ("", "true", "false"):
            raise InvalidArgument(name)
        return text == "true"

    def time_ms(self, name: str) -> int | None:
        """Return the epoch milliseconds of a compact time. None if absent or blank.

        Raises InvalidArgument.
        """
        text = (self.string(name) or "").strip()
        try:
            return parse_compact_time(text) if text else None
        except ValueError as error:
            raise InvalidArgument(name) from error

    def object(self, name: str) -> Mapping[str, Any]:
        """Return an object, sent as JSON or as JSON text. Empty if absent or blank.

        Raises InvalidArgument.
        """
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value) if value.strip() else {}
            except ValueError as error:
                raise InvalidArgument(name) from error
        if not isinstance(value, dict | None):
            raise InvalidArgument(name)
        return value or {}

    def array(self, name: str) -> list[Any]:
        """Return a list, sent as JSON or as JSON text. Empty if absent or blank. Raises InvalidArgument."""
        value = self.values.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value) if value.strip() else []
            except ValueError as error:
                raise InvalidArgument(name) from error
        if not isinstance(value, list | None):
            raise InvalidArgument(name)
        return value or []

    def integers(self, name: str) -> list[int]:
        """Return a list of JSON integers. Empty if absent or blank. Raises InvalidArgument."""
        numbers = self.array(name)
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
            raise InvalidArgument(name)
        return numbers

    def strings(self, name: str) -> list[str]:
        """Return a list of strings. Empty if absent or blank. Raises InvalidArgument."""
        texts = self.array(name)
        if not all(isinstance(text, str) for text in texts):
            raise InvalidArgument(name)
        return texts

    def yuan_to_fen(self, name: str) -> int | None:
        """Return an amount of yuan, such as `1.50`, in fen. None if absent or blank.

        Raises InvalidArgument.
        """
        text = (self.string(name) or "").strip()
        if not text:
            return None
        if not re.fullmatch(r"\d{1,12}(\.\d+)?", text):
            raise InvalidArgument(name)
        return int(Decimal(text) * 100)

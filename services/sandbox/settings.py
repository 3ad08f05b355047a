"""The settings, read once at the start."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

LISTEN = "NATIONALSITE_SANDBOX_LISTEN"
DEFAULT_LISTEN = "127.0.0.1:8168"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the sandbox listens."""

    host: str
    port: int
    """0 = any free port."""

    @property
    def is_local(self) -> bool:
        """True if only this machine can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment. Raises ValueError with a line to show."""
    text = environment.get(LISTEN) or DEFAULT_LISTEN
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{LISTEN} must be host:port, such as {DEFAULT_LISTEN}; it is {text!r}")
    return Settings(host=host, port=int(port))

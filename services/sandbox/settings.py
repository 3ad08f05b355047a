"""The settings, read once at the start from environment variables."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.sandbox.messages.push_settings import is_callback_url

LISTEN = "NATIONALSITE_SANDBOX_LISTEN"
CALLBACK_URL = "NATIONALSITE_SANDBOX_CALLBACK_URL"
HOSTS = "NATIONALSITE_SANDBOX_HOSTS"
DEFAULT_LISTEN = "127.0.0.1:8168"
_HOST_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the sandbox listens, how it may be called, and where it pushes messages."""

    host: str
    port: int
    """0: any free port."""
    callback_url: str | None = None
    """None: messages are not pushed."""
    hosts: frozenset[str] = frozenset()
    """Further names by which browsers and clients may call the page and the admin API."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings. Raises ValueError with a message for the user."""
    text = environment.get(LISTEN) or DEFAULT_LISTEN
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not _is_host(host) or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"{LISTEN}: must be host:port, such as {DEFAULT_LISTEN}")
    callback_url = environment.get(CALLBACK_URL) or None
    if callback_url is not None and not (_is_clean(callback_url) and is_callback_url(callback_url)):
        raise ValueError(f"{CALLBACK_URL}: must be an http or https URL")
    hosts = frozenset(name.strip() for name in environment.get(HOSTS, "").split(",") if name.strip())
    if not all(map(_HOST_NAME.fullmatch, hosts)):
        raise ValueError(f"{HOSTS}: must be names of hosts without ports, separated by commas")
    return Settings(host=host, port=int(port), callback_url=callback_url, hosts=hosts)


def _is_host(text: str) -> bool:
    return bool(text) and _is_clean(text) and not set(text) & set("*\"'")


def _is_clean(text: str) -> bool:
    """Whether a text has no blank, line break or invisible character."""
    return text.isprintable() and " " not in text

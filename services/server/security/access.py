"""Who may call, by the settings. A server that other hosts can reach starts only if they say it."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, TypeAlias

from services.errors import StartupError
from services.server.settings import ServerSettings
from services.server.sockets import parse_address
from services.settings_loader import PREFIX

_Callers: TypeAlias = Literal["policy", "identified", "anyone"]
_IdentitySource: TypeAlias = Literal["client certificate", "trusted proxy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may call."""

    callers: _Callers
    """Those that the policy allows; each with an identity; or all."""
    identified_by: tuple[_IdentitySource, ...]
    """Where identities come from. With none of them, a policy allows nobody."""
    is_reachable: bool
    """Whether other hosts can reach the server."""


def read_access(settings: ServerSettings) -> Access:
    """Return who may call. Raises StartupError if the settings do not say it, or contradict each other."""
    allow, proxies = f"{PREFIX}ALLOW_UNAUTHENTICATED_CALLERS", f"{PREFIX}TRUSTED_PROXIES"
    is_reachable = not _is_loopback(parse_address(settings.listen)[0])
    allows_unknown = settings.allow_unauthenticated_callers
    if settings.policy_file and allows_unknown:
        raise StartupError([f"{allow}: contradicts {PREFIX}POLICY_FILE, which allows only known callers"])
    has_identities = settings.tls_client_ca_file or settings.trusted_proxies
    if is_reachable and not (has_identities or allows_unknown):
        raise StartupError(
            [
                f"{PREFIX}LISTEN: other hosts can reach {settings.listen}, and nothing identifies callers: "
                f"set {PREFIX}TLS_CLIENT_CA_FILE or {proxies}; or {allow}=on, if anyone may call"
            ]
        )
    callers: _Callers = "identified"
    if settings.policy_file:
        callers = "policy"
    elif allows_unknown or not is_reachable:
        callers = "anyone"
    identified_by: list[_IdentitySource] = []
    if settings.tls_client_ca_file:
        identified_by.append("client certificate")
    if settings.trusted_proxies:
        identified_by.append("trusted proxy")
    return Access(callers=callers, identified_by=tuple(identified_by), is_reachable=is_reachable)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

"""URLs of Redis: those of redis-py, and the usual form for Sentinel, which redis-py itself does not read.

redis+sentinel://[user:password@]host[:port],host[:port].../name[/db][?option=value], or rediss+sentinel://
with TLS, where `name` is the name of the master. `sentinel_username` and `sentinel_password` are for Sentinel
itself; the other options are redis-py's.
"""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

SENTINEL_PORT = 26379
SENTINEL_TIMEOUT_S = 0.05
"""For one of the sentinels, so that there is time to ask another one."""

_SENTINEL_URL = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?:(?P<user>[^@/?#]*)@)?(?P<hosts>[^@/?#]+)"
    r"/(?P<service>[^/?#]+)(?:/(?P<db>\d*))?(?:\?(?P<options>[^#]*))?"
)


def build_redis(url: str) -> tuple[Redis, Sentinel | None]:
    """Return a client that connects when it is needed, and its Sentinel, if any. Raises ValueError."""
    # One immediate retry, for an idle connection that the server has closed: Redis, or after a failover its
    # new master, is asked again. More retries would only use up the time.
    retry = Retry(NoBackoff(), 1)
    match = _SENTINEL_URL.fullmatch(url)
    if match is None:
        return Redis.from_pool(ConnectionPool.from_url(url, retry=retry)), None
    hosts = [_parse_host(host) for host in match["hosts"].split(",")]
    user = f"{match['user']}@" if match["user"] is not None else ""
    options: dict[str, Any] = dict(
        parse_url(f"{match['scheme']}://{user}host/{match['db'] or 0}?{match['options'] or ''}")
    )
    for name in ("host", "port", "connection_class"):
        options.pop(name, None)
    sentinel_options = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")} | {
        name: value for name, value in options.items() if name.startswith("ssl_")
    }
    is_tls = match["scheme"] == "rediss"
    sentinel = Sentinel(  # type: ignore[no-untyped-call] # redis-py has no types there
        hosts,
        sentinel_kwargs=sentinel_options
        | {
            "ssl": is_tls,
            "socket_timeout": SENTINEL_TIMEOUT_S,
            "socket_connect_timeout": SENTINEL_TIMEOUT_S,
            "retry": Retry(NoBackoff(), 1),
        },
    )
    pool = SentinelConnectionPool(  # type: ignore[no-untyped-call] # redis-py has no types there
        unquote(match["service"]), sentinel, ssl=is_tls, retry=retry, **options
    )
    return Redis.from_pool(pool), sentinel


def _parse_host(host: str) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    if not parts.hostname:
        raise ValueError("a host is empty")
    return parts.hostname, parts.port or SENTINEL_PORT

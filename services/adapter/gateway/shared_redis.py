"""The Redis that replicas share, if the settings name one.

redis-py takes 0.1 s and 8 MiB, so it is imported only then: this module is the only one that imports
redis_client and redis_url. Others import them only for types.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.adapter.gateway.redis_client import RedisClient


def open_redis(url: str, app_key: str) -> "RedisClient":
    """Return a client for the rate limits and the token of an app. Raises ValueError for an invalid URL."""
    from services.adapter.gateway.redis_client import RedisClient  # noqa: PLC0415 # only with a URL

    return RedisClient(url, app_key)


def check_redis_url(url: str) -> None:
    """Raise ValueError if a URL is invalid. Makes no connection."""
    from services.adapter.gateway.redis_url import build_redis  # noqa: PLC0415 # only with a URL

    build_redis(url)

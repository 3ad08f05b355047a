"""Why Redis cannot be used, in words for operators."""

import re
import socket
import ssl

from redis import exceptions
from redis.asyncio.sentinel import MasterNotFoundError

from services.errors import iterate_causes

REDIS_URL = "NATIONALSITE_REDIS_URL"

_CAUSES: tuple[tuple[type[BaseException], str, str], ...] = (
    (socket.gaierror, "", "the name of its host cannot be resolved"),
    (ssl.SSLCertVerificationError, "mismatch|not valid for", "its certificate is for another host"),
    (ssl.SSLCertVerificationError, "", "its certificate is not trusted"),
    (ssl.SSLError, "", "the TLS handshake with it failed"),
    (MasterNotFoundError, "", "no sentinel knows a master of this name, or none can be reached"),
    (ConnectionRefusedError, "", "nothing listens on its host and port"),
    (FileNotFoundError, "", "its Unix socket does not exist"),
    (exceptions.AuthenticationError, "required|already authenticated", "it requires a password"),
    (exceptions.AuthenticationError, "", "it rejects the user or the password"),
    (exceptions.NoPermissionError, "", "its user lacks a right"),
    (exceptions.RedisError, "NOAUTH", "it requires a password"),
    (exceptions.RedisError, "NOPERM", "its user lacks a right"),
    (exceptions.RedisError, "WRONGPASS", "it rejects the user or the password"),
    (exceptions.RedisError, "DB index", "the number of its database is not valid"),
    (exceptions.RedisError, "max number of clients", "it has no connection left"),
    (exceptions.ReadOnlyError, "", "it is a replica, which is read only"),
    (exceptions.BusyLoadingError, "", "it is starting"),
    (exceptions.OutOfMemoryError, "", "its memory is full"),
    (OSError, "unreachable|No route", "its host cannot be reached"),
    (
        exceptions.RedisError,
        "Connection closed by server|reset by peer",
        "it closed the connection (with or without TLS?)",
    ),
    (TimeoutError, "", "it does not respond in time"),
    (exceptions.TimeoutError, "", "it does not respond in time"),
)
"""Type and words of an error -> the cause. The first row that matches it, or one that caused it, is used."""


def find_redis_cause(error: BaseException) -> str:
    """Return the cause of an error; its type if it is not known. It contains no value of the setting."""
    errors = tuple(iterate_causes(error))  # a retry can hide them behind a timeout
    for type_, words, cause in _CAUSES:
        if any(isinstance(each, type_) and re.search(words, str(each)) for each in errors):
            return cause
    return type(error).__name__

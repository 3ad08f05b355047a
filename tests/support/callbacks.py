"""Signs and sends callbacks as 1688 does. It shares no code with the services."""

import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Iterable
from urllib.parse import urlencode

from tools.local_stack import SANDBOX_APP

SECRET = SANDBOX_APP["NATIONALSITE_APP_SECRET"].encode()
TIMEOUT_S = 20


def sign(parameters: Iterable[tuple[str, str]]) -> str:
    """Return 1688's signature of a callback: over names and values, sorted, without a path."""
    signed_text = "".join(sorted(name + value for name, value in parameters))
    return hmac.new(SECRET, signed_text.encode(), hashlib.sha1).hexdigest().upper()


def build_body(message: str) -> bytes:
    """Return the signed form that carries a message."""
    return urlencode({"message": message, "_aop_signature": sign([("message", message)])}).encode()


def post(url: str, body: bytes, **headers: str) -> int:
    """Post a body to a callback; return the status of the response."""
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def push(url: str, message: str) -> int:
    """Push a signed message to a callback; return the status of the response."""
    return post(url, build_body(message))

"""The signature of a call: HMAC-SHA1 over the path and all parameters except the signature itself."""

import hmac
from collections.abc import Mapping

SIGNATURE = "_aop_signature"
"""The name of the parameter."""


def build_string_to_sign(url_path: str, parameters: Mapping[str, str]) -> str:
    """Return the text to sign: the path after `/openapi/`, followed by the sorted parameters.

    Each parameter is its name directly followed by its value. Nothing separates the parameters.
    """
    # Python orders text by code point, which is the order of its UTF-8 bytes.
    joined = sorted(name + value for name, value in parameters.items() if name != SIGNATURE)
    return url_path + "".join(joined)


def sign(secret: str, text: str) -> str:
    """Return the signature: 40 hexadecimal digits in upper case."""
    return hmac.new(secret.encode(), text.encode(), "sha1").hexdigest().upper()

"""Finds out why a signature is invalid: it tries the mistakes that are common in signing code."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from services.sandbox.credentials import APP_SECRET
from services.sandbox.http.request import OPENAPI_PREFIX, ApiCall
from services.sandbox.http.signature import SIGNATURE, build_string_to_sign, sign

MAX_CHARACTERS = 100_000
"""With longer texts, nothing is tried: an uploaded image would be hashed dozens of times."""
MAX_OMITTED = 40
"""Of this number of parameters, it is tried whether the parameter was left out."""
SIGNATURE_LENGTH = 40
_UNKNOWN = "It fits no common mistake. The secret differs, or something was changed after it was signed."


def explain_signature(call: ApiCall) -> str:
    """Return why the signature of a call is invalid, as a sentence for its author."""
    given = call.parameters[SIGNATURE]
    if given.upper() == sign(APP_SECRET, call.string_to_sign):
        return "It is right, except that its hexadecimal digits must be upper case."
    if len(call.string_to_sign) <= MAX_CHARACTERS:
        for mistake, signature in _list_mistakes(call):
            if given.upper() == signature.upper():
                return mistake
    if len(given) != SIGNATURE_LENGTH:
        return f"It has {len(given)} characters. An HMAC-SHA1 has {SIGNATURE_LENGTH} hexadecimal digits."
    return _UNKNOWN


def _list_mistakes(call: ApiCall) -> Iterable[tuple[str, str]]:
    """Yield common mistakes, each with the signature that it leads to."""
    text = call.string_to_sign.encode()
    for algorithm in ("sha1", "sha256", "sha512", "md5"):
        digest = hmac.new(APP_SECRET.encode(), text, algorithm).digest()
        name = f"HMAC-{algorithm.upper()}"
        in_base64 = base64.b64encode(digest).decode()
        yield f"It is an {name} in Base64. It must be an HMAC-SHA1 in hexadecimal digits.", in_base64
        yield f"It is an {name}. It must be an HMAC-SHA1.", digest.hex()
    yield (
        "It is a SHA-1 without the secret. It must be an HMAC-SHA1 with the secret as its key.",
        hashlib.sha1(text, usedforsecurity=False).hexdigest(),
    )
    for mistake, wrong_text in _list_wrong_texts(call):
        yield mistake, sign(APP_SECRET, wrong_text)


def _list_wrong_texts(call: ApiCall) -> Iterable[tuple[str, str]]:
    """Yield common mistakes, each with the text that is signed in place of the right one."""
    path = call.path.removeprefix(OPENAPI_PREFIX)
    parameters = {name: value for name, value in call.parameters.items() if name != SIGNATURE}
    pairs = parameters.items()
    with_prefix = build_string_to_sign(call.path, parameters)
    yield "The path was signed with /openapi/. What is signed begins after it.", with_prefix
    yield "The path was signed with a leading slash.", build_string_to_sign(f"/{path}", parameters)
    yield "The path was not signed.", build_string_to_sign("", parameters)
    yield "Only the path was signed, without the parameters.", path
    yield "The parameters were signed unsorted.", path + "".join(name + value for name, value in pairs)
    for separator, equals in (("&", "="), ("", "="), ("&", "")):
        joined = separator.join(name + equals + value for name, value in sorted(pairs))
        yield "Nothing may separate the parameters, or a name from its value.", path + joined
    for encode in (quote_plus, quote):
        encoded = {encode(name): encode(value) for name, value in pairs}
        yield "The values were signed percent-encoded.", build_string_to_sign(path, encoded)
    filled = {name: value for name, value in pairs if value}
    yield "Parameters without a value were not signed.", build_string_to_sign(path, filled)
    for name in list(parameters)[:MAX_OMITTED]:
        others = {other: value for other, value in pairs if other != name}
        yield f"The parameter {name} was not signed.", build_string_to_sign(path, others)

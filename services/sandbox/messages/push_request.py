"""What a push looks like on the wire."""

from dataclasses import dataclass
from urllib.parse import urlencode

from yarl import URL

from services.sandbox.credentials import APP_SECRET
from services.sandbox.http.signature import SIGNATURE, sign, string_to_sign
from services.sandbox.messages.message import Message
from services.sandbox.messages.push_settings import PushSettings, Signing

CONTENT_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """One POST."""

    url: URL
    body: bytes


def push_request(message: Message, callback_url: str, settings: PushSettings) -> PushRequest:
    """The form `message=<json>&_aop_signature=<hex>`, and whatever else the settings want sent."""
    url = URL(callback_url).extend_query(settings.query)
    text = message.text()
    form = {"message": text, **settings.form}
    signed = {"message": text} if settings.signing is Signing.MESSAGE_ONLY else {**url.query, **form}
    signature = _signature(sign(APP_SECRET, string_to_sign("", signed)), settings.signing)
    if signature is not None:
        form[SIGNATURE] = signature
    return PushRequest(url=url, body=urlencode(form).encode())


def _signature(right: str, signing: Signing) -> str | None:
    if signing is Signing.MISSING:
        return None
    if signing is Signing.LOWER_CASE:
        return right.lower()
    if signing is Signing.WRONG:
        return ("1" if right[0] == "0" else "0") + right[1:]
    return right

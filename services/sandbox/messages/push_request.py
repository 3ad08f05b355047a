"""Builds the HTTP request of a push."""

from dataclasses import dataclass
from urllib.parse import urlencode

from yarl import URL

from services.sandbox.credentials import APP_SECRET
from services.sandbox.http.signature import SIGNATURE, build_string_to_sign, sign
from services.sandbox.messages.message import Message
from services.sandbox.messages.push_settings import PushSettings, SignatureMode

CONTENT_TYPE = "application/x-www-form-urlencoded; charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """One POST."""

    url: URL
    body: bytes


def build_push_request(message: Message, callback_url: str, settings: PushSettings) -> PushRequest:
    """Return the request: the form `message=<json>&_aop_signature=<hex>` with the extra parameters."""
    url = URL(callback_url).extend_query(settings.extra_query)
    text = message.to_json_text()
    form = {"message": text, **settings.extra_form}
    covers_message_only = settings.signature_mode is SignatureMode.MESSAGE_ONLY
    signed = {"message": text} if covers_message_only else {**url.query, **form}
    signature = _apply_mode(sign(APP_SECRET, build_string_to_sign("", signed)), settings.signature_mode)
    if signature is not None:
        form[SIGNATURE] = signature
    return PushRequest(url=url, body=urlencode(form).encode())


def _apply_mode(signature: str, mode: SignatureMode) -> str | None:
    if mode is SignatureMode.MISSING:
        return None
    if mode is SignatureMode.LOWER_CASE:
        return signature.lower()
    if mode is SignatureMode.INVALID:
        return ("1" if signature[0] == "0" else "0") + signature[1:]
    return signature

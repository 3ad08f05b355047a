"""`sign`: what a call would send, down to the signature, with token and secret masked. Nothing is sent."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from services.adapter.cli.format import MASK
from services.adapter.cli.operations import supported_operations
from services.adapter.cli.settings import OperatorSettings
from services.adapter.codec import Operation, Parameters
from services.adapter.gateway import UrlBuilder, build_request, local_ms, signed_parameters, string_to_sign
from services.errors import InvalidRequest, OperationNotInDialect, Violation
from services.validation import RequestValidator

_TOKEN = "access_token"  # noqa: S105 # a name, no secret
_SIGNATURE = "_aop_signature"
_NO_SIGNATURE = "none: the access token is part of it, and would have to be fetched"


def signed_calls(settings: OperatorSettings, rpc: str, request: str) -> list[dict[str, Any]]:
    """Return each call that a request, protobuf's JSON, takes; most take one.

    Raises OperationNotInDialect and RequestError.
    """
    operation = supported_operations(settings).get(rpc)
    if operation is None:
        raise OperationNotInDialect(f"{rpc}: 1688 has no such operation in {settings.dialect}")
    message = _message(operation, request)
    return [_call(settings, operation, parameters) for parameters in operation.encode(message)]


def _message(operation: Operation, text: str) -> Message:
    try:
        message = json_format.Parse(text, operation.request())
    except json_format.ParseError as error:
        raise InvalidRequest([Violation(field="", description=str(error))]) from error
    RequestValidator(operation.rpc, operation.request).validate(message)
    return message


def _call(settings: OperatorSettings, operation: Operation, found: Parameters) -> dict[str, Any]:
    parameters = dict(found.form)
    token = None if settings.access_token is None else settings.access_token.get_secret_value()
    if not operation.anonymous:
        parameters[_TOKEN] = token or MASK
    if settings.send_timestamp:
        parameters["_aop_timestamp"] = str(local_ms())
    target = UrlBuilder(settings.gateway_url, settings.app_key, settings.operation_names or {}).of(
        operation.api
    )
    signed = signed_parameters(settings.app_secret.get_secret_value().encode(), target, parameters)
    headers = build_request(target, signed, found.files).headers
    to_sign = string_to_sign(target.path, parameters).decode()
    # The token of a refresh token would have to be fetched, and without it there is no signature.
    is_whole = operation.anonymous or token is not None
    return {
        "method": "POST",
        "url": str(target.url),
        "headers": dict(headers),
        "sent_in": "query" if found.files else "form",
        "parameters": {
            name: _shown(name, value) for name, value in signed.items() if is_whole or name != _SIGNATURE
        },
        "files": {name: f"{len(content)} bytes" for name, content in found.files.items()},
        "left_out": list(found.left_out),
        "string_to_sign": to_sign.replace(f"{_TOKEN}{token}", f"{_TOKEN}{MASK}"),
        "signature": signed[_SIGNATURE] if is_whole else None,
    }


def _shown(name: str, value: str) -> object:
    """Return a parameter with its JSON decoded, where it is an object or a list."""
    if name == _TOKEN:
        return MASK
    if not value.startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def as_text(call: Mapping[str, Any]) -> str:
    """Return a call for people."""
    return "\n".join(_lines(call))


def _lines(call: Mapping[str, Any]) -> Iterator[str]:
    yield f"{call['method']} {call['url']}"
    yield from (f"{name}: {value}" for name, value in call["headers"].items())
    yield f"\n{call['sent_in']}"
    for name, value in call["parameters"].items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        yield f"  {name} = " + text.replace("\n", "\n  ")
    yield from (f"  {name} = a file of {size}" for name, size in call["files"].items())
    if call["left_out"]:
        yield f"  left out, since the dialect has no place for it: {', '.join(call['left_out'])}"
    yield f"\nstring to sign\n  {call['string_to_sign']}"
    yield f"\nsignature\n  {call['signature'] or _NO_SIGNATURE}"

"""`sign`: what a call would send, with its signature, and with token and secret masked. Sends nothing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from services.adapter.cli.format import MASK
from services.adapter.cli.operations import supported_operations
from services.adapter.cli.settings import OperatorSettings
from services.adapter.codec import Operation, Parameters
from services.adapter.form_value import FormValue, to_text
from services.adapter.gateway import UrlBuilder, build_request, local_ms, signed_parameters, string_to_sign
from services.errors import InvalidRequest, OperationNotInDialect, Violation
from services.validation import RequestValidator

_TOKEN = "access_token"  # noqa: S105 # a name, no secret
_SIGNATURE = "_aop_signature"
_NO_SIGNATURE = "none: it includes the access token, which would have to be fetched"


def signed_calls(settings: OperatorSettings, rpc: str, request: str) -> list[dict[str, Any]]:
    """Return the calls that a request makes, usually one. The request is protobuf JSON.

    Raises OperationNotInDialect and RequestError.
    """
    operation = supported_operations(settings).get(rpc)
    if operation is None:
        raise OperationNotInDialect(f"{rpc}: there is no such operation in {settings.dialect}")
    message = _parse_request(operation, request)
    dropped_fields = list(dict.fromkeys(operation.find_dropped_fields(message)))
    return [
        {**_call(settings, operation, parameters), "dropped_fields": dropped_fields}
        for parameters in operation.encode(message)
    ]


def _parse_request(operation: Operation, text: str) -> Message:
    try:
        message = json_format.Parse(text, operation.request())
    except json_format.ParseError as error:
        raise InvalidRequest([Violation(field="", description=str(error), reason="MALFORMED")]) from error
    RequestValidator(operation.rpc, operation.request).validate(message)
    return message


def _call(settings: OperatorSettings, operation: Operation, encoded: Parameters) -> dict[str, Any]:
    parameters = dict(encoded.form)
    token = None if settings.access_token is None else settings.access_token.get_secret_value()
    if not operation.anonymous:
        parameters[_TOKEN] = token or MASK
    if settings.send_timestamp:
        parameters["_aop_timestamp"] = str(local_ms())
    urls = UrlBuilder(settings.gateway_url, settings.app_key, settings.operation_aliases or {})
    endpoint = urls.build(operation.api_id)
    signed = signed_parameters(settings.app_secret.get_secret_value().encode(), endpoint, parameters)
    headers = build_request(endpoint, signed, encoded.files).headers
    to_sign = string_to_sign(endpoint.path, parameters).decode()
    # With a refresh token, the access token would have to be fetched. Without it, there is no signature.
    has_signature = operation.anonymous or token is not None
    return {
        "method": "POST",
        "url": endpoint.url,
        "headers": {name.lower(): value for name, value in headers.items()},
        "sent_in": "query" if encoded.files else "form",
        "parameters": {
            name: _printable(name, value)
            for name, value in signed.items()
            if has_signature or name != _SIGNATURE
        },
        "files": {name: f"{len(content)} bytes" for name, content in encoded.files.items()},
        "string_to_sign": to_sign.replace(f"{_TOKEN}{token}", f"{_TOKEN}{MASK}"),
        "signature": signed[_SIGNATURE] if has_signature else None,
    }


def _printable(name: str, value: FormValue) -> object:
    """Return the value of a parameter: masked if it is the token, decoded if it is a JSON object or list."""
    if name == _TOKEN:
        return MASK
    text = to_text(value)
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def call_as_text(call: Mapping[str, Any]) -> str:
    """Return a call as lines of text."""
    return "\n".join(_lines(call))


def _lines(call: Mapping[str, Any]) -> Iterator[str]:
    yield f"{call['method']} {call['url']}"
    yield from (f"{name}: {value}" for name, value in call["headers"].items())
    yield f"\n{call['sent_in']}"
    for name, value in call["parameters"].items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        yield f"  {name} = " + text.replace("\n", "\n  ")
    yield from (f"  {name} = a file of {size}" for name, size in call["files"].items())
    if call["dropped_fields"]:
        yield f"  dropped, since the dialect has no parameter for it: {', '.join(call['dropped_fields'])}"
    yield f"\nstring to sign\n  {call['string_to_sign']}"
    yield f"\nsignature\n  {call['signature'] or _NO_SIGNATURE}"

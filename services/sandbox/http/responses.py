"""HTTP responses of the gateway."""

import gzip
import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

JSON_CONTENT_TYPE = "application/json;charset=UTF-8"
MIN_COMPRESSED_BYTES = 1024
"""Bodies up to this size are sent as they are."""
_COMPRESSION_LEVEL = 1
_sequence = itertools.count(1)


def _build_trace_headers() -> Mapping[str, str]:
    request_id = f"{time.time_ns() // 1_000_000}{next(_sequence):06d}"
    return {"RequestId": request_id, "EagleEye-TraceId": f"0a1b2c3d{request_id}e"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One HTTP response, with its own request id and trace id."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    trace_headers: Mapping[str, str] = field(default_factory=_build_trace_headers)


def json_response(value: Any, status: int = 200) -> HttpResponse:
    """Return a response with a JSON body. Chinese text is not escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(status=status, body=text.encode(), headers={"Content-Type": JSON_CONTENT_TYPE})


def compress(response: HttpResponse, accept_encoding: str) -> HttpResponse:
    """Return the response compressed by gzip, if the client accepts that and the body is large enough."""
    codings = {coding.partition(";")[0].strip().lower() for coding in accept_encoding.split(",")}
    if "gzip" not in codings or len(response.body) <= MIN_COMPRESSED_BYTES:
        return response
    body = gzip.compress(response.body, _COMPRESSION_LEVEL, mtime=0)
    return replace(response, body=body, headers={**response.headers, "Content-Encoding": "gzip"})

"""What goes back over HTTP."""

import gzip
import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

JSON = "application/json;charset=UTF-8"
COMPRESS_FROM_BYTES = 1024
_COMPRESSION_LEVEL = 1
_numbers = itertools.count(1)


def _trace_headers() -> Mapping[str, str]:
    number = f"{time.time_ns() // 1_000_000}{next(_numbers):06d}"
    return {"RequestId": number, "EagleEye-TraceId": f"0a1b2c3d{number}e"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer. Each carries a request id and a trace id of its own."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    trace: Mapping[str, str] = field(default_factory=_trace_headers)


def json_reply(value: Any, status: int = 200) -> Reply:
    """A JSON body, Chinese text as it is."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Reply(status=status, body=text.encode(), headers={"Content-Type": JSON})


def compressed(reply: Reply, accept_encoding: str) -> Reply:
    """The reply in gzip, if the client takes it and it is worth it."""
    codings = {coding.partition(";")[0].strip().lower() for coding in accept_encoding.split(",")}
    if "gzip" not in codings or len(reply.body) <= COMPRESS_FROM_BYTES:
        return reply
    body = gzip.compress(reply.body, _COMPRESSION_LEVEL, mtime=0)
    return replace(reply, body=body, headers={**reply.headers, "Content-Encoding": "gzip"})

"""10,000 forged callbacks: none is stored or does harm. The genuine message is stored once."""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.durability.calls import pull_all
from tests.durability.conftest import SEED
from tests.support.callbacks import build_body, sign
from tests.support.channels import open_stub
from tests.support.push_client import PATH, PushClient, build_message

pytestmark = pytest.mark.durability

FORGED = 10_000
BATCH_SIZE = 500
"""Before each batch of forged callbacks, the genuine one is pushed again."""
MAX_CONCURRENCY = 50
SLOW = 20
MAX_GROWTH_MIB = 64
TIMEOUT_S = 240
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
NO_RESPONSE = 0
"""The service closed the connection before the whole request was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgedCallback:
    """A request, and the statuses that its response may have."""

    body: bytes = b""
    statuses: frozenset[int] = frozenset({400, 401})
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": FORM})
    method: str = "POST"
    path: str = PATH
    chunked: bool = False


def sign_message(text: str) -> str:
    """Return the valid signature of a message."""
    return sign([("message", text)])


def wrong_signature(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(
        body=urlencode({"message": text, "_aop_signature": f"{rng.getrandbits(160):040X}"}).encode()
    )


def no_signature(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(body=urlencode({"message": text}).encode())


def empty_signature(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(body=urlencode({"message": text, "_aop_signature": ""}).encode())


def duplicate_signature(text: str, rng: random.Random) -> ForgedCallback:
    other = {"_aop_signature": rng.choice([sign_message(text), "0" * 40])}
    return ForgedCallback(body=build_body(text) + b"&" + urlencode(other).encode())


def truncated_signature(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(body=build_body(text)[: -rng.randrange(1, 40)])


def malformed_signature(text: str, rng: random.Random) -> ForgedCallback:
    bad_signature = rng.choice(["Ａ" * 40, "\0" * 40, "é", "A" * 10_000, " " + sign_message(text)])
    return ForgedCallback(body=urlencode({"message": text, "_aop_signature": bad_signature}).encode())


def changed_message(text: str, rng: random.Random) -> ForgedCallback:
    index = rng.choice([index for index, letter in enumerate(text) if letter.isdigit()])
    digit = (int(text[index]) + rng.randrange(1, 10)) % 10
    changed = text[:index] + str(digit) + text[index + 1 :]
    return ForgedCallback(body=urlencode({"message": changed, "_aop_signature": sign_message(text)}).encode())


def truncated_message(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(
        body=urlencode(
            {"message": text[: rng.randrange(len(text))], "_aop_signature": sign_message(text)}
        ).encode()
    )


def truncated_body(text: str, rng: random.Random) -> ForgedCallback:
    body = build_body(text)
    return ForgedCallback(body=body[: rng.randrange(len(body))])


def duplicate_message(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(body=urlencode({"message": text}).encode() + b"&" + build_body(text))


def additional_parameter(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(
        body=build_body(text) + b"&" + urlencode({rng.choice(["a", "z", "message2"]): "1"}).encode()
    )


def query_string(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(
        body=build_body(text), query=rng.choice(["a=1", "message=x", "_aop_signature=" + "0" * 40])
    )


def everything_in_the_query(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(query=urlencode({"message": text, "_aop_signature": "0" * 40}))


def shifted_name(text: str, rng: random.Random) -> ForgedCallback:
    """The signature covers name and value as one text, so it stays valid if they are split elsewhere."""
    signed_text = "message" + text
    split_at = rng.choice([index for index in range(1, len(signed_text)) if index != len("message")])
    parameters = {signed_text[:split_at]: signed_text[split_at:], "_aop_signature": sign_message(text)}
    return ForgedCallback(body=urlencode(parameters).encode())


def json_body(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(body=text.encode(), headers={"Content-Type": "application/json"})


def other_content_type(text: str, rng: random.Random) -> ForgedCallback:
    kinds = ["multipart/form-data", "multipart/form-data; boundary=x", "text/xml", "", "é", "a" * 1000]
    kind = rng.choice(kinds)
    return ForgedCallback(body=b"--x\r\n" + text.encode(), headers={"Content-Type": kind})


def invalid_utf8(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(
        body=b"message=" + rng.randbytes(200).replace(b"&", b"") + b"&_aop_signature=" + b"0" * 40
    )


def invalid_percent_encoding(text: str, rng: random.Random) -> ForgedCallback:
    bad = rng.choice(["%", "%%", "%G0", "%f", "%u4e2d", "%C0%AF", "%ED%A0%80", "%00", "%FF%FE"])
    return ForgedCallback(body=f"message={bad * rng.randrange(1, 50)}&_aop_signature={bad}".encode())


def random_bytes(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(body=rng.randbytes(rng.randrange(2000)))


def thousands_of_parameters(text: str, rng: random.Random) -> ForgedCallback:
    many = "&".join(f"p{number}=1" for number in range(rng.randrange(1000, 8000)))
    return ForgedCallback(body=many.encode() + b"&" + build_body(text), statuses=frozenset({400}))


def only_separators(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(body=rng.choice([b"&", b"=", b";", b"&=", b"%26"]) * 3000)


def too_large(text: str, rng: random.Random) -> ForgedCallback:
    size = rng.choice([2**20 + 1, 3 * 2**20])
    body = build_body(text) + b"&x=" + b"x" * size
    return ForgedCallback(body=body, chunked=rng.random() < 0.5, statuses=frozenset({413, NO_RESPONSE}))


def chunked_truncated_body(text: str, rng: random.Random) -> ForgedCallback:
    return ForgedCallback(body=build_body(text)[:-1], chunked=True)


def other_method_or_path(text: str, rng: random.Random) -> ForgedCallback:
    method, path = rng.choice(
        [("GET", PATH), ("PUT", PATH), ("POST", "/"), ("POST", PATH + "/x"), ("DELETE", PATH)]
    )
    return ForgedCallback(body=build_body(text), method=method, path=path, statuses=frozenset({404, 405}))


KINDS: tuple[Callable[[str, random.Random], ForgedCallback], ...] = (
    wrong_signature,
    no_signature,
    empty_signature,
    duplicate_signature,
    truncated_signature,
    malformed_signature,
    changed_message,
    truncated_message,
    truncated_body,
    duplicate_message,
    additional_parameter,
    query_string,
    everything_in_the_query,
    shifted_name,
    json_body,
    other_content_type,
    invalid_utf8,
    invalid_percent_encoding,
    random_bytes,
    only_separators,
    chunked_truncated_body,
    other_method_or_path,
)
LARGE_KINDS = (thousands_of_parameters, too_large)
"""Sent rarely, because they are large: each for one request of a hundred."""


async def send(session: aiohttp.ClientSession, host: str, forged: ForgedCallback) -> int:
    async def chunks() -> AsyncIterator[bytes]:
        for first in range(0, len(forged.body), 50_000):
            yield forged.body[first : first + 50_000]

    url = f"http://{host}{forged.path}" + (f"?{forged.query}" if forged.query else "")
    data = chunks() if forged.chunked else BytesIO(forged.body)
    try:
        async with session.request(forged.method, url, data=data, headers=forged.headers) as response:
            await response.read()
            return response.status
    except (ConnectionError, aiohttp.ClientConnectionError):
        return NO_RESPONSE


async def send_slowly(host: str) -> str:
    """Send a body byte by byte; return the first line of the response."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 500\r\n\r\n".encode())
    line = asyncio.create_task(reader.readline())
    while not line.done():
        writer.write(b"m")
        await asyncio.wait([line], timeout=0.5)
    return await _close(writer, (await line).decode().strip())


async def send_incomplete(host: str, raw: bytes) -> str:
    """Send an incomplete request and end the connection; return the first line of the response, if any."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    writer.write(raw)
    writer.write_eof()
    try:
        line = await reader.readline()
    except ConnectionError:
        line = b""
    return await _close(writer, line.decode().strip())


async def _close(writer: asyncio.StreamWriter, line: str) -> str:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return line


INCOMPLETE = (
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nmessage=".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nmessage".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nmes".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd".encode(),
    b"POST / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the start of TLS
    b"\r\n" * 1000,
    b"POST " + b"x" * 100_000,
)


async def test_forged_callbacks_are_not_stored(start_replica, tmp_path, sandbox, report):
    replica = start_replica(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    rng, statuses = random.Random(SEED), Counter()
    unexpected: list[tuple[str, int]] = []
    semaphore = asyncio.Semaphore(MAX_CONCURRENCY)
    connector = aiohttp.TCPConnector(limit=MAX_CONCURRENCY)
    async with (
        asyncio.timeout(TIMEOUT_S),
        aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as session,
        PushClient([replica.callback]) as push_client,
    ):

        async def send_forged(number: int) -> None:
            kind = KINDS[number % len(KINDS)] if rng.random() > 0.02 else rng.choice(LARGE_KINDS)
            forged = kind(build_message(number), rng)
            async with semaphore:
                status = await send(session, replica.callback, forged)
            statuses[status] += 1
            if status not in forged.statuses:
                unexpected.append((kind.__name__, status))

        async def send_all() -> None:
            for first in range(2, FORGED + 2, BATCH_SIZE):
                assert await push_client.push(1) == 200
                await asyncio.gather(*(send_forged(number) for number in range(first, first + BATCH_SIZE)))
                if first == 2:
                    memory_before_mib.append(replica.memory_mib())

        memory_before_mib: list[float] = []
        slow_lines, incomplete_lines, _ = await asyncio.gather(
            asyncio.gather(*(send_slowly(replica.callback) for _ in range(SLOW))),
            asyncio.gather(*(send_incomplete(replica.callback, raw) for raw in INCOMPLETE * 10)),
            send_all(),
        )
        assert await push_client.push(1) == 200

    growth_mib = replica.memory_mib() - memory_before_mib[0]
    report(
        f"seed {SEED}: {FORGED} forged callbacks, statuses {dict(sorted(statuses.items()))}; "
        f"{SLOW} slow requests {dict(Counter(slow_lines))}; "
        f"the genuine message pushed {push_client.pushes} times; memory grew by {growth_mib:.0f} MiB "
        f"from {memory_before_mib[0]:.0f} MiB"
    )
    assert Counter(unexpected) == {}
    assert {line.partition(" ")[2] for line in slow_lines} == {"408 Request Timeout"}
    assert not any(" 200 " in line for line in incomplete_lines)
    assert growth_mib < MAX_GROWTH_MIB
    assert replica.is_ready()
    with sqlite3.connect(tmp_path / "store.db") as store:
        assert store.execute("SELECT message_id FROM messages").fetchall() == [("1",)]
    store.close()
    with open_stub(replica.grpc) as stub:
        assert [received.message.message_id for received in pull_all(stub, "honest", 2, 3)] == ["1"]

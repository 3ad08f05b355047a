"""10,000 callbacks that 1688 did not send: none is stored or does harm; the one it sent is there once."""

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

from tests.durability.calls import drained, stub_of
from tests.durability.conftest import SEED
from tests.durability.pushing import PATH, Platform, body_of, signature, text_of

pytestmark = pytest.mark.durability

FORGED = 10_000
SIGNED_EACH = 500
"""One of so many is the signed one, again."""
AT_ONCE = 50
SLOW = 20
MOST_GROWTH_MIB = 64
WITHIN_S = 240
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
NO_ANSWER = 0
"""The connection was closed before everything was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forged:
    """A request, and what it may be answered with."""

    body: bytes = b""
    statuses: frozenset[int] = frozenset({401})
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": FORM})
    method: str = "POST"
    path: str = PATH
    chunked: bool = False


def pair(text: str) -> dict[str, str]:
    """Return a genuine message with its signature."""
    return {"message": text, "_aop_signature": signature({"message": text})}


def wrong_signature(text: str, dice: random.Random) -> Forged:
    return Forged(
        body=urlencode({"message": text, "_aop_signature": f"{dice.getrandbits(160):040X}"}).encode()
    )


def no_signature(text: str, dice: random.Random) -> Forged:
    return Forged(body=urlencode({"message": text}).encode())


def empty_signature(text: str, dice: random.Random) -> Forged:
    return Forged(body=urlencode({"message": text, "_aop_signature": ""}).encode())


def doubled_signature(text: str, dice: random.Random) -> Forged:
    other = {"_aop_signature": dice.choice([signature({"message": text}), "0" * 40])}
    return Forged(body=body_of(text) + b"&" + urlencode(other).encode())


def part_of_a_signature(text: str, dice: random.Random) -> Forged:
    return Forged(body=body_of(text)[: -dice.randrange(1, 40)])


def odd_signature(text: str, dice: random.Random) -> Forged:
    told = dice.choice(["Ａ" * 40, "\0" * 40, "é", "A" * 10_000, " " + signature({"message": text})])
    return Forged(body=urlencode({"message": text, "_aop_signature": told}).encode())


def altered_text(text: str, dice: random.Random) -> Forged:
    place = dice.choice([place for place, letter in enumerate(text) if letter.isdigit()])
    changed = text[:place] + str((int(text[place]) + dice.randrange(1, 10)) % 10) + text[place + 1 :]
    return Forged(body=urlencode(pair(text) | {"message": changed}).encode())


def cut_text(text: str, dice: random.Random) -> Forged:
    return Forged(body=urlencode(pair(text) | {"message": text[: dice.randrange(len(text))]}).encode())


def cut_body(text: str, dice: random.Random) -> Forged:
    body = body_of(text)
    return Forged(body=body[: dice.randrange(len(body))])


def doubled_message(text: str, dice: random.Random) -> Forged:
    return Forged(body=urlencode({"message": text}).encode() + b"&" + body_of(text))


def further_parameter(text: str, dice: random.Random) -> Forged:
    return Forged(body=body_of(text) + b"&" + urlencode({dice.choice(["a", "z", "message2"]): "1"}).encode())


def query_string(text: str, dice: random.Random) -> Forged:
    return Forged(body=body_of(text), query=dice.choice(["a=1", "message=x", "_aop_signature=" + "0" * 40]))


def all_in_the_query(text: str, dice: random.Random) -> Forged:
    return Forged(query=urlencode({"message": text, "_aop_signature": "0" * 40}))


def moved_between_name_and_value(text: str, dice: random.Random) -> Forged:
    """What is signed is names and values without a mark between them: the same letters, parted elsewhere."""
    whole = "message" + text
    place = dice.choice([each for each in range(1, len(whole)) if each != len("message")])
    parameters = {whole[:place]: whole[place:], "_aop_signature": signature({"message": text})}
    return Forged(body=urlencode(parameters).encode(), statuses=frozenset({400, 401}))


def json_body(text: str, dice: random.Random) -> Forged:
    return Forged(body=text.encode(), headers={"Content-Type": "application/json"})


def other_type(text: str, dice: random.Random) -> Forged:
    kinds = ["multipart/form-data", "multipart/form-data; boundary=x", "text/xml", "", "é", "a" * 1000]
    kind = dice.choice(kinds)
    return Forged(body=b"--x\r\n" + text.encode(), headers={"Content-Type": kind})


def no_utf8(text: str, dice: random.Random) -> Forged:
    return Forged(body=b"message=" + dice.randbytes(200).replace(b"&", b"") + b"&_aop_signature=" + b"0" * 40)


def bad_percents(text: str, dice: random.Random) -> Forged:
    bad = dice.choice(["%", "%%", "%G0", "%f", "%u4e2d", "%C0%AF", "%ED%A0%80", "%00", "%FF%FE"])
    return Forged(body=f"message={bad * dice.randrange(1, 50)}&_aop_signature={bad}".encode())


def noise(text: str, dice: random.Random) -> Forged:
    return Forged(body=dice.randbytes(dice.randrange(2000)), statuses=frozenset({400, 401}))


def thousands_of_parameters(text: str, dice: random.Random) -> Forged:
    many = "&".join(f"p{number}=1" for number in range(dice.randrange(1000, 8000)))
    return Forged(body=many.encode() + b"&" + body_of(text), statuses=frozenset({400}))


def separators(text: str, dice: random.Random) -> Forged:
    return Forged(body=dice.choice([b"&", b"=", b";", b"&=", b"%26"]) * 3000, statuses=frozenset({400, 401}))


def huge(text: str, dice: random.Random) -> Forged:
    size = dice.choice([2**20 + 1, 3 * 2**20])
    body = body_of(text) + b"&x=" + b"x" * size
    return Forged(body=body, chunked=dice.random() < 0.5, statuses=frozenset({413, NO_ANSWER}))


def in_chunks(text: str, dice: random.Random) -> Forged:
    return Forged(body=body_of(text)[:-1], chunked=True)


def other_way(text: str, dice: random.Random) -> Forged:
    method, path = dice.choice(
        [("GET", PATH), ("PUT", PATH), ("POST", "/"), ("POST", PATH + "/x"), ("DELETE", PATH)]
    )
    return Forged(body=body_of(text), method=method, path=path, statuses=frozenset({404, 405}))


KINDS: tuple[Callable[[str, random.Random], Forged], ...] = (
    wrong_signature,
    no_signature,
    empty_signature,
    doubled_signature,
    part_of_a_signature,
    odd_signature,
    altered_text,
    cut_text,
    cut_body,
    doubled_message,
    further_parameter,
    query_string,
    all_in_the_query,
    moved_between_name_and_value,
    json_body,
    other_type,
    no_utf8,
    bad_percents,
    noise,
    separators,
    in_chunks,
    other_way,
)
RARE = (thousands_of_parameters, huge)
"""One of a hundred each: they are large."""


async def send(session: aiohttp.ClientSession, host: str, forged: Forged) -> int:
    async def chunks() -> AsyncIterator[bytes]:
        for first in range(0, len(forged.body), 50_000):
            yield forged.body[first : first + 50_000]

    url = f"http://{host}{forged.path}" + (f"?{forged.query}" if forged.query else "")
    data = chunks() if forged.chunked else BytesIO(forged.body)
    try:
        async with session.request(forged.method, url, data=data, headers=forged.headers) as answer:
            await answer.read()
            return answer.status
    except (ConnectionError, aiohttp.ClientConnectionError):
        return NO_ANSWER


async def send_slowly(host: str) -> str:
    """Send a body a byte at a time; return the first line of the answer."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 500\r\n\r\n".encode())
    line = asyncio.create_task(reader.readline())
    while not line.done():
        writer.write(b"m")
        await asyncio.wait([line], timeout=0.5)
    return await _closed(writer, (await line).decode().strip())


async def cut_off(host: str, raw: bytes) -> str:
    """Send what is no whole request, and say no more; return the first line of the answer, if any."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    writer.write(raw)
    writer.write_eof()
    try:
        line = await reader.readline()
    except ConnectionError:
        line = b""
    return await _closed(writer, line.decode().strip())


async def _closed(writer: asyncio.StreamWriter, line: str) -> str:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return line


CUT_OFF = (
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nmessage=".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nmessage".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nmes".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd".encode(),
    b"POST / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # somebody tries TLS
    b"\r\n" * 1000,
    b"POST " + b"x" * 100_000,
)


async def test_what_1688_did_not_send_is_not_stored(started, tmp_path, sandbox, report):
    replica = started(f"sqlite+aiosqlite:///{tmp_path}/store.db")
    dice, told = random.Random(SEED), Counter()
    wrong: list[tuple[str, int]] = []
    gate = asyncio.Semaphore(AT_ONCE)
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with (
        asyncio.timeout(WITHIN_S),
        aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as session,
        Platform([replica.callback]) as platform,
    ):

        async def try_one(number: int) -> None:
            kind = KINDS[number % len(KINDS)] if dice.random() > 0.02 else dice.choice(RARE)
            forged = kind(text_of(number), dice)
            async with gate:
                status = await send(session, replica.callback, forged)
            told[status] += 1
            if status not in forged.statuses:
                wrong.append((kind.__name__, status))

        async def all_of_them() -> None:
            for first in range(2, FORGED + 2, SIGNED_EACH):
                assert await platform.push(1) == 200
                await asyncio.gather(*(try_one(number) for number in range(first, first + SIGNED_EACH)))
                if first == 2:
                    before.append(replica.memory_mib())

        before: list[float] = []
        slow, cut, _ = await asyncio.gather(
            asyncio.gather(*(send_slowly(replica.callback) for _ in range(SLOW))),
            asyncio.gather(*(cut_off(replica.callback, raw) for raw in CUT_OFF * 10)),
            all_of_them(),
        )
        assert await platform.push(1) == 200

    grown_mib = replica.memory_mib() - before[0]
    report(
        f"seed {SEED}: {FORGED} forged, answered {dict(sorted(told.items()))}; "
        f"{SLOW} slow ones {dict(Counter(slow))}; "
        f"the signed one pushed {platform.pushes} times; memory grew by {grown_mib:.0f} MiB "
        f"from {before[0]:.0f} MiB"
    )
    assert Counter(wrong) == {}
    assert {line.partition(" ")[2] for line in slow} == {"408 Request Timeout"}
    assert not any(" 200 " in line for line in cut)
    assert grown_mib < MOST_GROWTH_MIB
    assert replica.ready()
    with sqlite3.connect(tmp_path / "store.db") as store:
        assert store.execute("SELECT message_id FROM messages").fetchall() == [("1",)]
    store.close()
    with stub_of(replica.grpc) as stub:
        assert [message.message_id for message in drained(stub, "honest", 2, 3)] == ["1"]

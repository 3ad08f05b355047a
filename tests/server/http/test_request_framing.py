"""Requests whose end two HTTP parsers can see at different places, as a proxy and this listener.

Each is rejected, and what follows it on the connection is not read as a request.
"""

import pytest

from services.server import HttpResponse
from tests.server.http.raw_http import exchange, serving

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

AMBIGUOUS = {
    "Transfer-Encoding, then Content-Length": CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "Content-Length, then Transfer-Encoding": HEAD
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both, and Expect": CHUNKED + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "an empty Transfer-Encoding beside Content-Length": HEAD
    + b"Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello",
    "Transfer-Encoding: identity beside Content-Length": HEAD
    + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
    "an empty Transfer-Encoding": HEAD + b"Transfer-Encoding:\r\n\r\n",
    "Transfer-Encoding: gzip, chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, chunked": HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: xchunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding after a vertical tab": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding in HTTP/1.0": CHUNKED.replace(b"1.1", b"1.0") + b"\r\n0\r\n\r\n",
    "equal Content-Lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "different Content-Lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello",
    "a list of Content-Lengths": HEAD + b"Content-Length: 5, 5\r\n\r\nhello",
    "Content-Length with a sign": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "Content-Length in hexadecimal": HEAD + b"Content-Length: 0x5\r\n\r\nhello",
    "Content-Length with an underscore": HEAD + b"Content-Length: 0_5\r\n\r\nhello",
    "an empty Content-Length": HEAD + b"Content-Length: \r\n\r\n",
    "a blank before a colon": HEAD + b"Content-Length : 5\r\n\r\nhello",
    "a folded header": HEAD + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a folded Transfer-Encoding": HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a folded first header": b"POST / HTTP/1.1\r\n Host: x\r\nContent-Length: 0\r\n\r\n",
    "a bare CR in a value": HEAD + b"X: a\rb\r\nContent-Length: 0\r\n\r\n",
    "a bare CR after a header": HEAD + b"X: a\rContent-Length: 5\r\n\r\nhello",
    "a bare CR after the request line": HEAD.replace(b"\r\n", b"\r", 1) + b"Content-Length: 0\r\n\r\n",
    "a bare LF after a header": HEAD + b"X: a\nContent-Length: 0\r\n\r\n",
    "a bare LF after the request line": HEAD.replace(b"\r\n", b"\n", 1) + b"Content-Length: 0\r\n\r\n",
    "a NUL in a value": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a header without a colon": HEAD + b"X\r\nContent-Length: 0\r\n\r\n",
    "Host twice": HEAD + b"Host: y\r\nContent-Length: 0\r\n\r\n",
    "a chunk size with LF": CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n",
    "a chunk that ends with LF": CHUNKED + b"\r\n5\r\nhello\n0\r\n\r\n",
    "a chunk size with a prefix": CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "a chunk size above 64 bits": CHUNKED + b"\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a chunk extension with LF": CHUNKED + b"\r\n5;a\nb\r\nhello\r\n0\r\n\r\n",
    "a chunk extension with CR": CHUNKED + b"\r\n5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"\r\n5\r\nhelloXX0\r\n\r\n",
    "Content-Length in the trailer": CHUNKED + b"\r\n0\r\nContent-Length: 5\r\n\r\n",
    "an upgrade with a body": HEAD
    + b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello",
    "an unknown upgrade with a body": HEAD
    + b"Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\nhello",
    "CONNECT with a body": b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
}
PLAIN = {
    "Content-Length": HEAD + b"Content-Length: 5\r\n\r\nhello",
    "chunked": CHUNKED + b"\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked in capitals": HEAD + b"TRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked with blanks around": HEAD + b"Transfer-Encoding: \tchunked \r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a body in two chunks": CHUNKED + b"\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
}

LENIENT = {
    "blank lines before a request": b"\r\n\n\r" + PLAIN["Content-Length"],
    "two blanks in a request line": PLAIN["Content-Length"].replace(b" /", b"  /", 1),
    "another protocol": PLAIN["Content-Length"].replace(b"HTTP", b"RTSP", 1),
}
"""What the parser accepts, although it need not."""
ACCEPTED = PLAIN | LENIENT


class Handler:
    """Returns the body of a request; remembers the paths that were requested."""

    def __init__(self):
        self.paths = []

    async def respond(self, request):
        self.paths.append(request.path)
        return HttpResponse(body=request.body)


@pytest.fixture
def handler():
    return Handler()


@pytest.mark.parametrize("request_bytes", AMBIGUOUS.values(), ids=AMBIGUOUS)
async def test_an_ambiguous_request_is_rejected_and_ends_its_connection(handler, request_bytes):
    async with serving(handler.respond) as address:
        response = await exchange(address, request_bytes + SMUGGLED)
    assert response.split()[1] == b"400"
    assert response.count(b"\r\nContent-Length: ") == 1, "more than one response"
    assert "/smuggled" not in handler.paths


@pytest.mark.parametrize("request_bytes", ACCEPTED.values(), ids=ACCEPTED)
async def test_a_request_with_a_clear_end_is_read_and_so_is_the_next(handler, request_bytes):
    async with serving(handler.respond) as address:
        response = await exchange(address, request_bytes + SMUGGLED)
    assert handler.paths == ["/", "/smuggled"]
    assert response.count(b"HTTP/1.1 200 ") == 2
    assert b"\r\n\r\nhello" in response


async def test_an_upgrade_without_a_body_is_ignored(handler):
    async with serving(handler.respond) as address:
        request_bytes = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"
        response = await exchange(address, request_bytes)
    assert response.startswith(b"HTTP/1.1 200 ")
    assert handler.paths == ["/"]

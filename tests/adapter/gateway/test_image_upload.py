"""A large image on its way to 1688: its requests, and the memory that they need."""

import asyncio
import base64
import json
import tracemalloc

import pytest
from nationalsite.product.v1 import PRODUCT_SERVICE, UploadImageRequest

from services.adapter.codec import Dialect, Parameters
from services.adapter.gateway import Policies
from services.adapter.gateway.middleware.retry import RetryPolicy
from tests.support.compiled_operations import compile_once

IMAGE = b"\xff\xd8\xff" + bytes(range(256)) * 20_000
MAX_COPIES = 1.5
"""The image, as the message returns it, and buffers. A text would be 1.3 more. The message is not counted."""


def encode(dialect: Dialect, request: UploadImageRequest) -> Parameters:
    (parameters,) = compile_once(PRODUCT_SERVICE, dialect)["UploadImage"].encode(request)
    return parameters


async def test_each_attempt_sends_the_whole_image(peer, make_gateway, call, response):
    async def hang_up(_received, connection):
        connection.hang_up()

    peer.on("", hang_up, response())
    gateway = make_gateway(policies=Policies(retry=RetryPolicy(max_attempts=2, backoff_s=0)))
    parameters = encode(Dialect.OPEN_PLATFORM, UploadImageRequest(image=IMAGE))

    await call(gateway, parameters.form, idempotent=True)

    first, second = (received.form for received in peer.received)
    assert first == second
    assert base64.b64decode(json.loads(second["uploadImageParam"])["imageBase64"]) == IMAGE


@pytest.mark.parametrize("dialect", Dialect)
async def test_an_upload_needs_little_more_memory_than_the_image(dialect, serve_raw, make_gateway, call):
    async def discard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        remaining = int(head.lower().partition(b"content-length:")[2].split()[0])
        while remaining:
            remaining -= len(await reader.read(remaining))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    gateway = make_gateway(f"http://{await serve_raw(discard)}")
    await call(gateway, encode(dialect, UploadImageRequest(image=b"small")).form)  # makes what is made once
    request = UploadImageRequest(image=IMAGE)
    tracemalloc.start()
    try:
        await call(gateway, encode(dialect, request).form)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MAX_COPIES * len(IMAGE)

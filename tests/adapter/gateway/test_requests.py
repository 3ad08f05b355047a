"""Requests as they arrive at 1688."""

import asyncio
import email
import gzip
import json
from pathlib import Path
from typing import cast

import pytest

from services.adapter.gateway import sign
from services.errors import UpstreamGateway

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

REQUESTS = [
    path
    for path in sorted((Path(__file__).parents[2] / "samples" / "requests").glob("*.req.json"))
    if "form" in json.loads(path.read_text())
]
FORMS = {
    "chinese": "饼干",
    "date": "20260901000000000+0800",
    "base64": "iVBORw0KGgo+/AAAA==",
    "separators": "a=1&b=2;c %25 ?#",
    "line ends": "a\r\nb\tc",
    "quotes": '{"sort":"{\\"price\\":\\"asc\\"}"}',
    "beyond the plane": "😀",
    "empty": "",
}


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path.name)
async def test_arrives_as_the_sample(path, peer, make_gateway, call):
    sample = json.loads(path.read_text())
    expected = {name: value for name, value in sample["form"].items() if not name.startswith("_aop_")}
    form = {name: value for name, value in expected.items() if name != "access_token"}
    _, _, version, namespace, name, _ = sample["url_path"].removeprefix("/").split("/")

    await call(
        make_gateway(), form, api_id=f"{namespace}:{name}-{version}", anonymous="access_token" not in expected
    )

    (received,) = peer.received
    assert (received.method, received.target) == (sample["method"], sample["url_path"])
    assert received.headers["content-type"].replace(" ", "") == sample["content_type"]
    signature = sign(b"test-app-secret", sample["url_path"].removeprefix("/openapi/"), expected)
    assert received.form == {**expected, "_aop_signature": signature}


@pytest.mark.parametrize("value", FORMS.values(), ids=FORMS)
async def test_form_values_survive_and_are_signed_raw(value, peer, make_gateway, call):
    await call(make_gateway(), {"value": value})

    (received,) = peer.received
    form = received.form
    assert form["value"] == value
    signature = form.pop("_aop_signature")
    assert signature == sign(b"test-app-secret", received.path.removeprefix("/openapi/"), form)


async def test_plus_is_percent_encoded(peer, make_gateway, call):
    await call(make_gateway(), {"date": "+0800", "word": "饼"})

    assert b"date=%2B0800&word=%E9%A5%BC" in peer.received[0].body


async def test_headers(peer, make_gateway, call):
    await call(make_gateway())

    headers = peer.received[0].headers
    assert headers["host"] == f"127.0.0.1:{peer.port}"
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "gzip"
    assert headers["user-agent"] == "nationalsite"
    assert "cookie" not in headers


async def test_only_the_required_system_parameters_are_sent(peer, make_gateway, call):
    gateway = make_gateway()
    await call(gateway)
    await call(gateway, anonymous=True)

    assert [received.form.keys() for received in peer.received] == [
        {"access_token", "_aop_signature"},
        {"_aop_signature"},
    ]


async def test_files_travel_as_parts_beside_a_signed_query(peer, make_gateway, call):
    image = bytes(range(256)) * 4096
    await call(make_gateway(), {"note": "a+b 饼&/=%"}, files={"imageData": image})

    (received,) = peer.received
    query = received.query
    signature = query.pop("_aop_signature")
    assert query == {"note": "a+b 饼&/=%", "access_token": "test-access-token"}
    assert signature == sign(b"test-app-secret", received.path.removeprefix("/openapi/"), query)
    content_type = received.headers["content-type"]
    message = email.message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + received.body)
    assert message.get_content_type() == "multipart/form-data"
    (part,) = cast("list[email.message.Message]", message.get_payload())
    assert part.get_param("name", header="content-disposition") == "imageData"
    assert part.get_filename() == "file.jpg"
    assert part.get_content_type() == "image/jpeg"
    assert part.get_payload(decode=True) == image


async def test_operation_aliases(peer, make_gateway, call):
    gateway = make_gateway(
        operation_aliases={"com.alibaba.product:alibaba.category.get-1": "com.other:a.name-with-dash-2"}
    )
    await call(gateway)

    assert peer.received[0].path == "/openapi/param2/2/com.other/a.name-with-dash/1000000"


async def test_base_url_may_have_a_path(peer, make_gateway, call):
    await call(make_gateway(url=f"{peer.url}/behind/a/proxy/"))

    assert peer.received[0].path.startswith("/behind/a/proxy/openapi/param2/1/com.alibaba.product/")
    signature = sign(
        b"test-app-secret",
        "param2/1/com.alibaba.product/alibaba.category.get/1000000",
        {"access_token": "test-access-token"},
    )
    assert peer.received[0].form["_aop_signature"] == signature


async def test_probe_is_signed_and_has_no_parameters(peer, make_gateway, response, samples):
    body = (samples / "responses" / "system_current_time.open_platform.ok.json").read_bytes()
    peer.on("system/currentTime", response(body=body))

    time = await make_gateway().current_time(asyncio.get_running_loop().time() + 5)

    assert time == "20261010164552223+0800"
    assert peer.received[0].path == "/openapi/param2/1/system/currentTime/1000000"
    assert peer.received[0].form.keys() == {"_aop_signature"}


async def test_reply_is_parsed_and_has_the_request_id(peer, make_gateway, call, response):
    peer.on("", response(body={"id": 9007199254740993}, headers={"RequestId": "0a1b"}))

    reply = await call(make_gateway())

    assert (reply.value, reply.request_id) == ({"id": 9007199254740993}, "0a1b")


async def test_gzip_is_decompressed(peer, make_gateway, call, response):
    body = gzip.compress('{"name":"饼干"}'.encode())
    peer.on("", response(body=body, headers={"Content-Encoding": "gzip"}))

    assert (await call(make_gateway())).value == {"name": "饼干"}


async def test_connections_are_reused(peer, make_gateway, call):
    gateway = make_gateway()
    for _ in range(5):
        await call(gateway)

    assert (len(peer.received), peer.accepted) == (5, 1)


async def test_redirects_are_errors_and_not_followed(peer, make_gateway, call, response):
    peer.on("param2", response(status=302, body={"sent": "elsewhere"}, headers={"Location": "/elsewhere"}))

    with pytest.raises(UpstreamGateway, match="HTTP 302"):
        await call(make_gateway())

    assert len(peer.received) == 1


async def test_cookies_are_not_stored(peer, make_gateway, call, response):
    peer.on("", response(headers={"Set-Cookie": "a=b"}))
    gateway = make_gateway()
    await call(gateway)
    await call(gateway)

    assert "cookie" not in peer.received[1].headers

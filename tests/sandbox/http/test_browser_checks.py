"""Other sites that a developer visits must reach neither the admin API nor the page."""

import pytest

FORM = "application/x-www-form-urlencoded"
JSON = {"Content-Type": "application/json"}
PATHS = ["/", "/main.js", "/admin/state", "/admin/nothing"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host",
    ["attacker.example", "attacker.example:8168", "127.0.0.1.attacker.example", "a@127.0.0.1", "[::1", ""],
)
async def test_name_of_another_site_is_rejected(client, path, host):
    response = await client.http.get(path, headers={"Host": host})
    assert response.status_code == 421
    assert response.json()["error"].startswith("Host: ")


@pytest.mark.parametrize("path", ["/", "/admin/state"])
@pytest.mark.parametrize(
    "host", ["127.0.0.1:8168", "localhost:8168", "LOCALHOST", "[::1]:8168", "10.244.0.7:8168", "192.0.2.1"]
)
async def test_own_names_and_addresses(client, path, host):
    assert (await client.http.get(path, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},  # another program of this machine
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_request_of_another_origin_is_rejected(client, headers):
    await client.create_order()
    for method, path in (("POST", "/admin/reset"), ("GET", "/admin/orders")):
        assert (await client.http.request(method, path, headers=headers)).status_code == 403
    assert (await client.state())["orders"] == 1


async def test_requests_of_the_page(client):
    origin = str(client.http.base_url).rstrip("/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert (await client.http.post("/admin/orders", json={}, headers=headers)).status_code == 201
    # A link on another site may lead to the page.
    assert (await client.http.get("/", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 200


@pytest.mark.parametrize("content_type", ["", FORM, "text/plain", "text/plain; application/json"])
async def test_body_must_be_sent_as_json(client, content_type):
    response = await client.http.post("/admin/orders", content="{}", headers={"Content-Type": content_type})
    assert response.status_code == 415
    assert (await client.state())["orders"] == 0
    utf8 = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await client.http.post("/admin/orders", content="{}", headers=utf8)).status_code == 201


async def test_cors_is_never_granted(client):
    headers = {"Origin": "http://attacker.example", "Access-Control-Request-Method": "POST"}
    response = await client.http.options("/admin/orders", headers=headers)
    assert response.status_code == 403
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/main.js", "/admin/state"])
async def test_headers_that_isolate_the_page(client, path):
    headers = (await client.http.get(path)).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy.pop("default-src") == policy.pop("base-uri") == policy.pop("form-action") == "'none'"
    assert policy.pop("frame-ancestors") == policy.pop("trusted-types") == "'none'"
    assert policy.pop("require-trusted-types-for") == "'script'"
    assert set(policy.values()) == {"'self'"}
    assert headers["cross-origin-resource-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


async def test_calls_of_the_gateway_are_not_restricted(client):
    client.http.headers.update({"Host": "attacker.example", "Origin": "http://attacker.example"})
    assert (await client.current_time()).status_code == 200

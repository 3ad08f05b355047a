import asyncio
import re
from datetime import datetime, timedelta

import pytest


async def test_current_time(client):
    response = (await client.current_time()).json()
    assert re.fullmatch(r"\d{17}\+0800", response)
    there = datetime.strptime(response, "%Y%m%d%H%M%S%f%z")
    assert abs(there - datetime.now(there.tzinfo)) < timedelta(seconds=5)


async def test_current_time_with_an_offset(client):
    await client.put("clock", offset_ms=3_600_000)
    there = datetime.strptime((await client.current_time()).json(), "%Y%m%d%H%M%S%f%z")
    assert there - datetime.now(there.tzinfo) > timedelta(minutes=59)


@pytest.mark.parametrize("protocol", ["http", "param2"])
async def test_refresh(client, protocol, sample, assert_like):
    form = {
        "grant_type": "refresh_token",
        "client_id": "1000000",
        "client_secret": "test-app-secret",
        "refresh_token": "test-refresh-token",
    }
    response = await client.http.post(f"/openapi/{protocol}/1/system.oauth2/getToken/1000000", data=form)
    token = response.json()
    assert_like([token], sample("get_token.open_platform.ok"))
    assert token["expires_in"] == "36000"
    assert token["refresh_token"] == "test-refresh-token"
    served = await client.call("product.filterData.queryConfig", token=token["access_token"])
    assert served.status_code == 200


async def test_token_expires(client):
    await client.put("tokens", expires_in=0)
    token = (await client.refresh()).json()["access_token"]
    rejected = await client.call("product.filterData.queryConfig", token=token)
    assert rejected.status_code == 401


async def test_revoked_tokens(client):
    token = (await client.refresh()).json()["access_token"]
    await client.put("tokens", revoke_access_tokens=True)
    for dead in ("test-access-token", token):
        assert (await client.call("product.filterData.queryConfig", token=dead)).status_code == 401
    token = (await client.refresh()).json()["access_token"]
    assert (await client.call("product.filterData.queryConfig", token=token)).status_code == 200


async def test_refresh_answer_without_a_refresh_token(client):
    await client.put("tokens", refresh_token="omit")
    for _ in range(2):
        assert "refresh_token" not in (await client.refresh()).json()


async def test_rotated_refresh_token(client, sample):
    await client.put("tokens", refresh_token="rotate")
    second = (await client.refresh()).json()["refresh_token"]
    old = await client.refresh()
    assert old.status_code == 400
    assert old.json() == sample("get_token.open_platform.fail")
    assert (await client.refresh(second)).json()["refresh_token"] not in (second, "test-refresh-token")


async def test_code_can_be_redeemed_once(client):
    code = (await client.http.post("/admin/codes")).json()["code"]
    grant = {"grant_type": "authorization_code", "redirect_uri": "http://localhost", "code": code}
    first = await client.refresh(**grant, need_refresh_token="true")
    assert first.json()["refresh_token"] == "test-refresh-token"
    again = await client.refresh(**grant)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_concurrent_refreshes_issue_different_tokens(client):
    responses = await asyncio.gather(*(client.refresh() for _ in range(8)))
    assert len({response.json()["access_token"] for response in responses}) == 8


async def test_rejected_token_calls(client):
    wrong_secret = await client.refresh(client_secret="wrong")
    assert (wrong_secret.status_code, wrong_secret.json()["error"]) == (400, "invalid_client")
    no_grant = await client.http.post("/openapi/http/1/system.oauth2/getToken/1000000")
    assert no_grant.json()["error_message"] == "Required argument grant_type"
    wrong_app = await client.http.post("/openapi/http/1/system.oauth2/getToken/7")
    assert wrong_app.json()["error_code"] == "gw.AppKeyNotFound"

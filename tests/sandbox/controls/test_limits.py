import pytest


async def codes(client, count):
    responses = [await client.call("product.filterData.queryConfig") for _ in range(count)]
    return [response.json()["error_code"] if response.status_code == 400 else "ok" for response in responses]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"app": {"calls": 2, "window_s": 60}}, ["ok", "ok", "gw.QosAppFrequencyLimit"]),
        ({"api": {"calls": 1, "window_s": 60}}, ["ok", "gw.QosAPIFrequencyLimit", "gw.QosAPIFrequencyLimit"]),
        ({"usage_left": 1}, ["ok", "gw.NoUsageLeftError", "gw.NoUsageLeftError"]),
        ({"declined": ["product.filterData.queryConfig"]}, ["gw.APIACLDecline"] * 3),
        ({}, ["ok"] * 3),
    ],
)
async def test_limit(client, limits, expected):
    await client.put("limits", **limits)
    assert await codes(client, 3) == expected


async def test_api_limit_applies_to_each_operation(client):
    await client.put("limits", api={"calls": 1, "window_s": 60})
    assert await codes(client, 1) == ["ok"]
    assert (await client.current_time()).status_code == 200


async def test_reset_switches_limits_off(client):
    await client.put("limits", usage_left=0)
    await client.http.post("/admin/reset")
    assert await codes(client, 1) == ["ok"]

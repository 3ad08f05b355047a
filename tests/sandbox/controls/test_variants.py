import pytest


async def test_absent_variants_return_to_their_initial_value(client):
    initial = (await client.state())["variants"]
    await client.put("variants", list_delay_ms=5, web_checkout_offers=[2, 1])
    changed = (await client.state())["variants"]
    assert changed == initial | {"list_delay_ms": 5, "web_checkout_offers": [1, 2]}
    await client.put("variants", rounded_ids=False)
    assert (await client.state())["variants"] == initial | {"rounded_ids": False}
    await client.http.post("/admin/reset")
    assert (await client.state())["variants"] == initial


@pytest.mark.parametrize(
    "body", [{"several_sellers": "merge"}, {"list_delay": 5}, {"list_delay_ms": -1}, {"refund_page_base": 2}]
)
async def test_invalid_variants(client, body):
    assert (await client.http.put("/admin/variants", json=body)).status_code == 400

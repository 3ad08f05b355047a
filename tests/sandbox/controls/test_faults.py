import asyncio
import time

import httpx
import pytest

CONFIG = "product.filterData.queryConfig"


async def until(condition):
    """Wait for a condition of the sandbox, for at most five seconds."""
    async with asyncio.timeout(5):
        while not await condition():  # noqa: ASYNC110 - the event is in another process
            await asyncio.sleep(0.005)


async def in_flight(client, count):
    return (await client.state())["in_flight"] == count


async def test_faults_apply_in_order(client):
    await client.fault(CONFIG, times=2, gateway_error="gw.QosAppFrequencyLimit")
    await client.fault(CONFIG, status=503, body="busy")
    responses = [await client.call(CONFIG) for _ in range(4)]
    assert [response.status_code for response in responses] == [400, 400, 503, 200]
    assert responses[2].text == "busy"


async def test_fault_of_an_operation_precedes_fault_of_any_operation(client):
    await client.fault("*", status=500)
    await client.fault(CONFIG, status=502)
    assert [(await client.call(CONFIG)).status_code for _ in range(3)] == [502, 500, 200]


async def test_operation_with_namespace(client):
    await client.fault(f"com.alibaba.fenxiao.crossborder/{CONFIG}", status=500)
    assert (await client.call(CONFIG)).status_code == 500


@pytest.mark.parametrize(
    ("error", "status", "code", "text"),
    [
        ("gw.QosAppFrequencyLimit", 400, "gw.QosAppFrequencyLimit", "App call exceeds limited frequency"),
        ("gw.QosAPIFrequencyLimit", 400, "gw.QosAPIFrequencyLimit", "API call exceeds limited frequency"),
        ("gw.NoUsageLeftError", 400, "gw.NoUsageLeftError", "SLA bill has no usage left"),
        ("401", 401, "401", "Request need user authorized"),
        ("token_missing", 401, "401", "Request need user authenticated"),
        ("gw.ParamMissing", 400, "gw.ParamMissing", "Required argument offerId"),
    ],
)
async def test_gateway_error(client, error, status, code, text):
    await client.fault(CONFIG, gateway_error=error)
    response = await client.call(CONFIG)
    assert response.status_code == status
    assert response.json() == {"error_code": code, "error_message": text, "exception": text}


async def test_custom_response(client):
    await client.fault(
        CONFIG, status=200, json={"error_code": "401"}, headers={"X-Kind": "odd"}, content_type="text/html"
    )
    response = await client.call(CONFIG)
    assert (response.status_code, response.json()) == (200, {"error_code": "401"})
    assert (response.headers["x-kind"], response.headers["content-type"]) == ("odd", "text/html")


async def test_bare_server_error(client):
    await client.fault(CONFIG, status=500)
    response = await client.call(CONFIG)
    assert (response.status_code, response.content) == (500, b"")


async def test_latency_then_answer(client):
    await client.fault(CONFIG, latency_ms=120)
    began = time.monotonic()
    assert (await client.call(CONFIG)).status_code == 200
    assert time.monotonic() - began >= 0.12


async def test_latency_before_another_fault(client):
    await client.fault(CONFIG, latency_ms=50, status=500)
    began = time.monotonic()
    assert (await client.call(CONFIG)).status_code == 500
    assert time.monotonic() - began >= 0.05


async def test_response_latency(client):
    await client.fault("product.image.upload", response_latency_ms=120)
    began = time.monotonic()
    response = await client.call("product.image.upload", uploadImageParam={"imageBase64": "x"})
    assert response.status_code == 200
    assert time.monotonic() - began >= 0.12


async def test_operation_runs_although_the_client_leaves_before_the_response(client):
    order = await client.create_order("pay", "ship")
    await client.fault("trade.receivegoods.confirm", response_latency_ms=600_000)
    call = asyncio.create_task(
        client.call(
            "trade.receivegoods.confirm",
            namespace="com.alibaba.trade",
            orderId=order["order_id"],
            orderEntryIds=[entry["entry_id"] for entry in order["entries"]],
        )
    )

    async def is_received():
        current = await client.admin(f"orders/{order['order_id']}")
        return current["status"] == "confirm_goods_and_has_subsidy"

    await until(is_received)
    assert await in_flight(client, 1)
    call.cancel()
    await until(lambda: in_flight(client, 0))
    assert (await client.calls())[-1]["outcome"]["kind"] == "client_disconnected"


@pytest.mark.parametrize(("after_request", "status"), [(False, "waitbuyerpay"), (True, "cancel")])
async def test_business_error(client, after_request, status):
    order_id = (await client.create_order())["order_id"]
    await client.put("variants", cancel_delay_ms=0)
    await client.fault("alibaba.trade.cancel", business_error={"after_request": after_request})
    body = await client.trade("trade.cancel", webSite="1688", tradeID=order_id, cancelReason="other")
    assert body == {"success": False, "errorCode": "500", "errorMessage": "系统异常"}
    assert (await client.admin(f"orders/{order_id}"))["status"] == status
    assert (await client.calls())[-1]["outcome"]["kind"] == "business_error"


async def test_malformed(client):
    await client.fault(CONFIG, malformed=True)
    response = await client.call(CONFIG)
    assert response.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        response.json()


async def test_truncated(client):
    await client.fault(CONFIG, truncate=10)
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|received 10 bytes"):
        await client.call(CONFIG)
    (call,) = await client.calls(operation=CONFIG)
    assert call["outcome"]["kind"] == "truncated"


@pytest.mark.parametrize(("when", "registered"), [("before_request", 0), ("after_request", 1)])
async def test_dropped(client, when, registered):
    account = {
        "country": "japan",
        "site": "sniff",
        "outLoginName": "a",
        "outMemberId": "b",
        "email": "user@example.com",
        "ip": "192.0.2.10",
    }
    await client.fault("account.user.register", drop=when)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.call("account.user.register", countryAccount=account)
    assert (await client.state())["accounts"] == registered


async def test_expired_token(client):
    await client.fault(CONFIG, token_expired=True)
    assert [(await client.call(CONFIG)).status_code for _ in range(2)] == [401, 401]
    token = (await client.refresh()).json()["access_token"]
    assert (await client.call(CONFIG, token=token)).status_code == 200


@pytest.mark.parametrize("fault", [{"hang": True}, {"latency_ms": 60_000}])
async def test_client_disconnect_is_detected(client, fault):
    await client.fault(CONFIG, **fault)
    call = asyncio.create_task(client.call(CONFIG))
    await until(lambda: in_flight(client, 1))
    connections = (await client.state())["connections"]
    call.cancel()
    await until(lambda: in_flight(client, 0))
    assert (await client.state())["connections"] == connections - 1
    (entry,) = await client.calls(operation=CONFIG)
    assert entry["outcome"]["kind"] == "client_disconnected"


async def test_faults_of_system_operations(client):
    await client.fault("getToken", status=503)
    await client.fault("currentTime", status=503)
    assert (await client.refresh()).status_code == 503
    assert (await client.current_time()).status_code == 503


async def test_dropped_calls_do_not_affect_others(client):
    """Half of the calls are dropped, each on its own connection; the other half are served."""
    for _ in range(20):
        await client.fault(CONFIG, drop="after_request")
        await client.fault(CONFIG, latency_ms=1)
    results = await asyncio.gather(*(client.call(CONFIG) for _ in range(40)), return_exceptions=True)
    served = [result for result in results if isinstance(result, httpx.Response)]
    assert len(served) == 20
    assert all(response.status_code == 200 and len(response.json()) == 3 for response in served)
    assert (await client.state())["peak_in_flight"] > 1


async def test_clear_faults(client):
    await client.fault("*", times=5, status=500)
    await client.http.delete("/admin/faults")
    assert (await client.call(CONFIG)).status_code == 200


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"operation": "*", "fault": {}}, "needs latency_ms or a kind"),
        ({"operation": "*", "fault": {"hang": True, "malformed": True}}, "of one kind"),
        ({"operation": "*", "fault": {"body": "x", "malformed": True}}, "go with status"),
        (
            {"operation": "*", "fault": {"status": 200, "body": "x", "json": 1}},
            "either body or body_base64 or json",
        ),
        ({"operation": "*", "fault": {"status": 200, "body_base64": "%"}}, "fault.body_base64"),
        ({"operation": "*", "fault": {"status": 99}}, "fault.status"),
        ({"operation": "*", "fault": {"gateway_error": "gw.Nonsense"}}, "no such gateway error"),
        ({"operation": "*", "fault": {"explode": True}}, "fault.explode"),
        ({"operation": "product.nothing", "fault": {"hang": True}}, "no API is called"),
        ({"operation": "*", "times": 0, "fault": {"hang": True}}, "times"),
        ({"fault": {"hang": True}}, "operation"),
        (["hang"], "object"),
    ],
)
async def test_invalid_faults(client, body, complaint):
    response = await client.http.post("/admin/faults", json=body)
    assert response.status_code == 400
    assert complaint in response.json()["error"]


async def test_body_is_not_json(client):
    response = await client.http.post(
        "/admin/faults", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert "JSON" in response.json()["error"]

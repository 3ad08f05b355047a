"""The audit log: callers, outcomes and ids, without personal data."""

import json

import grpc
import pytest

from services.server import add_audit_ids
from services.server.telemetry.logging_config import configure_logging
from tests.server.callers import CALLER, forwarded, return_identity, rule
from tests.server.shop_server import Line, running_shop


async def test_writes_are_audited_with_ids_and_without_personal_data(policy, logged):
    policy(rule([CALLER], ["shop.v1.Shop/Buy", "shop.v1.Shop/Ask"]))
    order = Line(
        sku="shirt", order_id="o-1", buyer_ids=[4711], lines=[Line(order_id=f"o-{n}") for n in (2, 3)]
    )
    async with running_shop(
        {"Buy": return_identity, "Ask": return_identity}, policy_file=policy.path, trusted_proxies="loopback"
    ) as shop:
        await shop.client.Ask(order, metadata=forwarded(f"URI={CALLER}"))
        await shop.client.Buy(order, metadata=forwarded(f"URI={CALLER}"))
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.client.Buy(order, metadata=forwarded("URI=spiffe://stranger"))
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.client.Buy(Line(sku="too long a name"), metadata=forwarded(f"URI={CALLER}"))
    audited = [
        {key: line[key] for key in ("caller", "method", "decision", "outcome", "ids")}
        for line in logged("audit")
    ]
    buy = {"method": "shop.v1.Shop/Buy"}
    assert audited == [
        buy
        | {
            "caller": CALLER,
            "decision": "allowed",
            "outcome": "OK",
            "ids": {"order_id": ["o-1", "o-2", "o-3"]},
        },
        buy | {"caller": "spiffe://stranger", "decision": "denied", "outcome": "CALLER_FORBIDDEN", "ids": {}},
        buy | {"caller": CALLER, "decision": "allowed", "outcome": "INVALID_REQUEST", "ids": {}},
    ]
    assert "4711" not in str(logged())
    assert "shirt" not in str(logged())


async def test_the_reads_of_an_operator_are_audited_with_what_was_read(policy, logged):
    operator = "spiffe://shop/ns/operations/sa/desk"
    policy(rule([CALLER], ["shop.v1.Shop/*"]), rule([operator], ["shop.v1.Shop/*"]) | {"role": "operator"})

    async def read(_request, _deadline):
        add_audit_ids("owner", [CALLER, CALLER])
        return Line(sku="secret").SerializeToString()

    async with running_shop(
        {"Ask": read, "Buy": return_identity}, policy_file=policy.path, trusted_proxies="loopback"
    ) as shop:
        for identity in (CALLER, operator):
            for rpc in (shop.client.Ask, shop.client.Buy):
                await rpc(
                    Line(sku="shirt", order_id="o-1", buyer_ids=[4711]),
                    metadata=forwarded(f"URI={identity}"),
                )
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.client.Ask(Line(sku="too long a name"), metadata=forwarded(f"URI={operator}"))
    audited = [
        (line["caller"], line.get("role"), line["method"], line["outcome"], line["ids"])
        for line in logged("audit")
    ]
    assert audited == [
        (CALLER, None, "shop.v1.Shop/Buy", "OK", {"order_id": ["o-1"]}),
        (operator, "operator", "shop.v1.Shop/Ask", "OK", {"order_id": ["o-1"], "owner": [CALLER]}),
        (operator, "operator", "shop.v1.Shop/Buy", "OK", {"order_id": ["o-1"]}),
        (operator, "operator", "shop.v1.Shop/Ask", "INVALID_REQUEST", {}),
    ]
    assert not {"4711", "shirt", "secret"} & {*str(logged()).split("'")}


async def test_a_stream_is_audited_once_with_a_limited_number_of_ids(logged):
    async def take(requests, _deadline):
        return Line(sku=str(len([request async for request in requests]))).SerializeToString()

    lines = [Line(order_id=f"{number}" + "x" * 500) for number in range(300)]
    async with running_shop({"Collect": take}) as shop:
        assert (await shop.client.Collect(iter(lines))).sku == "300"
    (line,) = logged("audit")
    assert len(line["ids"]["order_id"]) == 100
    assert all(len(order_id) == 128 for order_id in line["ids"]["order_id"])


async def test_the_audit_log_ignores_the_log_level(capsysbinary):
    configure_logging("test", "error")
    async with running_shop({"Buy": return_identity}) as shop:
        await shop.client.Buy(Line(order_id="o-1"))
    (line,) = map(json.loads, capsysbinary.readouterr().out.splitlines())
    assert (line["event"], line["level"], line["ids"]) == ("audit", "info", {"order_id": ["o-1"]})

"""The generated service configs make a channel retry reads only, and every package has them."""

import asyncio
import importlib.resources
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from nationalsite.account import v1 as account_v1
from nationalsite.ordersync import v1 as ordersync_v1
from nationalsite.product import v1 as product_v1

from services.server.reason_rules import REASON_RULES
from tools.generation.service_configs import SERVICES, WRITERS
from tools.generation.sources import GEN_DIR

LOADED = (account_v1, ordersync_v1, product_v1)
CONFIGS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in (GEN_DIR / "service_configs").iterdir()
}
METHODS = [
    (name, method)
    for name, full_name in SERVICES.items()
    for method in descriptor_pool.Default().FindServiceByName(full_name).methods
]
PRODUCT = SERVICES["product"]
NAME_BY_TYPESCRIPT_NAME = {"account": "account", "orderSync": "order_sync", "product": "product"}


class RejectingHandler(grpc.GenericRpcHandler):
    """Rejects every call, and counts the calls by method."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.status = grpc.StatusCode.UNAVAILABLE
        self.pushback_ms = "1"

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if not call.method.startswith(f"/{PRODUCT}/"):
            return None

        async def reject(_: bytes, context: grpc.aio.ServicerContext) -> bytes:
            self.calls[call.method.rpartition("/")[2]] += 1
            await context.abort(self.status, "no", (("grpc-retry-pushback-ms", self.pushback_ms),))
            raise AssertionError("abort does not return")

        return grpc.unary_unary_rpc_method_handler(reject)


@pytest.fixture
async def rejecting_server() -> AsyncIterator[tuple[RejectingHandler, grpc.aio.Channel]]:
    handler = RejectingHandler()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    options = [("grpc.service_config", json.dumps(CONFIGS["product"]))]
    async with grpc.aio.insecure_channel(f"dns:///127.0.0.1:{port}", options=options) as channel:
        yield handler, channel
    await server.stop(None)


async def call_and_get_status(channel: grpc.aio.Channel, method: str) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as rejected:
        await asyncio.wait_for(channel.unary_unary(f"/{PRODUCT}/{method}")(b"", timeout=10), 15)
    return rejected.value.code()


@pytest.mark.parametrize("status", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
@pytest.mark.parametrize(("method", "attempts"), [("SearchByKeyword", 3), ("UploadImage", 1)])
async def test_only_reads_are_retried(
    rejecting_server: tuple[RejectingHandler, grpc.aio.Channel], status: str, method: str, attempts: int
) -> None:
    handler, channel = rejecting_server
    handler.status = grpc.StatusCode[status]
    assert await call_and_get_status(channel, method) is handler.status
    assert handler.calls == {method: attempts}


async def test_pushback_of_minus_one_ends_retries(
    rejecting_server: tuple[RejectingHandler, grpc.aio.Channel],
) -> None:
    handler, channel = rejecting_server
    handler.status, handler.pushback_ms = grpc.StatusCode.RESOURCE_EXHAUSTED, "-1"
    await call_and_get_status(channel, "GetCategory")
    assert handler.calls == {"GetCategory": 1}


def test_every_retryable_reason_has_a_pushback() -> None:
    policies = [
        policy["retryPolicy"] for config in CONFIGS.values() for policy in config.get("methodConfig", ())
    ]
    retryable = {code for policy in policies for code in policy["retryableStatusCodes"]}
    pushbacks = {
        reason: rule.pushback_ms for reason, rule in REASON_RULES.items() if rule.status.name in retryable
    }
    assert {"UPSTREAM_QUOTA", "DRAINING"} <= pushbacks.keys()
    assert None not in pushbacks.values()


@pytest.mark.parametrize(("name", "method"), METHODS, ids=lambda value: getattr(value, "name", value))
def test_idempotency_level_decides_about_retries(name: str, method: Any) -> None:
    retried = [entry for policy in CONFIGS[name].get("methodConfig", ()) for entry in policy["name"]]
    read = method.GetOptions().idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    assert ({"service": SERVICES[name], "method": method.name} in retried) is read


def test_every_channel_balances_and_checks_health() -> None:
    for name, full_name in SERVICES.items():
        assert CONFIGS[name]["loadBalancingConfig"] == [{"round_robin": {}}]
        assert CONFIGS[name]["healthCheckConfig"] == {"serviceName": full_name}


def test_every_package_has_the_service_configs() -> None:
    for directory in WRITERS:
        copies = {path.stem: json.loads(path.read_text()) for path in directory.glob("*.json")}
        assert copies == CONFIGS or directory == GEN_DIR / "ts" / "service_configs"
    text = (GEN_DIR / "ts" / "service_configs" / "index.js").read_text()
    values = dict(re.findall(r"export const (\w+) =\n  (.*);", text))
    assert {
        NAME_BY_TYPESCRIPT_NAME[name]: json.loads(json.loads(value)) for name, value in values.items()
    } == CONFIGS


def test_python_package_has_the_service_configs() -> None:
    product = importlib.resources.files("nationalsite_client.service_configs") / "product.json"
    assert json.loads(product.read_text()) == CONFIGS["product"]

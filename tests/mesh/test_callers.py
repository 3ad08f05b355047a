"""Who calls: known by certificate, told to the services by Envoy, ruled by both."""

import json
import os
import socket
import ssl

import grpc
import pytest
from nationalsite.account.v1 import AccountServiceStub
from nationalsite.ordersync import v1 as orders
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.product import v1 as product
from nationalsite.product.v1 import ProductServiceStub

from tests.mesh.asking import SEARCH, TIMEOUT_S, buyer
from tests.mesh.envoy import without_rbac, without_upstream_tls
from tests.mesh.running import CALLERS
from tests.support.status_details import parse_status_details

pytestmark = pytest.mark.mesh

WEB = CALLERS["product"]
STRANGER = "spiffe://cluster.local/ns/other/sa/stranger"
POLICY = {
    "rules": [{"callers": [WEB], "methods": ["nationalsite.product.v1.ProductService/SearchByKeyword"]}]
}
FORGED = (("x-forwarded-client-cert", f"By=spiffe://us;URI={WEB}"),)


@pytest.mark.parametrize("replicas_have_tls", [True, False], ids=["mtls", "plain"])
def test_the_services_own_policy_rules_behind_envoy(mesh, tmp_path, replicas_have_tls):
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    fleet = mesh.fleet(
        "product",
        mesh.sandbox(),
        1,
        tls=replicas_have_tls,
        NATIONALSITE_POLICY_FILE=str(tmp_path / "policy.json"),
    )
    mesh.start_envoy(without_rbac, *([] if replicas_have_tls else [without_upstream_tls]))
    allowed = ProductServiceStub(mesh.channel(WEB))
    category = product.GetCategoryRequest(category_id=0)
    allowed.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    assert refused(allowed.GetCategory, category) == ("PERMISSION_DENIED", "CALLER_FORBIDDEN")

    nameless = mesh.channel("", mesh.authority.issue(dns=""))
    for channel, told in (
        (mesh.channel(STRANGER), ("PERMISSION_DENIED", "CALLER_FORBIDDEN")),
        (nameless, ("UNAUTHENTICATED", "CALLER_UNKNOWN")),
    ):
        for metadata in ((), FORGED):
            assert refused(ProductServiceStub(channel).SearchByKeyword, SEARCH, metadata) == told

    (running,) = fleet.members.values()

    def callers() -> list[str]:
        lines = [json.loads(line) for line in running.log.read_text().splitlines()]
        return [line.get("caller", "") for line in lines if line["event"] == "call"]

    mesh.envoy.until(lambda: callers() == [WEB, WEB, STRANGER, STRANGER, "", ""])


def test_envoy_lets_each_caller_call_its_service_only(mesh):
    mesh.start_envoy()
    for name, identity in (*CALLERS.items(), ("", STRANGER)):
        channel = mesh.channel(identity)
        for service, rpc, request in (
            ("product", ProductServiceStub(channel).SearchByKeyword, SEARCH),
            (
                "order-sync",
                OrderSyncServiceStub(channel).ListSubscriptions,
                orders.ListSubscriptionsRequest(),
            ),
            ("account", AccountServiceStub(channel).RegisterUser, buyer(1)),
        ):
            with pytest.raises(grpc.RpcError) as failure:
                rpc(request, timeout=TIMEOUT_S, metadata=FORGED)
            let_through = failure.value.code() is grpc.StatusCode.UNAVAILABLE  # there is no replica
            assert let_through == (service == name)
            assert let_through or failure.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_nobody_calls_without_a_certificate(mesh):
    mesh.start_envoy()
    credentials = mesh.authority.channel_credentials()
    with grpc.secure_channel(mesh.envoy.address("grpc"), credentials) as channel:
        with pytest.raises(grpc.RpcError) as failure:
            ProductServiceStub(channel).SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    assert mesh.envoy.stat("http.grpc.downstream_rq_total") == 0


def test_a_renewed_certificate_is_taken_up(mesh):
    mesh.start_envoy()
    host, port = mesh.envoy.address("grpc").split(":")
    caller = mesh.authority.issue(WEB).write(mesh.folder)
    context = ssl.create_default_context(cadata=mesh.authority.cert.decode())
    context.load_cert_chain(caller["tls_cert_file"], caller["tls_key_file"])

    def serial() -> int:
        with (
            socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            return int(connection.getpeercert()["serialNumber"], 16)

    assert serial() != 1688
    renewed = mesh.authority.issue("spiffe://cluster.local/ns/ingress/sa/envoy", serial=1688)
    for name, content in (("tls.key", renewed.key), ("tls.crt", renewed.cert)):
        (mesh.folder / "fresh").write_bytes(content)
        os.replace(mesh.folder / "fresh", mesh.folder / name)
    mesh.envoy.until(lambda: serial() == 1688)


def refused(rpc, request, metadata=()):
    with pytest.raises(grpc.RpcError) as failure:
        rpc(request, timeout=TIMEOUT_S, metadata=metadata)
    reason = parse_status_details(failure.value)["ErrorInfo"].reason.removeprefix("ERROR_REASON_")
    return failure.value.code().name, reason

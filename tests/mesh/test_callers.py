"""Caller identity: by certificate, forwarded by Envoy, checked by Envoy and the services."""

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

from tests.mesh.environment import CALLERS
from tests.mesh.envoy import forward_dns_names, remove_rbac, remove_upstream_tls
from tests.mesh.requests import SEARCH, TIMEOUT_S, registration
from tests.support.log_lines import wait_for_lines
from tests.support.status_details import parse_status_details

pytestmark = pytest.mark.mesh

WEB = CALLERS["product"]
STRANGER = "spiffe://cluster.local/ns/other/sa/stranger"
POLICY = {
    "rules": [{"callers": [WEB], "methods": ["nationalsite.product.v1.ProductService/SearchByKeyword"]}]
}
FORGED = (("x-forwarded-client-cert", f"By=spiffe://us;URI={WEB}"),)


@pytest.mark.parametrize("replicas_have_tls", [True, False], ids=["mtls", "plain"])
def test_the_policy_of_the_services_applies_behind_envoy(mesh, tmp_path, replicas_have_tls):
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    fleet = mesh.start_fleet(
        "product",
        mesh.start_sandbox(),
        1,
        tls=replicas_have_tls,
        NATIONALSITE_POLICY_FILE=str(tmp_path / "policy.json"),
    )
    mesh.start_envoy(remove_rbac, *([] if replicas_have_tls else [remove_upstream_tls]))
    allowed = ProductServiceStub(mesh.channel(WEB))
    category = product.GetCategoryRequest(category_id=0)
    allowed.SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    assert failure_of(allowed.GetCategory, category) == ("PERMISSION_DENIED", "CALLER_FORBIDDEN")

    anonymous = mesh.channel("", mesh.authority.issue(dns=""))
    for channel, expected in (
        (mesh.channel(STRANGER), ("PERMISSION_DENIED", "CALLER_FORBIDDEN")),
        (anonymous, ("UNAUTHENTICATED", "CALLER_UNKNOWN")),
    ):
        for metadata in ((), FORGED):
            assert failure_of(ProductServiceStub(channel).SearchByKeyword, SEARCH, metadata) == expected

    (running,) = fleet.members.values()
    callers = [line.get("caller", "") for line in wait_for_lines(running, 6, event="call")]
    assert callers == [WEB, WEB, STRANGER, STRANGER, "", ""]


def test_a_name_that_reads_like_another_identity_is_refused(mesh, tmp_path):
    """Envoy does not quote the names of a certificate."""
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    mesh.start_fleet(
        "product", mesh.start_sandbox(), 1, NATIONALSITE_POLICY_FILE=str(tmp_path / "policy.json")
    )
    mesh.start_envoy(remove_rbac, forward_dns_names)
    ProductServiceStub(mesh.channel(WEB)).SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
    for certificate in (
        mesh.authority.issue(STRANGER, WEB),
        mesh.authority.issue(f"{STRANGER},URI={WEB}"),
        mesh.authority.issue(f"{STRANGER};URI={WEB}"),
        mesh.authority.issue(STRANGER, dns=f"x,URI={WEB}"),
        mesh.authority.issue(STRANGER, dns=f"x;URI={WEB}"),
        mesh.authority.issue(dns=f"x;URI={WEB}"),
        mesh.authority.issue(dns=f"x,By=spiffe://us;URI={WEB}"),
        mesh.authority.issue(dns=WEB),
        mesh.authority.issue(dns="", emails=[WEB]),
    ):
        search = ProductServiceStub(mesh.channel("", certificate)).SearchByKeyword
        assert failure_of(search, SEARCH) == ("UNAUTHENTICATED", "CALLER_UNKNOWN")


def test_envoy_allows_each_caller_only_its_service(mesh):
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
            ("account", AccountServiceStub(channel).RegisterUser, registration(1)),
        ):
            with pytest.raises(grpc.RpcError) as failure:
                rpc(request, timeout=TIMEOUT_S, metadata=FORGED)
            is_allowed = failure.value.code() is grpc.StatusCode.UNAVAILABLE  # there is no replica
            assert is_allowed == (service == name)
            assert is_allowed or failure.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_calls_without_a_certificate_are_rejected(mesh):
    mesh.start_envoy()
    credentials = mesh.authority.channel_credentials()
    with grpc.secure_channel(mesh.envoy.address("grpc"), credentials) as channel:
        with pytest.raises(grpc.RpcError) as failure:
            ProductServiceStub(channel).SearchByKeyword(SEARCH, timeout=TIMEOUT_S)
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    assert mesh.envoy.stat("http.grpc.downstream_rq_total") == 0


def test_a_renewed_certificate_is_loaded(mesh):
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
    mesh.envoy.wait_until(lambda: serial() == 1688)


def failure_of(rpc, request, metadata=()):
    with pytest.raises(grpc.RpcError) as failure:
        rpc(request, timeout=TIMEOUT_S, metadata=metadata)
    reason = parse_status_details(failure.value)["ErrorInfo"].reason.removeprefix("ERROR_REASON_")
    return failure.value.code().name, reason

"""Envoy and Istio have the same policies, and what they repeat is what the protos call a read."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from nationalsite.account import v1 as account_v1
from nationalsite.ordersync import v1 as ordersync_v1
from nationalsite.product import v1 as product_v1

from tests.mesh.envoy import clusters, configuration, connections, routes
from tests.mesh.running import CALLERS
from tools.local_stack import PORTS, ROOT

pytestmark = pytest.mark.mesh

SERVICES: dict[str, ServiceDescriptor] = {
    "product": product_v1.PRODUCT_SERVICE,
    "order-sync": ordersync_v1.ORDER_SYNC_SERVICE,
    "account": account_v1.ACCOUNT_SERVICE,
}
GRPC = {name: PORTS[name.replace("-", "_")][0] for name in SERVICES}
HTTP = {name: PORTS[name.replace("-", "_")][1] for name in SERVICES}
CALLBACK = 8052
NOT_ANSWERED = {"connect-failure", "refused-stream", "reset"}
"""Reasons to repeat that hold only while no replica has answered."""
EACH = pytest.mark.parametrize("name", SERVICES)


def path(method: Any) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def reads(name: str) -> set[str]:
    """What may be repeated before a service: the reads of product. Order sync and account are left alone."""
    return {
        path(method)
        for method in SERVICES[name].methods
        if name == "product" and method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    }


def istio(name: str, kind: str, folder: str = "") -> dict[str, Any]:
    folder = folder or f"services/{name}/istio"
    text = (ROOT / "deploy" / folder / f"{kind}.yaml").read_text()
    spec: dict[str, Any] = yaml.safe_load(text)["spec"]
    return spec


def route_of(called: str) -> dict[str, Any]:
    """The first of Envoy's routes that fits."""
    for route in routes(configuration()):
        match = route["match"]
        if called == match.get("path") or called.startswith(match.get("prefix", "\n")):
            return route["route"]
    raise AssertionError(f"no route for {called}")


@EACH
def test_envoy_repeats_reads_that_nobody_answered(name):
    repeated = set()
    for method in SERVICES[name].methods:
        route = route_of(path(method))
        assert route["cluster"] == name
        assert route["timeout"] == "0s"  # Envoy's own default would be 15 s
        if policy := route.get("retry_policy"):
            repeated.add(path(method))
            assert set(policy["retry_on"].split(",")) == NOT_ANSWERED
        lasts = route["max_stream_duration"]["max_stream_duration"] == "0s"
        assert lasts == method.server_streaming
    assert repeated == reads(name)


@EACH
def test_istio_repeats_the_same(name):
    repeated, lasting = set(), set()
    *special, rest = istio(name, "virtual-service")["http"]
    for route in (*special, rest):
        (destination,) = route["route"]
        host = f"{name}.nationalsite.svc.cluster.local"
        assert destination == {"destination": {"host": host, "port": {"number": GRPC[name]}}}
        paths = {match["uri"]["exact"] for match in route["match"]} if route is not rest else set()
        assert all(match["port"] == GRPC[name] for match in route["match"])
        if route["timeout"] == "0s":
            lasting |= paths
        if route["retries"]["attempts"]:
            repeated |= paths
            assert set(route["retries"]["retryOn"].split(",")) == NOT_ANSWERED
            policy = route_of(next(iter(paths)))["retry_policy"]
            assert route["retries"]["attempts"] == policy["num_retries"]
        elif route["timeout"] != "0s":
            assert (
                route["timeout"]
                == route_of(path(SERVICES["account"].methods[0]))["max_stream_duration"][
                    "max_stream_duration"
                ]
            )
    assert rest["match"] == [{"port": GRPC[name]}]
    assert rest["retries"] == {"attempts": 0}
    assert repeated == reads(name)
    assert lasting == {path(method) for method in SERVICES[name].methods if method.server_streaming}


@EACH
def test_both_let_the_same_callers_in(name):
    rules = connections(configuration())["http_filters"][0]["typed_config"]["rules"]
    prefix = f"/{SERVICES[name].full_name}/"
    policy = rules["policies"][name]
    assert rules["action"] == "ALLOW"
    assert policy["permissions"] == [{"url_path": {"path": {"prefix": prefix}}}]
    callers = {each["authenticated"]["principal_name"]["exact"] for each in policy["principals"]}

    own, *others = istio(name, "authorization-policy")["rules"]
    assert {f"spiffe://{one}" for each in own["from"] for one in each["source"]["principals"]} == callers
    assert callers == {CALLERS[name]}
    operation = {"ports": [str(GRPC[name])], "methods": ["POST"], "paths": [f"{prefix}*"]}
    assert own["to"] == [{"operation": operation}]
    # What needs no certificate is what may come without one, and no more than those ports are for.
    open_ports = dict(_open(others))
    levels = istio(name, "peer-authentication")
    assert levels["mtls"] == {"mode": "STRICT"}
    assert levels["portLevelMtls"].keys() == open_ports.keys()
    expected = {str(HTTP[name]): ("GET", ["/metrics", "/livez", "/readyz"])}
    if name == "order-sync":
        expected[str(CALLBACK)] = ("POST", ["/callbacks/1688"])
    assert open_ports == expected


def _open(rules: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    for rule in rules:
        assert rule.keys() == {"to"}
        for to in rule["to"]:
            (port,), (method,) = to["operation"]["ports"], to["operation"]["methods"]
            yield port, (method, to["operation"]["paths"])


@EACH
def test_both_bound_and_eject_alike(name):
    cluster = clusters(configuration())[name]
    rule = istio(name, "destination-rule", "components/istio")["trafficPolicy"]
    (threshold,) = cluster["circuit_breakers"]["thresholds"]
    outliers = cluster["outlier_detection"]
    pool = rule["connectionPool"]
    assert rule["loadBalancer"]["simple"] == cluster["lb_policy"]
    assert pool["tcp"] == {
        "maxConnections": threshold["max_connections"],
        "connectTimeout": cluster["connect_timeout"],
    }
    assert pool["http"] == {
        "http1MaxPendingRequests": threshold["max_pending_requests"],
        "http2MaxRequests": threshold["max_requests"],
        "maxRetries": threshold["max_retries"],
    }
    assert rule["outlierDetection"] == {
        "consecutive5xxErrors": outliers["consecutive_5xx"],
        "consecutiveGatewayErrors": outliers["enforcing_consecutive_gateway_failure"],
        "interval": outliers["interval"],
        "baseEjectionTime": outliers["base_ejection_time"],
        "maxEjectionPercent": outliers["max_ejection_percent"],
        "minHealthPercent": cluster["common_lb_config"]["healthy_panic_threshold"]["value"],
    }


@EACH
def test_envoy_knows_each_service_by_name_port_and_certificate(name):
    cluster = clusters(configuration())[name]
    (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"] == {
        "address": f"{name}-headless.nationalsite.svc.cluster.local",
        "port_value": GRPC[name],
    }
    (check,) = cluster["health_checks"]
    assert check["grpc_health_check"] == {"service_name": SERVICES[name].full_name}
    # It is looked at as often while nobody calls: Envoy's own default would be once a minute.
    assert check["no_traffic_interval"] == check["interval"] == "1s"
    validation = cluster["transport_socket"]["typed_config"]["common_tls_context"]
    (expected,) = validation["combined_validation_context"]["default_validation_context"][
        "match_typed_subject_alt_names"
    ]
    assert expected["matcher"] == {"exact": f"spiffe://cluster.local/ns/nationalsite/sa/{name}"}

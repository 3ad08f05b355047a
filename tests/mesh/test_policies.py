"""Envoy and Istio have the same policies; they retry only what the protos declare read-only."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from nationalsite.account import v1 as account_v1
from nationalsite.ordersync import v1 as ordersync_v1
from nationalsite.product import v1 as product_v1

from tests.mesh.environment import CALLERS
from tests.mesh.envoy import clusters, connection_manager, deployed_config, routes
from tools.local_stack import PORTS, ROOT

pytestmark = pytest.mark.mesh

SERVICES: dict[str, ServiceDescriptor] = {
    "product": product_v1.PRODUCT_SERVICE,
    "order-sync": ordersync_v1.ORDER_SYNC_SERVICE,
    "account": account_v1.ACCOUNT_SERVICE,
}
GRPC_PORTS = {name: PORTS[name.replace("-", "_")][0] for name in SERVICES}
HTTP_PORTS = {name: PORTS[name.replace("-", "_")][1] for name in SERVICES}
CALLBACK_PORT = 8052
SAFE_RETRY_REASONS = {"connect-failure", "refused-stream", "reset"}
"""Retry conditions that apply only if no replica has responded."""
EACH_SERVICE = pytest.mark.parametrize("name", SERVICES)


def path(method: Any) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def reads(name: str) -> set[str]:
    """Return the methods that a proxy may retry: the reads of product, none of order sync and account."""
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
    """Return the first route of Envoy that matches."""
    for route in routes(deployed_config()):
        match = route["match"]
        if called == match.get("path") or called.startswith(match.get("prefix", "\n")):
            return route["route"]
    raise AssertionError(f"no route for {called}")


@EACH_SERVICE
def test_envoy_retries_reads_without_a_response(name):
    retried = set()
    for method in SERVICES[name].methods:
        route = route_of(path(method))
        assert route["cluster"] == name
        assert route["timeout"] == "0s"  # Envoy's default is 15 s
        if policy := route.get("retry_policy"):
            retried.add(path(method))
            assert set(policy["retry_on"].split(",")) == SAFE_RETRY_REASONS
        is_unlimited = route["max_stream_duration"]["max_stream_duration"] == "0s"
        assert is_unlimited == method.server_streaming
    assert retried == reads(name)


@EACH_SERVICE
def test_istio_retries_the_same_methods(name):
    retried, unlimited = set(), set()
    *special, rest = istio(name, "virtual-service")["http"]
    for route in (*special, rest):
        (destination,) = route["route"]
        host = f"{name}.nationalsite.svc.cluster.local"
        assert destination == {"destination": {"host": host, "port": {"number": GRPC_PORTS[name]}}}
        paths = {match["uri"]["exact"] for match in route["match"]} if route is not rest else set()
        assert all(match["port"] == GRPC_PORTS[name] for match in route["match"])
        if route["timeout"] == "0s":
            unlimited |= paths
        if route["retries"]["attempts"]:
            retried |= paths
            assert set(route["retries"]["retryOn"].split(",")) == SAFE_RETRY_REASONS
            policy = route_of(next(iter(paths)))["retry_policy"]
            assert route["retries"]["attempts"] == policy["num_retries"]
        elif route["timeout"] != "0s":
            assert (
                route["timeout"]
                == route_of(path(SERVICES["account"].methods[0]))["max_stream_duration"][
                    "max_stream_duration"
                ]
            )
    assert rest["match"] == [{"port": GRPC_PORTS[name]}]
    assert rest["retries"] == {"attempts": 0}
    assert retried == reads(name)
    assert unlimited == {path(method) for method in SERVICES[name].methods if method.server_streaming}


@EACH_SERVICE
def test_envoy_and_istio_allow_the_same_callers(name):
    rules = connection_manager(deployed_config())["http_filters"][0]["typed_config"]["rules"]
    prefix = f"/{SERVICES[name].full_name}/"
    policy = rules["policies"][name]
    assert rules["action"] == "ALLOW"
    assert policy["permissions"] == [{"url_path": {"path": {"prefix": prefix}}}]
    callers = {principal["authenticated"]["principal_name"]["exact"] for principal in policy["principals"]}

    caller_rule, *open_rules = istio(name, "authorization-policy")["rules"]
    assert {
        f"spiffe://{principal}"
        for source in caller_rule["from"]
        for principal in source["source"]["principals"]
    } == callers
    assert callers == {CALLERS[name]}
    operation = {"ports": [str(GRPC_PORTS[name])], "methods": ["POST"], "paths": [f"{prefix}*"]}
    assert caller_rule["to"] == [{"operation": operation}]
    # Ports without mTLS accept only the requests that they are for.
    open_ports = dict(_open_ports(open_rules))
    levels = istio(name, "peer-authentication")
    assert levels["mtls"] == {"mode": "STRICT"}
    assert levels["portLevelMtls"].keys() == open_ports.keys()
    expected = {str(HTTP_PORTS[name]): ("GET", ["/metrics", "/livez", "/readyz"])}
    if name == "order-sync":
        expected[str(CALLBACK_PORT)] = ("POST", ["/callbacks/1688"])
    assert open_ports == expected


def _open_ports(rules: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    for rule in rules:
        assert rule.keys() == {"to"}
        for to in rule["to"]:
            (port,), (method,) = to["operation"]["ports"], to["operation"]["methods"]
            yield port, (method, to["operation"]["paths"])


@EACH_SERVICE
def test_envoy_and_istio_have_the_same_limits_and_ejections(name):
    cluster = clusters(deployed_config())[name]
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


@EACH_SERVICE
def test_clusters_of_envoy_match_the_services(name):
    cluster = clusters(deployed_config())[name]
    (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"] == {
        "address": f"{name}-headless.nationalsite.svc.cluster.local",
        "port_value": GRPC_PORTS[name],
    }
    (check,) = cluster["health_checks"]
    assert check["grpc_health_check"] == {"service_name": SERVICES[name].full_name}
    # The interval without traffic is the same: Envoy's default is a minute.
    assert check["no_traffic_interval"] == check["interval"] == "1s"
    validation = cluster["transport_socket"]["typed_config"]["common_tls_context"]
    (expected,) = validation["combined_validation_context"]["default_validation_context"][
        "match_typed_subject_alt_names"
    ]
    assert expected["matcher"] == {"exact": f"spiffe://cluster.local/ns/nationalsite/sa/{name}"}

"""Services that reach 1688 only through a forward proxy, which runs as a process of its own."""

import json
from pathlib import Path

import grpc
import pytest

from tests.e2e.conftest import StartDedicated
from tests.e2e.fault_table import REFRESHING_TOKEN
from tests.support.certificates import CertificateAuthority
from tests.support.forward_proxy import forward_proxy_process
from tests.support.polling import wait_until
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details

pytestmark = pytest.mark.slow

HOST = "gateway.test"
SEARCH = {"keyword": "dress", "page_size": 1}
PASSWORD = "hush-password"


def test_calls_pass_an_egress_proxy(
    start_dedicated: StartDedicated, sandbox: SandboxClient, tmp_path: Path
) -> None:
    """The gateway's name has no address here, and its certificate is of an authority of the network."""
    authority = CertificateAuthority()
    files = authority.issue(dns=HOST).write(tmp_path)
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority.cert)
    with forward_proxy_process(
        host=f"{HOST}:443",
        plain=sandbox.url.removeprefix("http://"),
        cert=files["tls_cert_file"],
        key=files["tls_key_file"],
        credentials=f"shop:{PASSWORD}",
    ) as (port, process):
        settings = REFRESHING_TOKEN | {
            "NATIONALSITE_GATEWAY_URL": f"https://{HOST}",
            "NATIONALSITE_GATEWAY_CA_FILE": str(ca_file),
            "HTTPS_PROXY": f"http://shop:{PASSWORD}@127.0.0.1:{port}",
            "NO_PROXY": ".svc,.cluster.local,10.0.0.0/8",
        }
        service, client = start_dedicated("product", settings=settings)
        assert client.call("SearchByKeyword", "national-site", SEARCH)["offers"]
        parts = {part for call in sandbox.calls() for part in call["path"].split("/")}
        assert {"system.oauth2", "product.search.keywordQuery"} <= {*parts}
        process.kill()
        process.wait()
        with pytest.raises(grpc.RpcError) as caught:
            client.call("SearchByKeyword", "national-site", SEARCH, timeout=6)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    reason = parse_status_details(caught.value)["ErrorInfo"].reason
    assert reason == "ERROR_REASON_UPSTREAM_UNAVAILABLE"
    wait_until(lambda: "connect_failure" in service.log.read_text())
    log = service.log.read_text()
    (started,) = (line for line in map(json.loads, log.splitlines()) if line["event"] == "proxy_in_use")
    assert (started["variable"], started["proxy"]) == ("HTTPS_PROXY", f"127.0.0.1:{port}")
    assert '"connect_failure":"proxy_unreachable"' in log
    assert "hush" not in log + str(caught.value)

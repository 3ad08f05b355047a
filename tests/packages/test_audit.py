"""`make audit` against recorded answers of the vulnerability databases, from a local HTTP server."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools.audit import ROOT, CouldNotLook, ask_osv

pytestmark = pytest.mark.packages

QUICK = ("python", "typescript", "go")
"""Java's audit first makes a bill of materials."""
GRPC_VULNERABILITY = {
    "schema_version": "1.3.1",
    "id": "GO-2099-0001",
    "modified": "2099-01-01T00:00:00Z",
    "published": "2099-01-01T00:00:00Z",
    "summary": "Dialing is vulnerable",
    "details": "Dialing is vulnerable.",
    "affected": [
        {
            "package": {"name": "google.golang.org/grpc", "ecosystem": "Go"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "99.0.0"}]}],
            "ecosystem_specific": {"imports": [{"path": "google.golang.org/grpc", "symbols": ["NewClient"]}]},
        }
    ],
}
"""As in Go's database: every version of grpc has a vulnerable function, which the client library calls."""
YARGS_ADVISORY = {
    "id": 1,
    "url": "https://github.com/advisories/GHSA-1",
    "title": "Arguments are vulnerable",
    "severity": "high",
    "vulnerable_versions": ">=0",
    "cwe": [],
    "cvss": {"score": 7.5, "vectorString": None},
}
PIP_VULNERABILITY = {
    "id": "GHSA-2",
    "details": "Forms are vulnerable.",
    "aliases": ["CVE-2099-1"],
    "affected": [
        {
            "package": {"name": "aiohttp", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


class Databases(ThreadingHTTPServer):
    """Answers like OSV, npm's registry and Go's vulnerability database."""

    def __init__(self) -> None:
        self.is_vulnerable = True
        super().__init__(("127.0.0.1", 0), Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Databases

    def do_GET(self) -> None:
        entry = GRPC_VULNERABILITY
        versions = [{"id": entry["id"], "modified": entry["modified"], "fixed": "99.0.0"}]
        modules = [{"path": "google.golang.org/grpc", "vulns": versions}] if self.server.is_vulnerable else []
        files = {
            "/index/db": {"modified": entry["modified"]},
            "/index/modules": modules,
            f"/ID/{entry['id']}": entry,
        }
        name = self.path.removesuffix(".gz").removesuffix(".json")
        self.answer(files.get(name), status=200 if name in files else 404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        vulnerable = self.server.is_vulnerable
        if self.path == "/v1/query":
            asked = json.loads(body)["package"]["name"]
            self.answer({"vulns": [PIP_VULNERABILITY]} if vulnerable and asked == "aiohttp" else {})
        elif self.path == "/v1/querybatch":
            purls = [query["package"]["purl"] for query in json.loads(body)["queries"]]
            hits = [vulnerable and purl.startswith("pkg:maven/com.google.guava/guava@") for purl in purls]
            self.answer({"results": [{"vulns": [{"id": "GHSA-3"}]} if hit else {} for hit in hits]})
        else:
            self.answer({"yargs": [YARGS_ADVISORY]} if vulnerable else {})

    def answer(self, content: object, status: int = 200) -> None:
        text = json.dumps(content).encode()
        if self.path.endswith(".gz"):
            text = gzip.compress(text)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def databases() -> Iterator[Databases]:
    with Databases() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def audit(url: str, *ecosystems: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "tools.audit",
        f"--osv={url}",
        f"--npm={url}",
        f"--go={url}",
        *ecosystems,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)  # noqa: S603 # our own tool


def test_vulnerabilities_are_found(databases: Databases) -> None:
    finished = audit(databases.url)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert ": CVE-2099-1, fixed in 99.0" in finished.stdout
    assert "https://github.com/advisories/GHSA-1 (Arguments are vulnerable)" in finished.stdout
    assert "clients/go: GO-2099-0001, fixed in v99.0.0" in finished.stdout
    assert "pkg:maven/com.google.guava/guava@" in finished.stdout
    assert "could not look" not in finished.stdout


def test_nothing_is_known(databases: Databases) -> None:
    databases.is_vulnerable = False
    finished = audit(databases.url, *QUICK)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.count("no known vulnerabilities") == len(QUICK)
    assert ask_osv(databases.url, ["pkg:maven/com.google.guava/guava@1"]) == [{}]


def test_a_database_that_cannot_be_asked_is_not_an_empty_one(databases: Databases) -> None:
    databases.shutdown()
    databases.server_close()
    finished = audit(databases.url, *QUICK)
    assert finished.returncode == 3, finished.stdout + finished.stderr
    for ecosystem in QUICK:
        assert f"audit: could not look up {ecosystem}: " in finished.stdout
    assert "no known vulnerabilities" not in finished.stdout
    with pytest.raises(CouldNotLook, match="Connection refused"):
        ask_osv(databases.url, ["pkg:maven/com.google.guava/guava@1"])

"""The fast upstream: nginx with one worker, which returns a file for each operation."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import free_port, program_process
from tools.local_stack import SANDBOX_APP

# nginx rejects a POST to a static file with 405; error_page returns the file instead.
_CONFIGURATION = """
daemon off;
master_process off;
pid {root}/pid;
error_log {root}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_max_body_size 16m;
  client_body_buffer_size 8m;
  client_body_temp_path {root}/body;
  proxy_temp_path {root}/proxy;
  fastcgi_temp_path {root}/fastcgi;
  uwsgi_temp_path {root}/uwsgi;
  scgi_temp_path {root}/scgi;
  default_type "application/json;charset=UTF-8";
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {root}/responses;
    error_page 405 =200 $uri;
  }}
}}
"""


class NginxUpstream:
    """A gateway of 1688 that returns files."""

    def __init__(self, url: str, responses: Path) -> None:
        self.url = url
        self._replies = responses

    def set_response(self, operation: str, response: bytes) -> None:
        """Set the response of an operation, `namespace/name`."""
        self.set_response_at(self.path(operation), response)

    def set_response_at(self, path: str, response: bytes) -> None:
        """Set the response of a path."""
        file = self._replies / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".tmp")
        temporary.write_bytes(response)
        temporary.replace(file)

    @staticmethod
    def path(operation: str) -> str:
        """Return the URL path of an operation."""
        return f"/openapi/param2/1/{operation}/{SANDBOX_APP['NATIONALSITE_APP_KEY']}"


@contextmanager
def nginx() -> Iterator[NginxUpstream]:
    """Run nginx on loopback, in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="nginx-") as directory:
        root, port = Path(directory), free_port()
        (root / "responses").mkdir()
        (root / "nginx.conf").write_text(_CONFIGURATION.format(root=root, port=port))
        command = ["nginx", "-p", directory, "-e", root / "error.log", "-c", root / "nginx.conf"]
        with program_process(command, "bench-nginx", port) as server:
            yield NginxUpstream(f"http://{server.address}", root / "responses")

"""The fast upstream: nginx from Debian, one worker, that answers each operation with a file."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import free_port, program
from tools.local_stack import SANDBOX_APP

# A static file takes no POST: the refusal is made the answer.
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_max_body_size 16m;
  client_body_buffer_size 8m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type "application/json;charset=UTF-8";
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {folder}/replies;
    error_page 405 =200 $uri;
  }}
}}
"""


class Upstream:
    """A gateway that answers from files."""

    def __init__(self, url: str, replies: Path) -> None:
        self.url = url
        self._replies = replies

    def answer(self, operation: str, reply: bytes) -> None:
        """Answer calls of `namespace/name` with this from now on."""
        self.answer_at(self.path(operation), reply)

    def answer_at(self, path: str, reply: bytes) -> None:
        """Answer what is posted to a path."""
        file = self._replies / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".fresh")
        fresh.write_bytes(reply)
        fresh.replace(file)

    @staticmethod
    def path(operation: str) -> str:
        """Return the path that an operation is called by."""
        return f"/openapi/param2/1/{operation}/{SANDBOX_APP['NATIONALSITE_APP_KEY']}"


@contextmanager
def nginx() -> Iterator[Upstream]:
    """Run it, unprivileged on loopback, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="nginx-") as directory:
        folder, port = Path(directory), free_port()
        (folder / "replies").mkdir()
        (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder, port=port))
        command = ["nginx", "-p", directory, "-e", folder / "error.log", "-c", folder / "nginx.conf"]
        with program(command, "bench-nginx", port) as running:
            yield Upstream(f"http://{running.address}", folder / "replies")

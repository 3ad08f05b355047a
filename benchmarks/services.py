"""Starts the services that are measured, with default settings, and builds calls to them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nationalsite.product import v1 as protos

from benchmarks.load_client import Check, Target
from benchmarks.processes import START_TIMEOUT_S, stop
from tools.local_stack import LOG_DIR, ROOT, SANDBOX_APP

CHECKOUT = Path(os.environ.get("BENCH_CHECKOUT", ROOT))
"""The checkout whose services are measured. Another one than this needs `make setup` first."""
PYTHON = CHECKOUT / ".venv" / "bin" / "python" if CHECKOUT != ROOT else Path(sys.executable)

PRODUCT = protos.PRODUCT_SERVICE.full_name
SEARCH = f"/{PRODUCT}/SearchByKeyword"
DETAIL = f"/{PRODUCT}/GetProductDetail"
CATEGORY = f"/{PRODUCT}/GetCategory"
UPLOAD = f"/{PRODUCT}/UploadImage"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """A running service."""

    pid: int
    address: str
    """host:port."""
    callback: str
    """host:port for 1688's messages; empty if the service takes none."""


@contextmanager
def run_service(
    name: str,
    gateway_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    program: Sequence[str] = (),
    log: str = "",
    python: Path = PYTHON,
) -> Iterator[RunningService]:
    """Run a service in the open-platform dialect, with an empty store unless the settings name another.

    `program`: arguments of the interpreter that run the service in place of its own module.
    """
    path = LOG_DIR / f"{log or f'bench-{name}'}.log"
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    for file in LOG_DIR.glob(f"{path.stem}.db*"):
        file.unlink()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NATIONALSITE_")}
    environment = inherited | {
        **SANDBOX_APP,
        "PYTHONPATH": "gen/python",
        "PYTHONUNBUFFERED": "1",
        "NATIONALSITE_DIALECT": "open-platform",
        "NATIONALSITE_GATEWAY_URL": gateway_url,
        "NATIONALSITE_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_HTTP_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_CALLBACK_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_DATABASE_URL": f"sqlite+aiosqlite:///{path.with_suffix('.db')}",
        **(settings or {}),
    }
    with path.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 # our own modules
            [python, *(program or ("-m", f"services.{name}"))],
            cwd=CHECKOUT,
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        yield _wait_until_serving(process, path)
    finally:
        stop(process)


def search_target(service: RunningService, offers: int, *, country: str = "") -> Target:
    """Return a search; the upstream returns that many offers. The national-site dialect needs a country."""

    def is_expected(response: bytes) -> bool:
        elements = protos.SearchByKeywordResponse.FromString(response).offers
        return len(elements) == offers and all(element.HasField("price_info") for element in elements)

    return _target(service, SEARCH, search_request(offers, country), is_expected)


def search_request(offers: int, country: str = "") -> bytes:
    """Return the request of a search, encoded."""
    language = "" if country else "en"
    request = protos.SearchByKeywordRequest(
        keyword="dress", page_size=offers, language=language, country=country
    )
    return request.SerializeToString()


def detail_target(service: RunningService, skus: int) -> Target:
    """Return a read of an offer; the upstream returns that many SKUs."""
    request = protos.GetProductDetailRequest(offer_id=620201390233, language="en", currency="USD")

    def is_expected(response: bytes) -> bool:
        elements = protos.GetProductDetailResponse.FromString(response).product.product_sku_infos
        return len(elements) == skus and all(element.HasField("price") for element in elements)

    return _target(service, DETAIL, request.SerializeToString(), is_expected)


def category_target(service: RunningService) -> Target:
    """Return a read of a category."""

    def is_expected(response: bytes) -> bool:
        return protos.GetCategoryResponse.FromString(response).HasField("category")

    request = protos.GetCategoryRequest(category_id=1031910)
    return _target(service, CATEGORY, request.SerializeToString(), is_expected)


def upload_target(service: RunningService, image: bytes) -> Target:
    """Return an upload of an image."""

    def is_expected(response: bytes) -> bool:
        return protos.UploadImageResponse.FromString(response).image_id != ""

    return _target(service, UPLOAD, protos.UploadImageRequest(image=image).SerializeToString(), is_expected)


def _target(service: RunningService, method: str, request: bytes, is_expected: Check) -> Target:
    return Target(
        pid=service.pid, address=service.address, method=method, request=request, is_expected=is_expected
    )


def _wait_until_serving(process: "subprocess.Popen[bytes]", log: Path) -> RunningService:
    """Wait for the log event `serving`. Polls often, because its CPU time is read directly afterwards."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        lines = log.read_text().splitlines()
        events = {line["event"]: line for line in map(json.loads, filter(_is_complete, lines))}
        if serving := events.get("serving"):
            callback = events.get("callback_listening", {}).get("listen", "")
            return RunningService(pid=process.pid, address=serving["listen"], callback=callback)
        time.sleep(0.01)
    raise RuntimeError(f"the service did not start; the end of its log:\n{log.read_text()[-2000:]}")


def _is_complete(line: str) -> bool:
    return line.startswith("{") and line.endswith("}")

"""The services as they are measured: as in production, which is what their defaults are."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nationalsite.product import v1 as protos

from benchmarks.calling import Check, Target
from benchmarks.processes import START_S, stop
from tools.local_stack import LOG_DIR, ROOT, SANDBOX_APP

CHECKOUT = Path(os.environ.get("BENCH_CHECKOUT", ROOT))
"""Where the services come from: another checkout, to be compared with this one, has to be set up."""
PYTHON = CHECKOUT / ".venv" / "bin" / "python" if CHECKOUT != ROOT else Path(sys.executable)

PRODUCT = protos.PRODUCT_SERVICE.full_name
SEARCH = f"/{PRODUCT}/SearchByKeyword"
DETAIL = f"/{PRODUCT}/GetProductDetail"
CATEGORY = f"/{PRODUCT}/GetCategory"
UPLOAD = f"/{PRODUCT}/UploadImage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service that serves."""

    pid: int
    address: str
    """host:port."""
    callback: str
    """host:port where 1688's messages go; empty where none are taken."""


@contextmanager
def service(
    name: str, gateway_url: str, settings: Mapping[str, str] | None = None, *, log: str = ""
) -> Iterator[Service]:
    """Run one in the open-platform dialect, with an empty store unless the settings name another."""
    path = LOG_DIR / f"{log or f'bench-{name}'}.log"
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    for file in LOG_DIR.glob(f"{path.stem}.db*"):
        file.unlink()
    own = {name: value for name, value in os.environ.items() if not name.startswith("NATIONALSITE_")}
    environment = own | {
        **SANDBOX_APP,
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
            [PYTHON, "-m", f"services.{name}"], cwd=CHECKOUT, env=environment, stdout=out, stderr=out
        )
    try:
        yield _served(process, path)
    finally:
        stop(process)


def searching(running: Service, offers: int) -> Target:
    """Return the search of a product service whose upstream answers with that many offers."""

    def right(answer: bytes) -> bool:
        found = protos.SearchByKeywordResponse.FromString(answer).offers
        return len(found) == offers and all(one.HasField("price_info") for one in found)

    return _target(running, SEARCH, search_request(offers), right)


def search_request(offers: int) -> bytes:
    """Return the request of a search."""
    request = protos.SearchByKeywordRequest(keyword="dress", page_size=offers, language="en")
    return request.SerializeToString()


def reading(running: Service, skus: int) -> Target:
    """Return the reading of an offer whose upstream answers with that many SKUs."""
    request = protos.GetProductDetailRequest(offer_id=620201390233, language="en", currency="USD")

    def right(answer: bytes) -> bool:
        found = protos.GetProductDetailResponse.FromString(answer).product.product_sku_infos
        return len(found) == skus and all(one.HasField("price") for one in found)

    return _target(running, DETAIL, request.SerializeToString(), right)


def categories(running: Service) -> Target:
    """Return the reading of a category."""

    def right(answer: bytes) -> bool:
        return len(protos.GetCategoryResponse.FromString(answer).categories) == 1

    request = protos.GetCategoryRequest(category_id=1031910)
    return _target(running, CATEGORY, request.SerializeToString(), right)


def uploading(running: Service, picture: bytes) -> Target:
    """Return the upload of a picture."""

    def right(answer: bytes) -> bool:
        return protos.UploadImageResponse.FromString(answer).image_id != ""

    return _target(running, UPLOAD, protos.UploadImageRequest(image=picture).SerializeToString(), right)


def _target(running: Service, method: str, request: bytes, right: Check) -> Target:
    return Target(pid=running.pid, address=running.address, method=method, request=request, right=right)


def _served(process: "subprocess.Popen[bytes]", log: Path) -> Service:
    """Wait until a service says that it serves; its log is looked at often, since its CPU is read then."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        lines = log.read_text().splitlines()
        told = {line["event"]: line for line in map(json.loads, filter(_is_whole, lines))}
        if serving := told.get("serving"):
            callback = told.get("callback_listening", {}).get("listen", "")
            return Service(pid=process.pid, address=serving["listen"], callback=callback)
        time.sleep(0.01)
    raise RuntimeError(f"the service did not start; its log ends so:\n{log.read_text()[-2000:]}")


def _is_whole(line: str) -> bool:
    return line.startswith("{") and line.endswith("}")

"""The sandbox as a process, a client that signs calls, and a receiver of pushes."""

import asyncio
import hashlib
import hmac
import json
import os
import select
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from aiohttp import web

CROSS_BORDER = "com.alibaba.fenxiao.crossborder"
TOKEN = "test-access-token"
REFRESH_TOKEN = "test-refresh-token"
SAMPLES = Path(__file__).parents[1] / "samples"


class Client:
    """Calls a sandbox. It has its own implementation of the signature, to verify that of the sandbox."""

    def __init__(self, http):
        self.http = http

    def signed(self, path, parameters):
        joined = "".join(sorted(name + value for name, value in parameters.items()))
        digest = hmac.new(b"test-app-secret", (path + joined).encode(), hashlib.sha1).hexdigest()
        return parameters | {"_aop_signature": digest.upper()}

    async def call(self, name, *, namespace=CROSS_BORDER, token=TOKEN, **parameters):
        """Send a signed call. Arguments that are not text are sent as JSON text."""
        path = f"param2/1/{namespace}/{name}/1000000"
        texts = {
            key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in parameters.items()
        }
        if token:
            texts["access_token"] = token
        return await self.http.post(f"/openapi/{path}", data=self.signed(path, texts))

    async def keyword(self, keyword, **more):
        """Search by keyword on the open platform, and return the inner result."""
        param = {"keyword": keyword, "beginPage": 1, "pageSize": 20, "country": "en"} | more
        response = await self.call("product.search.keywordQuery", offerQueryParam=param)
        return response.json()["result"]["result"]

    async def detail(self, offer_id, **more):
        """Query a product detail on the open platform, and return the inner result."""
        param = {"offerId": offer_id, "country": "en"} | more
        response = await self.call("product.search.queryProductDetail", offerDetailParam=param)
        return response.json()["result"]["result"]

    async def current_time(self):
        return await self.call("currentTime", namespace="system", token=None)

    async def refresh(self, refresh_token=REFRESH_TOKEN, **more):
        form = {
            "grant_type": "refresh_token",
            "client_id": "1000000",
            "client_secret": "test-app-secret",
            "refresh_token": refresh_token,
        }
        return await self.http.post("/openapi/http/1/system.oauth2/getToken/1000000", data=form | more)

    async def fault(self, operation, times=1, **fault):
        body = {"operation": operation, "times": times, "fault": fault}
        response = await self.http.post("/admin/faults", json=body)
        assert response.status_code == 201, response.text

    async def put(self, what, **body):
        response = await self.http.put(f"/admin/{what}", json=body)
        assert response.status_code == 204, response.text

    async def trade(self, name, **parameters):
        """Call an operation of the trade namespace, and return the whole body."""
        return (await self.call(f"alibaba.{name}", namespace="com.alibaba.trade", **parameters)).json()

    async def create_order(self, *transitions, **body):
        """Create an order, make some transitions, and return it as the admin API shows it."""
        response = await self.http.post("/admin/orders", json=body)
        assert response.status_code == 201, response.text
        order = response.json()
        for transition in transitions:
            order = await self.transition("orders", order["order_id"], transition)
        return order

    async def replay(self, name, **parameters):
        """Call a replay operation, which needs no token, and return the whole body."""
        response = await self.call(f"push.{name}", namespace="cn.alibaba.open", token=None, **parameters)
        return response.json()

    async def create_messages(self, topic, **body):
        """Create messages, and return their ids."""
        response = await self.http.post("/admin/messages", json={"topic": topic} | body)
        assert response.status_code == 201, response.text
        return response.json()["message_ids"]

    async def messages(self, **query):
        return (await self.http.get("/admin/messages", params=query)).json()["messages"]

    async def wait_for_pushes(self, **counts):
        """Wait until the push counts have these values, and return all counts."""
        async with asyncio.timeout(5):
            while True:
                push_counts = await self.admin("push")
                if {name: push_counts[name] for name in counts} == counts:
                    return push_counts
                await asyncio.sleep(0.005)

    async def transition(self, what, number, transition, **body):
        """Make a transition of an order, a refund or a logistics order."""
        response = await self.http.post(f"/admin/{what}/{number}/{transition}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    async def admin(self, path):
        return (await self.http.get(f"/admin/{path}")).json()

    async def state(self):
        return (await self.http.get("/admin/state")).json()

    async def calls(self, **query):
        return (await self.http.get("/admin/calls", params=query)).json()["calls"]


def start(listen):
    """Start a sandbox process. The caller reads its first line."""
    return subprocess.Popen(
        [sys.executable, "-m", "services.sandbox"],
        env=os.environ | {"NATIONALSITE_SANDBOX_LISTEN": listen},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="session")
def start_sandbox():
    return start


@pytest.fixture(scope="session")
def sandbox_url():
    with start("127.0.0.1:0") as process:
        try:
            assert select.select([process.stdout], [], [], 10)[0], "the sandbox did not start"
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            assert process.wait(10) == 0, process.stderr.read()
        assert process.stderr.read() == ""


@pytest.fixture
async def client(sandbox_url):
    # An own context avoids that each client loads all certificate authorities.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=10, verify=tls) as http:
        await http.post("/admin/reset")
        yield Client(http)


class Receiver:
    """Receives pushes as a client of 1688 does, with its own implementation of the signature."""

    def __init__(self):
        self.pushes = []
        self.responses = []
        """Statuses of the next responses. All others are 200."""
        self.hold = None
        """An Event that responses wait for."""
        self._changed = asyncio.Condition()

    async def take(self, request):
        form = await request.post()
        parameters = {**request.query, **form}
        signature = parameters.pop("_aop_signature", "")
        joined = "".join(sorted(name + value for name, value in parameters.items()))
        right = hmac.new(b"test-app-secret", joined.encode(), hashlib.sha1).hexdigest().upper()
        push = {
            "message": json.loads(form["message"]),
            "valid": signature == right,
            "signature": signature,
            "query": dict(request.query),
            "form": dict(form),
            "content_type": request.headers["Content-Type"],
        }
        async with self._changed:
            self.pushes.append(push)
            self._changed.notify_all()
        status = self.responses.pop(0) if self.responses else 200
        if self.hold:
            await self.hold.wait()
        return web.Response(status=status, text="SUCCESS")

    async def messages(self, number):
        """Wait for this number of messages, and return them by their ids: pushes can arrive in any order."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: len(self.pushes) >= number)
        return sorted((push["message"] for push in self.pushes[:number]), key=lambda each: each["msgId"])


@pytest.fixture
async def receiver(client):
    """A receiver of the pushes of the sandbox, which retries immediately."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/callback", receiver.take)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.stop = site.stop
    await client.put("push", callback_url=f"http://127.0.0.1:{port}/callback", retry_interval_ms=1)
    yield receiver
    if receiver.hold:
        receiver.hold.set()
    await runner.cleanup()


@pytest.fixture
def sample():
    """Read a recorded reply."""

    def read(name, kind="responses"):
        return json.loads((SAMPLES / kind / f"{name}.json").read_text())

    return read


def _walk_types(value, path=""):
    """(path, JSON type) of everything in a JSON value."""
    yield path, type(value).__name__
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _walk_types(member, f"{path}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from _walk_types(member, f"{path}[]")


def _collect_types(values):
    types = {}
    for value in values:
        for path, kind in _walk_types(value):
            types.setdefault(path, set()).add(kind)
    return types


@pytest.fixture
def assert_like():
    """Assert that responses together have exactly the members of a sample, of the same JSON types or null."""

    def check(responses, recorded):
        actual, recorded_types = _collect_types(responses), _collect_types([recorded])
        # What is inside a list that the sample shows empty cannot be compared.
        inside = {
            f"{path}[]" for path, kinds in recorded_types.items() if kinds == {"list"}
        } - recorded_types.keys()
        actual = {path: kinds for path, kinds in actual.items() if path not in inside}
        assert actual.keys() == recorded_types.keys()
        for path, kinds in recorded_types.items():
            assert kinds == {"NoneType"} or actual[path] - {"NoneType"} == kinds - {"NoneType"}, path

    return check

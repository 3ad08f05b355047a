import asyncio
import signal

import httpx
import pytest

from services.sandbox.app import create_app
from services.sandbox.settings import Settings, read_settings

LISTEN = "NATIONALSITE_SANDBOX_LISTEN"
CALLBACK_URL = "NATIONALSITE_SANDBOX_CALLBACK_URL"


def test_default_address():
    assert read_settings({}) == Settings(host="127.0.0.1", port=8168)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("127.0.0.1:0", Settings(host="127.0.0.1", port=0)),
        ("[::1]:9000", Settings(host="::1", port=9000)),
        ("localhost:9000", Settings(host="localhost", port=9000)),
    ],
)
def test_address(text, settings):
    assert read_settings({LISTEN: text}) == settings
    assert settings.is_local


def test_callback():
    url = "http://127.0.0.1:8052/callbacks/1688"
    assert read_settings({CALLBACK_URL: url}).callback_url == url


@pytest.mark.parametrize(
    "text", ["127.0.0.1:8052", "ftp://127.0.0.1/", "http://", "http://[::1", "http://h:99999"]
)
def test_invalid_callback(text):
    with pytest.raises(ValueError, match=CALLBACK_URL):
        read_settings({CALLBACK_URL: text})


def test_host_names():
    settings = read_settings({"NATIONALSITE_SANDBOX_HOSTS": "sandbox, sandbox.shop.svc"})
    assert settings.hosts == {"sandbox", "sandbox.shop.svc"}


@pytest.mark.parametrize("text", ["sandbox:8168", "http://sandbox", "*", "a b"])
def test_invalid_host_names(text):
    with pytest.raises(ValueError, match="NATIONALSITE_SANDBOX_HOSTS"):
        read_settings({"NATIONALSITE_SANDBOX_HOSTS": text})


async def test_page_and_admin_api_under_a_further_name():
    transport = httpx.ASGITransport(create_app(hosts=["Sandbox"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox:8168") as http:
        assert (await http.get("/")).status_code == 200
        assert (await http.get("/admin/orders")).status_code == 200
        assert (await http.get("http://other:8168/")).status_code == 421


def test_address_reachable_from_other_machines():
    assert not Settings(host="0.0.0.0", port=1).is_local  # noqa: S104 - it is not bound


@pytest.mark.parametrize("text", ["8168", ":8168", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_invalid_address(text):
    with pytest.raises(ValueError, match=LISTEN):
        read_settings({LISTEN: text})


def test_process_reports_an_invalid_address_in_one_line(start_sandbox):
    with start_sandbox("nowhere") as process:
        out, error = process.communicate(timeout=10)
    assert (process.returncode, out, error.count("\n")) == (2, "", 1)


def test_process_reports_a_used_port_in_one_line(start_sandbox, sandbox_url):
    with start_sandbox(sandbox_url.removeprefix("http://")) as process:
        out, error = process.communicate(timeout=10)
    assert (process.returncode, out, error.count("\n")) == (2, "", 1)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_the_process(start_sandbox, number):
    with start_sandbox("127.0.0.1:0") as process:
        assert process.stdout.readline().startswith("sandbox listening on http://127.0.0.1:")
        process.send_signal(number)
        out, error = process.communicate(timeout=10)
    assert (process.returncode, out, error) == (0, "", "")


@pytest.mark.slow
async def test_hanging_call_does_not_delay_the_shutdown(start_sandbox):
    with start_sandbox("127.0.0.1:0") as process:
        url = process.stdout.readline().split()[-1]
        async with httpx.AsyncClient(base_url=url) as http:
            await http.post("/admin/faults", json={"operation": "*", "fault": {"hang": True}})
            call = asyncio.create_task(http.get("/openapi/param2/1/system/currentTime/1000000"))
            async with asyncio.timeout(5):
                while (await http.get("/admin/state")).json()["in_flight"] == 0:  # noqa: ASYNC110 - the event is in another process
                    await asyncio.sleep(0)
            process.terminate()
            with pytest.raises(httpx.RemoteProtocolError):
                await call
        out, error = process.communicate(timeout=10)
    assert (process.returncode, out, error) == (0, "", "")

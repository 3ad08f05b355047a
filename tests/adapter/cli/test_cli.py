"""The operator's command as a process, against the sandbox."""

import io
import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog

from services.adapter.cli import main
from tests.support.sample_cases import UPSTREAM_METHODS
from tools.local_stack import ROOT, SANDBOX_APP, RunningProcess, start_sandbox, stop

SECRET, TOKEN = "test-app-secret", "test-access-token"
REFRESH_TOKEN = "test-refresh-token"
REDIRECT = "https://shop.example/back?a=1"
SEARCH = {"keyword": "靴子", "country": "japan", "begin_page": 1, "page_size": 10}
TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Operator:
    """Someone with a shell, whose settings lead to the sandbox."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._url = url
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        for name in [name for name in os.environ if name.startswith("NATIONALSITE_")]:
            monkeypatch.delenv(name)
        self.set({**SANDBOX_APP, "NATIONALSITE_GATEWAY_URL": url, "NATIONALSITE_DIALECT": "open-platform"})

    def set(self, settings: Mapping[str, str]) -> None:
        for name, value in settings.items():
            self._monkeypatch.setenv(name, value)

    def run(self, *arguments: str) -> Ran:
        """Run the command; whatever it prints holds no secret."""
        try:
            code = main(arguments)
        except SystemExit as left:
            code = int(str(left.code))
        printed = self._capsys.readouterr()
        for secret in (SECRET, TOKEN, REFRESH_TOKEN, "00000000-0000-4000-8000"):
            assert secret not in printed.out + printed.err
        return Ran(code=code, out=printed.out, err=printed.err)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}/admin/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self.admin("GET", "calls")["calls"]
        return calls


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningProcess]:
    running = start_sandbox(log="command-sandbox")
    yield running
    assert stop(running) == 0


@pytest.fixture
def operator(
    sandbox: RunningProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    """With a fixed token; the sandbox is as at its start."""
    found = Operator(sandbox.address, capsys, monkeypatch)
    found.admin("POST", "reset")
    logs = structlog.get_config()
    yield found
    structlog.configure(**logs)


def verdicts(ran: Ran) -> dict[str, str]:
    return {each["rpc"]: each["verdict"] for each in ran.json["permissions"]}


def without_tokens(operator: Operator) -> None:
    operator.set({"NATIONALSITE_ACCESS_TOKEN": ""})


def test_authorize_prints_the_page() -> None:
    """As a process of its own, as an operator starts it."""
    settings = {
        "NATIONALSITE_GATEWAY_URL": "http://127.0.0.1:9",
        "NATIONALSITE_APP_KEY": "1000000",
        "NATIONALSITE_APP_SECRET": SECRET,
    }
    ran = subprocess.run(  # noqa: S603 # our own module
        [sys.executable, "-m", "services.adapter", "authorize", "--redirect-uri", REDIRECT, "--state", "s&1"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    url = urlsplit(ran.stdout.strip())
    assert (url.scheme, url.netloc, url.path) == ("https", "auth.1688.com", "/oauth/authorize")
    assert parse_qs(url.query) == {
        "client_id": ["1000000"],
        "site": ["1688"],
        "redirect_uri": [REDIRECT],
        "state": ["s&1"],
    }
    assert not ran.stderr


@pytest.mark.parametrize("by", ["setting", "option"])
def test_a_code_is_exchanged_for_a_file_that_check_can_use(
    operator: Operator, tmp_path: Path, by: str
) -> None:
    without_tokens(operator)
    file = tmp_path / "refresh-token"
    where = ["--refresh-token-file", str(file)]
    if by == "setting":
        file.write_text("an old one\n")
        file.chmod(0o644)
        operator.set({"NATIONALSITE_REFRESH_TOKEN_FILE": str(file)})
        where = []
    code = operator.admin("POST", "codes")["code"]
    ran = operator.run("authorize", "--redirect-uri", REDIRECT, "--code", code, *where)
    assert (ran.code, ran.out) == (0, f"refresh token written to {file}\n")
    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{REFRESH_TOKEN}\n", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == [file.name]

    operator.set({"NATIONALSITE_REFRESH_TOKEN_FILE": str(file)})
    ran = operator.run("check", "--json")
    assert ran.code == 0
    token = ran.json["token"]
    assert (token["source"], token["accepted"]) == ("from a refresh token", True)
    assert token["refresh_token_days_left"] in (179, 180)


def test_a_wrong_code_does_not_change_the_file(operator: Operator, tmp_path: Path) -> None:
    without_tokens(operator)
    file = tmp_path / "refresh-token"
    file.write_text("old\n")
    ran = operator.run(
        "authorize", "--redirect-uri", REDIRECT, "--code", "wrong-code", "--refresh-token-file", str(file)
    )
    assert (ran.code, ran.out) == (1, "")
    assert "invalid_grant" in ran.err
    assert "wrong-code" not in ran.err
    assert file.read_text() == "old\n"


@pytest.mark.parametrize("where", [[], ["--refresh-token-file", "/unreachable_redis_client/refresh-token"]])
def test_a_code_is_not_used_where_the_file_cannot_be_written(operator: Operator, where: list[str]) -> None:
    operator.admin("DELETE", "calls")
    code = operator.admin("POST", "codes")["code"]
    ran = operator.run("authorize", "--redirect-uri", REDIRECT, "--code", code, *where)
    assert ran.code == 2
    assert "NATIONALSITE_REFRESH_TOKEN_FILE" in ran.err
    assert operator.calls() == []


@pytest.mark.parametrize("dialect", ["open-platform", "national-site"])
def test_all_checks_pass(operator: Operator, dialect: str) -> None:
    operator.set({"NATIONALSITE_DIALECT": dialect})
    operator.admin("PUT", "clock", {"offset_ms": -90_000, "timestamp_window_ms": None})
    operator.admin("DELETE", "calls")
    before = operator.admin("GET", "state")
    ran = operator.run("check", "--writes", "--json")
    # The sandbox knows these two by their arguments alone, and denies them to a call that has none.
    denied = {"SyncOrderStatus", "SyncLogisticsStatus"} if dialect == "national-site" else set()
    assert (ran.code, ran.json["ok"]) == ((1, False) if denied else (0, True))
    assert ran.json["gateway"]["reachable"]
    assert 89_000 < ran.json["gateway"]["clock_skew_ms"] < 91_000
    assert ran.json["token"]["source"] == "static"
    assert ran.json["token"]["accepted"] is True
    found = verdicts(ran)
    # Their requests may be empty: nothing holds the gateway from letting them run.
    never = {"TakeMessages", "ConfirmMessages"}
    assert {rpc: found[rpc] for rpc in never} == dict.fromkeys(never, "skipped")
    assert {rpc for rpc, verdict in found.items() if verdict == "declined"} == denied
    assert {found[rpc] for rpc in found.keys() - never - denied} == {"permitted"}
    assert found.keys() <= UPSTREAM_METHODS.keys()
    assert len(found) > 15

    after = operator.admin("GET", "state")
    held = ("uploaded_images", "accounts", "orders", "refunds", "vouchers", "messages", "synced")
    assert {name: before[name] for name in held} == {name: after[name] for name in held}
    system = {"access_token", "_aop_signature"}
    assert all(call["parameters"].keys() <= system and not call["files"] for call in operator.calls())


def test_only_reads_are_probed_by_default(operator: Operator) -> None:
    operator.admin("DELETE", "calls")
    ran = operator.run("check")
    assert ran.code == 0
    assert "all checks passed" in ran.out
    assert "accepted by 1688" in ran.out
    row = next(line for line in ran.out.splitlines() if line.startswith("CreateRefund "))
    assert "skipped" in row
    names = {call["path"].split("/")[-2] for call in operator.calls()}
    assert names == {
        "currentTime",
        "product.search.keywordQuery",
        "product.search.queryProductDetail",
        "alibaba.category.get",
        "alibaba.trade.payWay.query",
        "alibaba.trade.getRefundReasonList",
        "push.query.messageList",
    }


def test_declined_operations_are_reported(operator: Operator) -> None:
    declined = ["product.search.keywordQuery", "alibaba.trade.createRefund", "push.query.messageList"]
    operator.admin("PUT", "limits", {"declined": declined})
    ran = operator.run("check", "--writes", "--json")
    assert ran.code == 1
    found = verdicts(ran)
    assert {rpc for rpc, verdict in found.items() if verdict == "declined"} == {
        "SearchByKeyword",
        "CreateRefund",
        "QueryMessages",
    }
    assert found["GetProductDetail"] == "permitted"
    detail = next(each["detail"] for each in ran.json["permissions"] if each["rpc"] == "CreateRefund")
    assert "gw.APIACLDecline" in detail


def test_an_operation_that_fails_is_unknown(operator: Operator) -> None:
    fault = {"operation": "alibaba.trade.createRefund", "times": 1, "fault": {"status": 503}}
    operator.admin("POST", "faults", fault)
    ran = operator.run("check", "--writes", "--json")
    assert ran.code == 1
    assert {rpc for rpc, verdict in verdicts(ran).items() if verdict == "unknown"} == {"CreateRefund"}


def test_a_wrong_secret(operator: Operator) -> None:
    operator.set({"NATIONALSITE_APP_SECRET": "not-the-secret"})
    ran = operator.run("check", "--json")
    assert ran.code == 1
    assert ran.json["gateway"]["reachable"]
    assert "app secret" in ran.json["gateway"]["problem"]
    assert set(verdicts(ran).values()) == {"skipped"}
    assert "not-the-secret" not in ran.out


def test_an_unreachable_gateway(operator: Operator) -> None:
    operator.set({"NATIONALSITE_GATEWAY_URL": "http://127.0.0.1:9"})
    ran = operator.run("check")
    assert ran.code == 1
    assert "not reachable; 1688 cannot be reached" in ran.out
    assert "not used" in ran.out
    assert "some checks failed" in ran.out


def test_an_expired_access_token(operator: Operator) -> None:
    operator.set({"NATIONALSITE_ACCESS_TOKEN": "another-access-token"})
    ran = operator.run("check", "--json")
    assert ran.code == 1
    assert ran.json["token"]["accepted"] is False
    assert verdicts(ran)["SearchByKeyword"] == "unknown"
    assert verdicts(ran)["GetCategory"] == "permitted"
    assert "another-access-token" not in ran.out


def test_an_expired_refresh_token(operator: Operator) -> None:
    without_tokens(operator)
    operator.set({"NATIONALSITE_REFRESH_TOKEN": "an-expired-refresh-token"})
    ran = operator.run("check", "--json")
    assert ran.code == 1
    assert ran.json["token"]["accepted"] is False
    assert "rejects the refresh token" in ran.json["token"]["problem"]
    assert verdicts(ran)["SearchByKeyword"] == "skipped"
    assert verdicts(ran)["GetCategory"] == "permitted"
    assert "an-expired-refresh-token" not in ran.out + ran.err


def test_without_a_token_the_check_cannot_start(operator: Operator) -> None:
    without_tokens(operator)
    ran = operator.run("check")
    assert (ran.code, ran.out) == (2, "")
    assert "NATIONALSITE_ACCESS_TOKEN" in ran.err


def test_the_sandbox_accepts_the_signature(operator: Operator) -> None:
    request = {"offer_id": "not a number"}
    assert operator.run("sign", "GetProductDetail", json.dumps(request)).code == 1

    operator.admin("DELETE", "calls")
    ran = operator.run("sign", "--json", "SearchByKeyword", json.dumps({**SEARCH, "language": "ja"}))
    assert operator.calls() == []
    (call,) = ran.json
    parameters = call["parameters"]
    assert parameters["offerQueryParam"]["keyword"] == SEARCH["keyword"]
    assert parameters["access_token"] == "***"

    # The same call sent as it was shown: the sandbox computes string and signature for itself.
    path, _, joined = call["string_to_sign"].partition("access_token***")
    body = {
        "access_token": TOKEN,
        "offerQueryParam": joined.removeprefix("offerQueryParam"),
        "_aop_signature": call["signature"],
    }
    assert call["url"].endswith(path)
    send = urllib.request.Request(
        call["url"], urllib.parse.urlencode(body).encode(), {"Content-Type": call["headers"]["content-type"]}
    )
    with urllib.request.urlopen(send, timeout=TIMEOUT_S) as answer:
        assert answer.status == 200
    (received,) = operator.calls()
    assert received["signature_valid"]
    assert received["string_to_sign"].replace(TOKEN, "***") == call["string_to_sign"]
    assert len(urllib.parse.urlencode(body)) == int(call["headers"]["content-length"])


def test_a_batch_is_shown_as_several_calls(operator: Operator) -> None:
    ids = ("national_order_id", "national_sub_order_id", "cbu_order_id", "cbu_order_entry_id")
    relation = dict.fromkeys(ids, "1")
    ran = operator.run("sign", "WriteOrderRelations", json.dumps({"relations": [relation, relation]}))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("string to sign") == 2


def test_a_file_is_not_signed(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"image": "/9j/4A=="})))
    ran = operator.run("sign", "UploadRefundVoucher", "--json", "-")
    (call,) = ran.json
    assert call["sent_in"] == "query"
    assert call["headers"]["content-type"].startswith("multipart/form-data")
    assert call["files"] == {"imageData": "4 bytes"}
    assert call["string_to_sign"].endswith("/1000000access_token***")


def test_without_an_access_token_there_is_no_signature(operator: Operator) -> None:
    without_tokens(operator)
    operator.set({"NATIONALSITE_REFRESH_TOKEN": REFRESH_TOKEN})
    ran = operator.run("sign", "ListPayWays", '{"cbu_order_id": "123"}')
    assert ran.code == 0
    assert "none: it includes the access token" in ran.out
    assert "_aop_signature" not in ran.out


@pytest.mark.parametrize(
    ("rpc", "request_json", "told"),
    [
        ("NoSuchRpc", "{}", "no such operation"),
        ("GetFilterConfig", "{}", "no such operation"),  # which the open platform lacks
        ("CreateRefund", "{}", "cbu_order_id"),
        ("CreateRefund", '{"no_such_field": 1}', "no_such_field"),
        ("CreateRefund", "no json", "request"),
    ],
)
def test_a_request_that_cannot_be_sent_is_reported(
    operator: Operator, rpc: str, request_json: str, told: str
) -> None:
    ran = operator.run("sign", rpc, request_json)
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err

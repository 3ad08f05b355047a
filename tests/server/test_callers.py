"""Who calls, who may, and what is written down of it: through a running server."""

import asyncio
import json

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.server import StartupError, current_caller
from services.server.security import file_watcher
from services.server.security.peer_identity import parse_xfcc
from services.server.telemetry.logging_config import configure_logging
from tests.server.shop import Line, open_shop

WEB = "spiffe://shop/ns/web/sa/front"
FORWARDED = "x-forwarded-client-cert"


async def who(_request, _deadline):
    return Line(sku=current_caller().identity[-8:]).SerializeToString()


def reason(error):
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(error).details[0].Unpack(info)
    return info.reason.removeprefix("ERROR_REASON_")


def forwarded(*elements):
    return tuple((FORWARDED, element) for element in elements)


@pytest.fixture
def policy(tmp_path, monkeypatch):
    """policy(rules) writes them; policy.path is the file, which is looked at on every call."""
    monkeypatch.setattr(file_watcher.FileWatcher.__init__, "__defaults__", (0,))

    def write(*rules, text=None):
        fresh = tmp_path / "fresh"
        fresh.write_text(json.dumps({"rules": rules}) if text is None else text)
        fresh.rename(write.path)

    write.path = tmp_path / "policy.json"
    return write


def rule(callers, methods):
    return {"callers": callers, "methods": methods}


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (f"By=spiffe://us;Hash=ab;URI={WEB}", [WEB]),
        (f'By=spiffe://us;URI=spiffe://told-only,By=spiffe://us;Subject="CN=a,O=\\"b;c\\"";URI={WEB}', [WEB]),
        (f"Hash=ab;DNS=front.shop;DNS=shop;URI={WEB}", ["front.shop", "shop", WEB]),
        ('URI="spiffe://with;marks,in=it"', ["spiffe://with;marks,in=it"]),
        ('Subject="CN=x";URI=', []),
        (f"URI={WEB},By=spiffe://us;Hash=ab", []),
        (f"URI={WEB},nonsense", []),
        (f'Subject="open;URI={WEB}', []),
        (f"URI={WEB};", []),
        ("", []),
    ],
)
def test_what_a_proxy_forwards(header, names):
    assert parse_xfcc(header) == names


@pytest.mark.parametrize(
    ("trusted", "headers", "identity"),
    [
        ("loopback", forwarded(f"URI={WEB}"), WEB),
        ("127.0.0.0/8", forwarded(f"DNS=a.shop;URI={WEB}"), WEB),
        ("10.0.0.0/8, ::1, 127.0.0.1", forwarded("DNS=a.shop"), "a.shop"),
        ("loopback", forwarded(f"URI={WEB}", "URI=spiffe://nearer"), "spiffe://nearer"),
        ("loopback", (), ""),
        ("10.0.0.0/8", forwarded(f"URI={WEB}"), ""),
        ("", forwarded(f"URI={WEB}"), ""),
    ],
)
async def test_a_forwarded_identity_counts_from_trusted_proxies_only(logged, trusted, headers, identity):
    async with open_shop({"Ask": who}, **({"trusted_proxies": trusted} if trusted else {})) as shop:
        assert (await shop.customer.Ask(Line(), metadata=headers)).sku == identity[-8:]
    assert [line.get("caller", "") for line in logged("call")] == [identity]


async def test_a_stream_and_the_tasks_of_its_handler_know_the_caller():
    async def chat(requests, _deadline):
        async for _ in requests:
            yield Line(sku=await asyncio.create_task(name())).SerializeToString()

    async def name():
        return current_caller().identity[-8:]

    async with open_shop({"Chat": chat}, trusted_proxies="loopback") as shop:
        calls = [
            shop.customer.Chat(iter([Line()] * 3), metadata=forwarded(f"URI=spiffe://a/{number}"))
            for number in range(10)
        ]
        told = [[line.sku async for line in call] for call in calls]
    assert told == [[f"iffe://a/{number}"[-8:]] * 3 for number in range(10)]


@pytest.mark.parametrize(
    ("callers", "methods", "allowed"),
    [
        ([WEB], ["shop.v1.Shop/Ask"], True),
        (["spiffe://shop/ns/web/*"], ["shop.v1.Shop/*"], True),
        (["spiffe://other", "*"], ["other.v1.Other/Ask", "*"], True),
        (["spiffe://shop/ns/*/sa/front"[:16]], ["*"], False),
        ([WEB], ["shop.v1.Shop/Buy", "other.v1.Other/*"], False),
        ([f"{WEB}-end"], ["*"], False),
    ],
)
async def test_a_policy_admits_whom_a_rule_names(policy, callers, methods, allowed):
    policy(rule(callers, methods))
    async with open_shop({"Ask": who}, policy_file=policy.path, trusted_proxies="loopback") as shop:
        call = shop.customer.Ask(Line(), metadata=forwarded(f"URI={WEB}"))
        if allowed:
            await call
        else:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert reason(caught.value) == "CALLER_FORBIDDEN"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.customer.Ask(Line())
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert reason(caught.value) == "CALLER_UNKNOWN"


async def test_a_policy_guards_streams_too(policy):
    policy(rule([WEB], ["shop.v1.Shop/Ask"]))
    async with open_shop({}, policy_file=policy.path, trusted_proxies="loopback") as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.customer.Chat(metadata=forwarded(f"URI={WEB}")).read()
    assert reason(caught.value) == "CALLER_FORBIDDEN"


async def test_a_changed_policy_counts_without_a_restart_and_a_bad_one_does_not(policy, logged):
    policy(rule([WEB], ["*"]))
    metadata = forwarded(f"URI={WEB}")
    async with open_shop({"Ask": who}, policy_file=policy.path, trusted_proxies="loopback") as shop:
        await shop.customer.Ask(Line(), metadata=metadata)
        policy()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.customer.Ask(Line(), metadata=metadata)
        assert reason(caught.value) == "CALLER_FORBIDDEN"
        policy(rule([WEB], ["*"]))
        await shop.customer.Ask(Line(), metadata=metadata)
        policy(text="{")
        await shop.customer.Ask(Line(), metadata=metadata)
        policy.path.unlink()
        await shop.customer.Ask(Line(), metadata=metadata)
    assert len(logged("policy_loaded")) == 2
    first, second = logged("policy_rejected")
    assert first["problems"][0].startswith(
        f"NATIONALSITE_POLICY_FILE: {policy.path}: Expecting property name"
    )
    assert second["problems"] == [
        f"NATIONALSITE_POLICY_FILE: cannot read {policy.path}: No such file or directory"
    ]


async def test_a_bad_policy_stops_the_start_with_a_line_for_each_problem(policy, tmp_path):
    (tmp_path / "cert").write_text("no certificate")
    tls = {"tls_cert_file": tmp_path / "cert", "tls_key_file": tmp_path / "cert"}
    policy(rule([], ["shop"]), rule(["a b", "*x"], ["shop.v1.Shop/*", 7]), {"caller": "x"})
    with pytest.raises(StartupError) as caught:
        async with open_shop({}, policy_file=policy.path, **tls):
            raise AssertionError
    tls_line, *lines = caught.value.lines
    assert tls_line.startswith("NATIONALSITE_TLS_CERT_FILE: ")
    start = f"NATIONALSITE_POLICY_FILE: {policy.path}: rules"
    assert lines == [
        f"{start}[0].callers: must not be empty",
        f"{start}[0].methods[0]: must be package.Service/Method, package.Service/* or *",
        f"{start}[1].callers[0]: must be an identity, which may end in *",
        f"{start}[1].callers[1]: must be an identity, which may end in *",
        f"{start}[1].methods[1]: must be a valid string",
        f"{start}[2].callers: is required",
        f"{start}[2].methods: is required",
        f"{start}[2].caller: is not known here",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"rules": [], "rules": []}', "{path}: a member is duplicated in one object"),
        (
            '{"rules": [{"callers": ["*"], "methods": ["shop.v1.Shop/Sell"]}]}',
            "rules[0].methods: shop.v1.Shop has no Sell",
        ),
        ("[]", "{path}: must be an object"),
    ],
)
async def test_a_policy_is_read_strictly(policy, text, line):
    policy(text=text)
    with pytest.raises(StartupError) as caught:
        async with open_shop({}, policy_file=policy.path):
            raise AssertionError
    assert caught.value.lines == ("NATIONALSITE_POLICY_FILE: " + line.format(path=policy.path),)


async def test_writes_are_audited_with_their_ids_and_without_personal_data(policy, logged):
    policy(rule([WEB], ["shop.v1.Shop/Buy", "shop.v1.Shop/Ask"]))
    order = Line(
        sku="shirt", order_id="o-1", buyer_ids=[4711], lines=[Line(order_id=f"o-{n}") for n in (2, 3)]
    )
    async with open_shop(
        {"Buy": who, "Ask": who}, policy_file=policy.path, trusted_proxies="loopback"
    ) as shop:
        await shop.customer.Ask(order, metadata=forwarded(f"URI={WEB}"))
        await shop.customer.Buy(order, metadata=forwarded(f"URI={WEB}"))
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.customer.Buy(order, metadata=forwarded("URI=spiffe://stranger"))
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.customer.Buy(Line(sku="too long a name"), metadata=forwarded(f"URI={WEB}"))
    told = [
        {key: line[key] for key in ("caller", "method", "decision", "outcome", "ids")}
        for line in logged("audit")
    ]
    buy = {"method": "shop.v1.Shop/Buy"}
    assert told == [
        buy
        | {
            "caller": WEB,
            "decision": "allowed",
            "outcome": "OK",
            "ids": {"order_id": ["o-1", "o-2", "o-3"]},
        },
        buy | {"caller": "spiffe://stranger", "decision": "denied", "outcome": "CALLER_FORBIDDEN", "ids": {}},
        buy | {"caller": WEB, "decision": "allowed", "outcome": "INVALID_REQUEST", "ids": {}},
    ]
    assert "4711" not in str(logged())
    assert "shirt" not in str(logged())


async def test_a_stream_is_audited_once_with_a_bounded_number_of_ids(logged):
    async def take(requests, _deadline):
        return Line(sku=str(len([request async for request in requests]))).SerializeToString()

    lines = [Line(order_id=f"{number}" + "x" * 500) for number in range(300)]
    async with open_shop({"Collect": take}) as shop:
        assert (await shop.customer.Collect(iter(lines))).sku == "300"
    (told,) = logged("audit")
    assert len(told["ids"]["order_id"]) == 100
    assert all(len(one) == 128 for one in told["ids"]["order_id"])


async def test_no_log_level_silences_the_audit(capsysbinary):
    configure_logging("test", "error")
    async with open_shop({"Buy": who}) as shop:
        await shop.customer.Buy(Line(order_id="o-1"))
    (line,) = map(json.loads, capsysbinary.readouterr().out.splitlines())
    assert (line["event"], line["level"], line["ids"]) == ("audit", "info", {"order_id": ["o-1"]})

"""The policy: what it allows, how it is reloaded, and its errors."""

import json
import re
from pathlib import Path

import grpc
import pytest
from nationalsite.account import v1 as account
from nationalsite.ordersync import v1 as order_sync
from nationalsite.product import v1 as product

from services.server import StartupError, current_caller
from services.server.security.policy import PolicyFile, get_subject
from tests.server.callers import CALLER, forwarded, return_identity, rule
from tests.server.shop_server import Line, running_shop
from tests.support.status_details import parse_reason

ACCESS_CONTROL = (Path(__file__).parents[3] / "docs" / "access-control.md").read_text()


@pytest.mark.parametrize(
    ("callers", "methods", "allowed"),
    [
        ([CALLER], ["shop.v1.Shop/Ask"], True),
        (["spiffe://shop/ns/web/*"], ["shop.v1.Shop/*"], True),
        (["spiffe://other", "*"], ["other.v1.Other/Ask", "*"], True),
        (["spiffe://shop/ns"], ["*"], False),
        ([CALLER], ["shop.v1.Shop/shop"], True),
        ([CALLER], ["shop.v1.Shop/Buy", "other.v1.Other/*", "other.v1.Other/shop"], False),
        ([f"{CALLER}-end"], ["*"], False),
    ],
)
async def test_a_policy_allows_the_callers_of_its_rules(policy, callers, methods, allowed):
    policy(rule(callers, methods))
    async with running_shop(
        {"Ask": return_identity}, policy_file=policy.path, trusted_proxies="loopback"
    ) as shop:
        call = shop.client.Ask(Line(), metadata=forwarded(f"URI={CALLER}"))
        if allowed:
            await call
        else:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
            assert parse_reason(caught.value) == "CALLER_FORBIDDEN"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Ask(Line())
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert parse_reason(caught.value) == "CALLER_UNKNOWN"


@pytest.mark.parametrize(
    ("rules", "is_operator"),
    [
        ([rule([CALLER], ["*"])], False),
        ([rule([CALLER], ["*"]) | {"role": "operator"}], True),
        (
            [rule([CALLER], ["*"]), rule(["spiffe://shop/*"], ["shop.v1.Shop/Ask"]) | {"role": "operator"}],
            True,
        ),
        ([rule([CALLER], ["*"]), rule([CALLER], ["shop.v1.Shop/Buy"]) | {"role": "operator"}], False),
        ([rule([CALLER], ["*"]), rule(["spiffe://other"], ["*"]) | {"role": "operator"}], False),
    ],
)
async def test_the_role_operator_holds_for_the_callers_and_methods_of_its_rule(policy, rules, is_operator):
    async def return_role(_request, _deadline):
        return Line(sku=str(current_caller().is_operator)).SerializeToString()

    policy(*rules)
    async with running_shop(
        {"Ask": return_role}, policy_file=policy.path, trusted_proxies="loopback"
    ) as shop:
        answer = await shop.client.Ask(Line(), metadata=forwarded(f"URI={CALLER}"))
    assert answer.sku == str(is_operator)


async def test_without_a_policy_nobody_is_an_operator():
    async def return_role(_request, _deadline):
        return Line(sku=str(current_caller().is_operator)).SerializeToString()

    async with running_shop({"Ask": return_role}, trusted_proxies="loopback") as shop:
        assert (await shop.client.Ask(Line(), metadata=forwarded(f"URI={CALLER}"))).sku == "False"


def test_one_line_allows_the_methods_of_a_subject(policy):
    service = order_sync.ORDER_SYNC_SERVICE
    policy(rule(["spiffe://consumer"], [f"{service.full_name}/message"]))
    rules = PolicyFile("NATIONALSITE_POLICY_FILE", policy.path, service).current()
    allowed = {method.name for method in service.methods if rules.allows("spiffe://consumer", method.name)}
    assert {"StreamMessages", "PullMessages", "AckMessages", "DeleteSubscription"} <= allowed
    assert allowed & {"EnqueueSync", "ListDeliveries", "CreateRefund", "SyncOrder"} == set()


def test_the_documentation_lists_the_subjects_with_their_methods():
    documented = {
        f"{service}/{subject}": set(methods.split(", "))
        for service, subject, methods in re.findall(
            r"^\| `(\w+)` \| `(\w+)` \| (.+) \|$", ACCESS_CONTROL, re.M
        )
    }
    subjects = {}
    for service in (order_sync.ORDER_SYNC_SERVICE, product.PRODUCT_SERVICE, account.ACCOUNT_SERVICE):
        for method in service.methods:
            subjects.setdefault(f"{service.name}/{get_subject(method)}", set()).add(method.name)
    assert documented == subjects


async def test_a_policy_covers_streams(policy):
    policy(rule([CALLER], ["shop.v1.Shop/Ask"]))
    async with running_shop({}, policy_file=policy.path, trusted_proxies="loopback") as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Chat(metadata=forwarded(f"URI={CALLER}")).read()
    assert parse_reason(caught.value) == "CALLER_FORBIDDEN"


async def test_a_changed_policy_is_reloaded_unless_it_is_invalid(policy, logged):
    policy(rule([CALLER], ["*"]))
    metadata = forwarded(f"URI={CALLER}")
    async with running_shop(
        {"Ask": return_identity}, policy_file=policy.path, trusted_proxies="loopback"
    ) as shop:
        await shop.client.Ask(Line(), metadata=metadata)
        policy()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.Ask(Line(), metadata=metadata)
        assert parse_reason(caught.value) == "CALLER_FORBIDDEN"
        policy(rule([CALLER], ["*"]))
        await shop.client.Ask(Line(), metadata=metadata)
        policy(text="{")
        await shop.client.Ask(Line(), metadata=metadata)
        policy.path.unlink()
        await shop.client.Ask(Line(), metadata=metadata)
    assert len(logged("policy_loaded")) == 2
    first, second = logged("policy_rejected")
    assert first["problems"][0].startswith(
        f"NATIONALSITE_POLICY_FILE: {policy.path}: Expecting property name"
    )
    assert second["problems"] == [
        f"NATIONALSITE_POLICY_FILE: cannot read {policy.path}: No such file or directory"
    ]


async def test_an_invalid_policy_stops_the_start_with_a_line_for_each_problem(policy, tmp_path):
    (tmp_path / "cert").write_text("no certificate")
    tls = {"tls_cert_file": tmp_path / "cert", "tls_key_file": tmp_path / "cert"}
    policy(rule([], ["shop"]), rule(["a b", "*x"], ["shop.v1.Shop/*", 7]), {"caller": "x"})
    with pytest.raises(StartupError) as caught:
        async with running_shop({}, policy_file=policy.path, **tls):
            raise AssertionError
    tls_line, *lines = caught.value.lines
    assert tls_line.startswith("NATIONALSITE_TLS_CERT_FILE: ")
    start = f"NATIONALSITE_POLICY_FILE: {policy.path}: rules"
    assert lines == [
        f"{start}[0].callers: must not be empty",
        f"{start}[0].methods[0]: must be package.Service/Method, package.Service/subject, "
        "package.Service/* or *",
        f"{start}[1].callers[0]: must be a SPIFFE id, which may end in *",
        f"{start}[1].callers[1]: must be a SPIFFE id, which may end in *",
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
        (
            '{"rules": [{"callers": ["*"], "methods": ["shop.v1.Shop/message"]}]}',
            "rules[0].methods: shop.v1.Shop has no message",
        ),
        (
            '{"rules": [{"callers": ["*"], "methods": ["*"], "role": "admin"}]}',
            "{path}: rules[0].role: must be 'operator'",
        ),
        *(
            (
                json.dumps({"rules": [{"callers": [caller], "methods": ["*"]}]}),
                "{path}: rules[0].callers[0]: must be a SPIFFE id, which may end in *",
            )
            for caller in (
                *("spiffe://Shop/web", "spiffe://shop/a/../web", "spiffe://shop/web/"),
                *(
                    "spiffe://Shop/*",
                    "spiffe:///ns/*",
                    "spiffe://shop//*",
                    "spiffe://*",
                    "spiffe://shop/*/web",
                ),
            )
        ),
        ("[]", "{path}: must be an object"),
    ],
)
async def test_a_policy_is_validated_strictly(policy, text, line):
    policy(text=text)
    with pytest.raises(StartupError) as caught:
        async with running_shop({}, policy_file=policy.path):
            raise AssertionError
    assert caught.value.lines == ("NATIONALSITE_POLICY_FILE: " + line.format(path=policy.path),)

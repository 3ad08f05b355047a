"""Requests of the tests, and the calls that the sandbox received for them."""

import uuid
from collections import Counter
from typing import Any

from nationalsite.account import v1 as account
from nationalsite.ordersync import v1 as orders
from nationalsite.product import v1 as product

from tests.support.enqueue_client import build_status_sync
from tests.support.sandbox_client import SandboxClient

TIMEOUT_S = 20
SEARCH = product.SearchByKeywordRequest(keyword="dress", page_size=1)
SEARCHES = "product.search.keywordQuery"
REGISTRATIONS = "account.user.register"
STATUSES = "trade.cross.orderStatusSync"


def registration(number: int) -> account.RegisterUserRequest:
    """Return the registration of a new buyer."""
    return account.RegisterUserRequest(
        request_id=str(uuid.uuid4()),
        country_account=account.CountryAccount(
            country="japan",
            site="sniff",
            out_login_name=f"login-{number}",
            out_member_id=f"member-{number}",
            email="hanako@example.com",
            mobile="09012345678",
            mobile_area="JP",
            ip="192.0.2.10",
        ),
    )


def order_status(number: int) -> orders.SyncOrderStatusRequest:
    """Return a status of a new order."""
    return orders.SyncOrderStatusRequest(order_status=build_status_sync(number, 0).order_status)


def received_calls(sandbox: SandboxClient, operation: str) -> list[dict[str, Any]]:
    """Return the calls of an operation that a sandbox received."""
    calls: list[dict[str, Any]] = sandbox.admin("GET", f"calls?operation={operation}&limit=1000")["calls"]
    return calls


def registration_counts(sandbox: SandboxClient) -> Counter[str]:
    """Return how often each buyer was registered, by the number given to `registration`."""
    parameters = (str(call["parameters"]) for call in received_calls(sandbox, REGISTRATIONS))
    return Counter(text.split("member-")[1].split('"')[0] for text in parameters)

"""Requests of the tests, and the calls that the sandbox received for them."""

from collections import Counter

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
        country_account=account.CountryAccount(
            country="japan",
            site="sniff",
            out_login_name=f"login-{number}",
            out_member_id=f"member-{number}",
            email="hanako@example.com",
            mobile="09012345678",
            mobile_area="JP",
            ip="192.0.2.10",
        )
    )


def order_status(number: int) -> orders.SyncOrderStatusRequest:
    """Return a status of a new order."""
    return build_status_sync(number, 0).sync_order_status


def received_calls(sandbox: SandboxClient, operation: str) -> list[dict[str, object]]:
    """Return the calls of an operation that a sandbox received."""
    calls: list[dict[str, object]] = sandbox.admin("GET", f"calls?operation={operation}&limit=1000")["calls"]
    return calls


def registration_counts(sandbox: SandboxClient) -> Counter[str]:
    """Return how often each buyer was registered, by the number given to `registration`."""
    parameters = (str(call["parameters"]) for call in received_calls(sandbox, REGISTRATIONS))
    return Counter(text.split("member-")[1].split('"')[0] for text in parameters)

"""The page of the sandbox, driven by keyboard and mouse, with running services."""

import hashlib
import hmac
import urllib.error
import urllib.parse
import urllib.request

import grpc
import pytest
from nationalsite.product.v1 import SearchByKeywordRequest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.page.browser import PHONE, Page, start_chromium
from tools.local_stack import start_sandbox, stop

pytestmark = pytest.mark.page

VIEWS = ["offers", "orders", "shipments", "messages", "controls", "calls"]
SEARCH = "product.search.keywordQuery"
FIRST_CALL, FIRST_ORDER = "#call-list > li:first-child", "#order-list > li:first-child"
HOSTILE = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>&lt;b&gt;"


@pytest.fixture(scope="session")
def driver():
    driver = start_chromium()
    yield driver
    driver.quit()


@pytest.fixture
def page(driver, sandbox):
    """The page. No test leaves an error in the console, or a request to another host."""
    page = Page(driver, sandbox.url)
    yield page
    driver.get("about:blank")  # the next test resets the sandbox before it loads the page
    assert page.list_console_errors() == []
    requests = page.list_requests()
    assert requests
    assert [url for url in requests if not url.startswith(f"{page.url}/") and url != "about:blank"] == []


@pytest.fixture
def search(products):
    """Search by gRPC; return the number of offers, or the status of the error."""

    def search(keyword="dress"):
        request = SearchByKeywordRequest(keyword=keyword, page_size=3, country="japan")
        try:
            return len(products.SearchByKeyword(request, timeout=5).offers)
        except grpc.RpcError as error:
            return error.code()

    return search


def _call_gateway(url, *, separator="", **parameters):
    """Search with a signature of our own. It is invalid with a separator."""
    path = f"param2/1/com.alibaba.fenxiao.crossborder/{SEARCH}/1000000"
    parameters = {"access_token": "test-access-token", **parameters}
    text = path + separator.join(sorted(name + value for name, value in parameters.items()))
    signature = hmac.new(b"test-app-secret", text.encode(), hashlib.sha1).hexdigest().upper()
    body = urllib.parse.urlencode(parameters | {"_aop_signature": signature}).encode()
    try:
        with urllib.request.urlopen(f"{url}/openapi/{path}", body, timeout=10):
            pass
    except urllib.error.HTTPError as error:
        error.close()
    return text.replace(separator, "") if separator else text, signature


def test_search_and_order_by_keyboard(page, sandbox):
    page.open()
    page.press(Keys.TAB)
    assert page.focused.accessible_name == "Skip to the content"
    page.press(Keys.ENTER)
    assert page.focused.text == "Orders"
    page.press(Keys.TAB)
    assert page.focused.accessible_name == "Create a sample order"
    page.find("nav a").send_keys(Keys.ENTER)
    page.wait(lambda: page.focused.text == "Offers" and page.texts("#offer-list h3"))
    page.tab_to("Keyword")
    page.press("dress", Keys.ENTER)
    page.wait(lambda: "“dress”" in page.text("#offers-summary"))
    first_title = page.texts("#offer-list h3")[0]
    page.tab_to("Order")
    page.press(Keys.ENTER)
    page.wait(lambda: page.find("#dialog").is_displayed())
    assert page.text("#dialog .hint") == first_title
    page.press(Keys.ESCAPE)
    page.wait(lambda: not page.find("#dialog").is_displayed())
    assert page.focused.accessible_name == "Order"
    page.press(Keys.ENTER)
    page.tab_to("Quantity")
    page.press(Keys.BACKSPACE * 5, "7", Keys.ENTER)
    page.wait(lambda: page.read_status().endswith("created."))
    (order,) = sandbox.admin("GET", "orders")["orders"]
    assert page.read_status() == f"Order {order['order_id']} created."
    assert order["entries"][0]["quantity"] == 7
    assert page.text("#order-count") == "1"


def test_order_from_payment_to_refund(page, sandbox):
    page.open("orders")
    page.click("#sample-order")
    page.click("[aria-label^='Change the price']")
    page.fill("#field-fee", "5.00")
    page.fill("#field-discount", "-1.50")
    page.click("#dialog .primary")
    page.wait(lambda: page.text(f"{FIRST_ORDER} header").startswith("2396952137381498520"))
    (order,) = sandbox.admin("GET", "orders")["orders"]
    page.wait(lambda: f"¥{order['goods_fen'] / 100 + 5:.2f}" in page.text(f"{FIRST_ORDER} header"))
    # Each step moves the focus to the button of the next one.
    page.find(f"{FIRST_ORDER} [data-name=pay]").send_keys(Keys.ENTER)
    page.wait(lambda: page.focused.accessible_name.startswith("Ship"))
    page.click(f"{FIRST_ORDER} [data-name=ship-entry]")
    page.wait(lambda: "shipped" in page.text(f"{FIRST_ORDER} .entry"))
    page.click(f"{FIRST_ORDER} [data-name=ship]")
    page.wait(lambda: page.text(f"{FIRST_ORDER} .pill") == "shipped")
    assert len(page.texts(f"{FIRST_ORDER} .shipment")) == 2
    page.click("nav a[href='#shipments']")
    page.click("#shipment-list > li:first-child [data-name=TRANSPORT]")
    page.click("#shipment-list > li:first-child [data-name=SIGN]")
    # What is on its way comes first.
    page.wait(lambda: page.text("#shipment-count") == "1")
    page.wait(lambda: "✓" not in page.text("#shipment-list > li:first-child"))
    statuses = [each["statuses"] for each in sandbox.admin("GET", "logistics")["logistics"]]
    assert sorted(statuses, key=len) == [[], ["TRANSPORT", "SIGN"]]
    page.click("nav a[href='#orders']")
    page.click(f"{FIRST_ORDER} [data-name=receive]")
    page.click(f"{FIRST_ORDER} [data-name=returnRefund]")
    page.wait(lambda: "Return TQ" in page.text(FIRST_ORDER))
    page.click(f"{FIRST_ORDER} .part [data-name=close]")
    page.click(f"{FIRST_ORDER} [data-name=refund]")
    page.click(f"{FIRST_ORDER} [data-name=agree]")
    page.wait(lambda: page.text(f"{FIRST_ORDER} .pill") == "closed")
    assert "No such steps" not in page.text(FIRST_ORDER)
    (order,) = sandbox.admin("GET", "orders")["orders"]
    assert (order["status"], order["transitions"]) == ("cancel", [])
    page.click(f"{FIRST_ORDER} summary")
    assert page.text(f"{FIRST_ORDER} .events").startswith("made → waitbuyerpay")


def test_order_is_closed_by_the_seller(page, sandbox):
    page.open("orders")
    page.click("#sample-order")
    page.click(f"{FIRST_ORDER} [data-name=close]")
    page.choose("#field-by", "the seller")
    page.click("#dialog .primary")
    page.wait(lambda: page.text(f"{FIRST_ORDER} .pill") == "closed")
    (order,) = sandbox.admin("GET", "orders")["orders"]
    assert order["events"][-1]["event"] == "closed by seller"


def test_a_step_that_another_program_made_first_is_explained(page, sandbox):
    page.open("orders")
    page.click("#sample-order")
    page.wait(lambda: page.find(f"{FIRST_ORDER} [data-name=pay]"))
    # The page does not learn of the payment by another program.
    page.driver.execute_script(
        "const real = fetch;"
        "const never = new Promise(() => {});"
        "window.fetch = (url, ...rest) => url.includes('changes') ? never : real(url, ...rest)"
    )
    (order,) = sandbox.admin("GET", "orders")["orders"]
    sandbox.admin("POST", f"orders/{order['order_id']}/pay")
    page.allowed_errors.append("409 (Conflict)")
    page.click(f"{FIRST_ORDER} [data-name=pay]")
    page.wait(lambda: page.text("#error") == "pay: the order is waitsellersend, not waitbuyerpay")


def test_messages(page, sandbox, stack):
    page.open("messages")
    page.click("#pause")
    page.wait(lambda: page.find("#pause").get_attribute("aria-pressed") == "true")
    page.wait(lambda: page.read_status() == "Pushes are paused.")
    order = sandbox.admin("POST", "orders", {})
    first = "#message-list > li:first-child"
    page.wait(lambda: page.text(f"{first} .pill") == "waiting")
    assert "ORDER_BUYER_VIEW_BUYER_MAKE" in page.text(first)
    page.click("#pause")
    page.wait(lambda: page.text(f"{first} .pill") == "pushed")
    page.click(f"{first} summary")
    page.wait(lambda: f'"orderId": {order["order_id"]}' in page.text(f"{first} pre"))
    sandbox.admin("PUT", "push", {"callback_url": f"{stack['sandbox'].address}/nothing", "max_retries": 0})
    sandbox.admin("POST", f"orders/{order['order_id']}/pay")
    page.choose("#message-state", "failed")
    page.wait(lambda: page.text(f"{first} .pill") == "failed")
    assert "1 failed" in page.text("#push-summary")
    page.wait(lambda: page.text("#message-count") == "1 failed")
    sandbox.admin("PUT", "push", {"callback_url": stack["order_sync"].callback})
    page.click(f"{first} [data-name=push]")
    page.wait(lambda: page.texts("#message-list li") == [])
    page.choose("#message-state", "pushed")
    page.wait(lambda: "2 attempts · last result 200" in page.text(first))


def test_a_fault_that_retries_hide_and_one_that_shows(page, search):
    page.open("controls", dark=True)
    page.choose("#fault-operation", SEARCH)
    page.choose("#fault-kind", "HTTP 503")
    assert page.find("#fault-times").get_attribute("value") == "3"
    assert "3 show with grpcurl" in page.text("#fault-hint")
    page.fill("#fault-times", 1)
    assert "will be hidden by the service's retries" in page.text("#fault-hint")
    page.click("#fault-form .primary")
    page.wait(lambda: page.texts("#fault-list li") == [f"1 × status 503 in {SEARCH}"])
    assert search() == 3
    page.wait(lambda: page.texts("#fault-list li") == [])
    page.wait(lambda: page.texts("#call-list .pill") == ["200 OK", "503", "fault: status 503"])
    page.fill("#fault-times", 3)
    page.find("#fault-times").send_keys(Keys.ENTER)
    page.wait(lambda: page.texts("#fault-list li") == [f"3 × status 503 in {SEARCH}"])
    page.take_screenshot("sandbox-controls")
    assert search() is grpc.StatusCode.UNAVAILABLE
    page.wait(lambda: page.texts("#call-list .fault") == ["fault: status 503"] * 4)
    page.click(f"{FIRST_CALL} summary")
    page.wait(lambda: '{"status":503}' in page.texts(f"{FIRST_CALL} dd"))


def test_a_call_in_the_log(page, sandbox, search):
    page.open("calls")
    search("shoes")
    page.click(f"{FIRST_CALL} summary")
    page.wait(lambda: "valid" in page.texts(f"{FIRST_CALL} dd"))
    (call,) = sandbox.calls()
    details = page.texts(f"{FIRST_CALL} dd")
    assert details[0] == f"POST {call['path']}"
    assert call["string_to_sign"] in details
    assert page.texts(f"{FIRST_CALL} th") == list(call["parameters"])
    assert page.texts(f"{FIRST_CALL} td") == list(call["parameters"].values())
    assert "open-platform" in page.text(f"{FIRST_CALL} summary")
    # Live updates leave what the user has opened and focused as it is.
    opened = page.find(f"{FIRST_CALL} details")
    focused = page.focused
    search("dress")
    page.wait(lambda: len(page.texts("#call-list > li")) == 2)
    assert opened.get_attribute("open") is not None
    assert page.focused == focused != page.find("body")
    page.fill("#call-text", "DRESS")
    page.wait(lambda: len(page.texts("#call-list > li")) == 1)
    page.fill("#call-text", "")
    page.click("#only-problems")
    page.wait(lambda: page.texts("#call-list > li") == [])
    page.click("#only-problems")
    page.click("#clear-calls")
    page.wait(lambda: page.text("#calls .empty").startswith("No calls."))


def test_a_refused_signature(page, sandbox, search):
    search("ワンピース")
    sandbox.inject_fault({"gateway_error": "app_frequency_limit"})
    search("连衣裙")
    page.open("calls")
    text, signature = _call_gateway(sandbox.url, separator="&", keyword="饼干", pageSize="1")
    page.wait(lambda: "gw.SignatureInvalid" in page.text(FIRST_CALL))
    page.click(f"{FIRST_CALL} summary")
    page.wait(lambda: page.texts(f"{FIRST_CALL} dd"))
    terms = dict(zip(page.texts(f"{FIRST_CALL} dt"), page.texts(f"{FIRST_CALL} dd"), strict=True))
    assert terms["Signature"] == "refused. Nothing may separate the parameters, or a name from its value."
    assert (terms["String to sign"], terms["Sent"]) == (text, signature)
    assert terms["Expected"] == hmac.new(b"test-app-secret", text.encode(), hashlib.sha1).hexdigest().upper()
    page.take_screenshot("sandbox-calls", height=620)


def test_text_of_a_call_stays_text(page, sandbox, search):
    page.open("calls")
    title = page.driver.title
    search(HOSTILE)
    _call_gateway(sandbox.url, keyword=HOSTILE, **{HOSTILE: HOSTILE})
    page.wait(lambda: len(page.texts("#call-list > li")) == 2)
    page.click(f"{FIRST_CALL} summary")
    page.wait(lambda: HOSTILE in page.texts(f"{FIRST_CALL} td"))
    assert HOSTILE in page.texts(f"{FIRST_CALL} th")
    page.open("offers")
    page.fill("#keyword", HOSTILE)
    page.press(Keys.ENTER)
    page.wait(lambda: f"“{HOSTILE}”" in page.text("#offers-summary"))
    sandbox.admin("POST", "messages", {"topic": HOSTILE[:200], "data": {HOSTILE: HOSTILE}})
    page.open("messages")
    page.wait(lambda: HOSTILE in page.text("#message-list"))
    assert page.driver.find_elements(By.CSS_SELECTOR, "img[src=x], main script") == []
    assert page.driver.title == title.replace("Calls", "Messages")
    # Not even the page's own scripts could make markup of text.
    page.allowed_errors.append("TrustedHTML")
    script = "try { document.body.innerHTML = arguments[0] } catch (error) { return error.name }"
    assert page.driver.execute_script(script, HOSTILE) == "TypeError"


def test_limits(page, sandbox, search):
    page.open("controls")
    page.fill("#usage-left", 1)
    page.choose("#declined", "product.search.imageQuery")
    page.fill("#app-calls", 100)
    page.fill("#app-window", 2)
    page.click("#limit-form .primary")
    page.wait(lambda: "1 call left of the quota" in page.text("#limit-state"))
    limits = sandbox.state()["limits"]
    assert limits["app"] == {"calls": 100, "window_s": 2}
    assert (limits["api"], limits["declined"]) == (None, ["product.search.imageQuery"])
    assert search() == 3
    assert search() is not None
    page.wait(lambda: "gw.NoUsageLeftError" in page.text(FIRST_CALL))
    assert page.text("#control-count") == "3"
    page.click("#clear-limits")
    page.wait(lambda: page.text("#limit-state") == "Now: no limits.")
    assert search() == 3


def test_tokens_and_reset(page, sandbox, stack, search):
    page.open("controls")
    page.fill("#expires-in", 60)
    page.choose("#refresh-mode", "no refresh token")
    page.click("#token-form .primary")
    page.wait(lambda: page.read_status() == "New tokens are issued in this way.")
    tokens = sandbox.state()["tokens"]
    assert (tokens["expires_in"], tokens["refresh_token"]) == (60, "omit")
    page.click("#issue-code")
    page.wait(lambda: page.text("#code").endswith("00000000-0000-4000-8000-000000000001"))
    page.click("#revoke-tokens")
    page.wait(lambda: page.text("#token-state").startswith("0 access tokens valid"))
    assert search() is grpc.StatusCode.INTERNAL
    page.wait(lambda: "401" in page.text(FIRST_CALL))
    page.click("#reset")
    page.click("#dialog .danger")
    page.wait(lambda: page.text("#token-state").startswith("1 access token valid"))
    page.wait(lambda: page.texts("#call-list > li") == [])
    assert sandbox.admin("GET", "push")["settings"]["callback_url"] == stack["order_sync"].callback
    assert search() == 3


@pytest.fixture
def busy_sandbox(sandbox, search):
    """A sandbox that has something to show in each view."""
    orders = [sandbox.admin("POST", "orders", {}) for _ in range(3)]
    for order, steps in zip(orders, (["pay", "ship"], ["pay"], []), strict=True):
        for step in steps:
            sandbox.admin("POST", f"orders/{order['order_id']}/{step}")
    sandbox.admin("POST", f"orders/{orders[1]['order_id']}/refunds")
    (shipment,) = sandbox.admin("GET", "logistics")["logistics"]
    for status in ("CONSIGN", "ACCEPT", "TRANSPORT"):
        sandbox.admin("POST", f"logistics/{shipment['logistics_id']}/{status}")
    sandbox.inject_fault({"status": 503})
    search()
    sandbox.admin("POST", "faults", {"operation": "*", "fault": {"latency_ms": 1}})
    return sandbox


def test_accessibility(page, busy_sandbox):
    page.open()
    for view in VIEWS:
        page.click(f"nav a[href='#{view}']")
        page.wait(lambda view=view: page.texts(f"#{view} ul > li"))
        if view in ("messages", "calls"):
            page.click(f"#{view} li:first-child summary")
            page.wait(lambda view=view: page.texts(f"#{view} details[open] dd, #{view} details[open] pre"))
        assert page.check_accessibility() == [], view
    page.click("nav a[href='#orders']")
    page.click("[aria-label^='Change the price']")
    assert page.check_accessibility() == []


def test_contrast_in_dark_mode(page, busy_sandbox):
    page.open("orders", dark=True)
    for view in VIEWS:
        page.click(f"nav a[href='#{view}']")
        page.wait(lambda view=view: page.texts(f"#{view} ul > li"))
        assert page.check_accessibility("color-contrast") == [], view


def test_layout_of_a_phone(page, busy_sandbox):
    for view in VIEWS:
        page.open(view, size=PHONE)
        page.wait(lambda view=view: page.texts(f"#{view} ul > li"))
        assert not page.is_scrolled_sideways(), view
        assert page.find("#calls").is_displayed() is (view == "calls")
    page.open("orders", size=PHONE)
    page.wait(lambda: page.texts("#order-list .pill"))
    page.take_screenshot("sandbox-phone")
    page.open("orders")
    page.wait(lambda: page.texts("#order-list .pill"))
    page.take_screenshot("sandbox-orders")


def test_a_sandbox_that_restarts(page):
    running = start_sandbox(log="sandbox-to-restart")
    try:
        page.url = running.address
        page.open("orders")
        page.click("#sample-order")
        page.wait(lambda: page.text("#order-count") == "1")
        stop(running)
        page.allowed_errors.append("ERR_CONNECTION_REFUSED")
        page.allowed_errors.append("ERR_EMPTY_RESPONSE")
        page.wait(lambda: page.text("#connection") == "not connected")
        running = start_sandbox(running.address.removeprefix("http://"), log="sandbox-to-restart")
        page.wait(lambda: page.text("#connection") == "live" and page.text("#order-count") == "")
    finally:
        stop(running)

"""The page in a headless Chromium, by what a user sees: names of buttons and fields, headings, focus."""

import json
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import (
    JavascriptException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from tests.support.polling import wait_until

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM, CHROMEDRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
WIDE = (1280, 800)
PHONE = (360, 740)
MAX_TABS = 80
_RETRIED = (JavascriptException, NoSuchElementException, StaleElementReferenceException)


def start_chromium() -> webdriver.Chrome:
    """Start Chromium. `--no-sandbox`: Chromium's own sandbox does not work as root."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=en"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # With the path of the driver, Selenium downloads none.
    return webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))


class Page:
    """The page of a running sandbox."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url
        self.allowed_errors: list[str] = []
        """Parts of console messages that a test provokes."""

    def open(self, view: str = "", *, size: tuple[int, int] = WIDE, dark: bool = False) -> None:
        """Load the page, and wait until it is live. Without a view, the address has no fragment."""
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE},
        )
        features = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": name, "value": value} for name, value in features.items()]},
        )
        self.driver.get("about:blank")  # otherwise another hash would not load the page again
        self.driver.get(f"{self.url}/#{view}" if view else f"{self.url}/")
        self.wait(lambda: self.text("#connection") == "live")

    def wait(self, condition: Callable[[], Any]) -> None:
        """Wait for a condition. Elements may be missing or replaced meanwhile."""

        def holds() -> bool:
            try:
                return bool(condition())
            except _RETRIED:
                return False

        wait_until(holds)

    def find(self, selector: str) -> WebElement:
        """Return the first element of a CSS selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Return the visible text of an element."""
        return self.find(selector).text

    def texts(self, selector: str) -> list[str]:
        """Return the text of each element, also if it is not visible. Read at once, since elements change."""
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)"
        return self.driver.execute_script(script, selector)

    def click(self, selector: str) -> None:
        """Click with the mouse, as soon as the element is there."""

        def click() -> bool:
            element = self.find(selector)
            if element.is_displayed():
                element.click()
                return True
            return False

        self.wait(click)

    def fill(self, field: str, text: object) -> None:
        """Replace the content of a field."""
        self.find(field).clear()
        self.find(field).send_keys(str(text))

    def choose(self, field: str, text: str) -> None:
        """Choose an option by its text."""
        Select(self.find(field)).select_by_visible_text(text)

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def focused(self) -> WebElement:
        """The element with the focus."""
        return self.driver.switch_to.active_element

    def tab_to(self, name: str) -> None:
        """Press Tab until an element whose accessible name begins with `name` has the focus."""
        for _ in range(MAX_TABS):
            self.press(Keys.TAB)
            if self.focused.accessible_name.startswith(name):
                return
        raise AssertionError(f"{name} cannot be reached by Tab")

    def read_status(self) -> str:
        """Return what the page says about the last action."""
        return self.text("#status") or self.text("#error")

    def is_scrolled_sideways(self) -> bool:
        """Return whether the page is wider than the window."""
        return self.driver.execute_script(
            "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

    def check_accessibility(self, *rules: str) -> list[str]:
        """Return the violations that axe finds; without `rules`, of all its rules."""
        self.driver.execute_script(AXE.read_text())
        options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
        result = self.driver.execute_async_script(
            "const [options, done] = arguments; axe.run(options).then(done, (error) => done(`${error}`))",
            options,
        )
        return [
            f"{violation['id']}: {[node['html'] for node in violation['nodes']]}"
            for violation in result["violations"]
        ]

    def take_screenshot(self, name: str, height: int | None = None) -> None:
        """Write an image for the documents, if they are asked for. Few colours are enough, and small."""
        if os.environ.get("SCREENSHOTS"):
            IMAGES.mkdir(exist_ok=True)
            image = Image.open(BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")
            image = image.crop((0, 0, image.width, height or image.height))
            image.quantize(256, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)

    def list_console_errors(self) -> list[str]:
        """Return warnings and errors of the console since the last call, without the allowed ones."""
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        return [each for each in messages if not any(part in each for part in self.allowed_errors)]

    def list_requests(self) -> list[str]:
        """Return the addresses that were requested since the last call."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]

"""Alerts and dashboard: that they are whole. What they mean, promtool checks (`make check-alerts`)."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
ALERTS = (FOLDER / "alerts.yaml").read_text()
NAMES = re.findall(r"- alert: (\w+)", ALERTS)
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

METRIC = re.compile(r"\b(?:nationalsite|grpc_server)_\w+")
SUFFIX = re.compile(r"_(?:total|bucket|count|sum)$")
AWAITED = {
    "nationalsite_deliveries_pending",
    "nationalsite_delivery_oldest_age_seconds",
    "nationalsite_message_oldest_age_seconds",
    "nationalsite_messages_backlog",
    "nationalsite_redis_failures",
    "nationalsite_refresh_token_days_left",
    "nationalsite_upstream_attempts",
    "nationalsite_upstream_breaker_state",
    "nationalsite_upstream_limiter_wait_seconds",
    "nationalsite_upstream_places_in_use",
    "nationalsite_upstream_places_queued",
    "nationalsite_upstream_retries_denied",
    "nationalsite_upstream_shed",
}
"""Metrics of parts that are on their way."""


def test_every_alert_is_tested_and_explained():
    tests, guide = (FOLDER / "alerts.test.yaml").read_text(), (ROOT / "docs" / "alerts.md").read_text()
    assert len(NAMES) == len(set(NAMES)) > 0
    for name in NAMES:
        assert re.search(rf"alertname: {name}\n\s+exp_alerts:\n", tests), f"{name} never has to come"
        assert f"## {name}\n" in guide
    assert re.findall(r"^## (\w+)$", guide, re.MULTILINE) == NAMES


def test_every_metric_that_is_asked_for_exists():
    sources = "".join(path.read_text() for path in (ROOT / "services").rglob("*.py"))
    expressions = [target["expr"] for panel in PANELS for target in panel["targets"]]
    expressions += re.findall(r"expr: (.*?)\n\s+(?:for|labels|- )", ALERTS, re.DOTALL)
    asked = {name for each in expressions for name in METRIC.findall(each)}
    assert asked
    for name in {SUFFIX.sub("", name) for name in asked} - AWAITED:
        assert f'"{name}"' in sources, name


def test_panels_are_told_apart_and_explained():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)
    assert all(panel["description"] and panel["targets"] for panel in PANELS)

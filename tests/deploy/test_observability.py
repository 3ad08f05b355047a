"""Alerts and dashboard are complete. `make check-alerts` checks them with promtool."""

import json
import re
from pathlib import Path

import yaml

from tools.generation.prometheus_rule import PROMETHEUS_RULE, wrap_rules

ROOT = Path(__file__).parents[2]
OBSERVABILITY_DIR = ROOT / "deploy" / "observability"
ALERTS = (OBSERVABILITY_DIR / "alerts.yaml").read_text()
NAMES = re.findall(r"- alert: (\w+)", ALERTS)
DASHBOARD = json.loads((OBSERVABILITY_DIR / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

METRIC = re.compile(r"\b(?:nationalsite|grpc_server)_\w+")
SUFFIX = re.compile(r"_(?:total|bucket|count|sum)$")


def test_every_alert_is_tested_and_explained():
    tests, guide = (
        (OBSERVABILITY_DIR / "alerts.test.yaml").read_text(),
        (ROOT / "docs" / "alerts.md").read_text(),
    )
    assert len(NAMES) == len(set(NAMES)) > 0
    for name in NAMES:
        assert re.search(rf"alertname: {name}\n\s+exp_alerts:\n", tests), (
            f"{name} has no test in which it fires"
        )
        assert f"## {name}\n" in guide
    assert re.findall(r"^## (\w+)$", guide, re.MULTILINE) == NAMES


def test_the_object_of_prometheus_operator_has_the_same_rules():
    text = PROMETHEUS_RULE.read_text()
    assert text == wrap_rules(ALERTS), "run make gen"
    assert yaml.safe_load(text)["spec"] == yaml.safe_load(ALERTS)


def test_every_queried_metric_exists():
    sources = "".join(path.read_text() for path in (ROOT / "services").rglob("*.py"))
    expressions = [target["expr"] for panel in PANELS for target in panel["targets"]]
    expressions += re.findall(r"expr: (.*?)\n\s+(?:for|labels|- )", ALERTS, re.DOTALL)
    queried = {name for expression in expressions for name in METRIC.findall(expression)}
    assert queried
    for name in {SUFFIX.sub("", name) for name in queried}:
        assert f'"{name}"' in sources, name


def test_panels_are_distinct_and_described():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)
    assert all(panel["description"] and panel["targets"] for panel in PANELS)

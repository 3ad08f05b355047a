"""The alert rules as an object of Prometheus Operator, made from deploy/observability/alerts.yaml."""

from textwrap import indent

from tools.generation.sources import GEN_DIR

_FOLDER = GEN_DIR.parent / "deploy" / "observability"
ALERTS = _FOLDER / "alerts.yaml"
PROMETHEUS_RULE = _FOLDER / "prometheus-rule.yaml"
_HEAD = """\
# Generated from alerts.yaml by `make gen`. Do not edit it.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: nationalsite
  labels:
    app.kubernetes.io/part-of: nationalsite
spec:
"""


def generate() -> None:
    """Write the object."""
    PROMETHEUS_RULE.write_text(wrap_rules(ALERTS.read_text()))


def wrap_rules(rules: str) -> str:
    """Return the object that has these rules, without the comments above them."""
    _, groups, rest = rules.partition("groups:\n")
    return _HEAD + indent(groups + rest, "  ")

"""Checks deploy/observability with promtool: the alert rules, their tests, the queries of the dashboard.

promtool is in the Debian package prometheus. PROMTOOL, if set, is the path of another one.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.usage import build_parser

OBSERVABILITY_DIR = Path(__file__).resolve().parent.parent / "deploy" / "observability"
VARIABLES = {"$__rate_interval": "5m", "$job": "nationalsite-.*"}
"""Values for the variables that Grafana replaces."""


def main() -> int:
    """Run the checks; return the exit code."""
    promtool = shutil.which(os.environ.get("PROMTOOL") or "promtool")
    if promtool is None:
        print("this needs promtool: install the Debian package prometheus, or set PROMTOOL", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        dashboard = Path(folder, "dashboard.json")  # JSON is YAML
        dashboard.write_text(json.dumps(_to_recording_rules(OBSERVABILITY_DIR / "dashboard.json")))
        checks = (
            ("check", "rules", "alerts.yaml"),
            ("check", "rules", str(dashboard)),
            ("test", "rules", "alerts.test.yaml"),
        )
        return max(
            subprocess.run([promtool, *check], cwd=OBSERVABILITY_DIR, check=False).returncode  # noqa: S603 # our own arguments
            for check in checks
        )


def _to_recording_rules(dashboard: Path) -> dict[str, object]:
    """Return the queries of a dashboard as recording rules, because promtool reads only rules."""
    panels = json.loads(dashboard.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    for variable, value in VARIABLES.items():
        expressions = [expression.replace(variable, value) for expression in expressions]
    rules = [
        {"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions)
    ]
    return {"groups": [{"name": "dashboard", "rules": rules}]}


if __name__ == "__main__":
    build_parser(
        "make check-alerts",
        __doc__,
        "make check-alerts",
        "PROMTOOL=/opt/prometheus/promtool make check-alerts",
    ).parse_args()
    sys.exit(main())

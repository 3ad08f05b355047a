"""Checks deploy/observability with promtool: the rules, their tests, and the dashboard's expressions.

promtool comes with Debian's package `prometheus`, or with Prometheus itself; PROMTOOL names another one.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "observability"
VARIABLES = {"$__rate_interval": "5m", "$job": "nationalsite-.*"}
"""What Grafana puts in place of its variables."""


def main() -> int:
    """Return promtool's verdict as an exit code."""
    promtool = shutil.which(os.environ.get("PROMTOOL") or "promtool")
    if promtool is None:
        print("promtool is needed: install Debian's prometheus, or set PROMTOOL", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        dashboard = Path(folder, "dashboard.json")  # JSON is YAML
        dashboard.write_text(json.dumps(_as_rules(FOLDER / "dashboard.json")))
        checks = (
            ("check", "rules", "alerts.yaml"),
            ("check", "rules", str(dashboard)),
            ("test", "rules", "alerts.test.yaml"),
        )
        return max(
            subprocess.run([promtool, *check], cwd=FOLDER, check=False).returncode  # noqa: S603 # asked for
            for check in checks
        )


def _as_rules(dashboard: Path) -> dict[str, object]:
    """The expressions of a dashboard as recording rules, which promtool can read."""
    panels = json.loads(dashboard.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    for variable, value in VARIABLES.items():
        expressions = [expression.replace(variable, value) for expression in expressions]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(expressions)]
    return {"groups": [{"name": "dashboard", "rules": rules}]}


if __name__ == "__main__":
    sys.exit(main())

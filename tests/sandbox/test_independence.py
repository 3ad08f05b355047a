import ast
from pathlib import Path

SANDBOX = Path(__file__).parents[2] / "services" / "sandbox"


def test_imports_nothing_else_of_services():
    for file in SANDBOX.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert not name.startswith(("services", "nationalsite")) or name.startswith(
                    "services.sandbox"
                ), file

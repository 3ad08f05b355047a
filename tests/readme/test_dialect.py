"""The documents, the settings, `make run` and the manifests name the same default dialect."""

import re

import pytest

from services.adapter.settings import AdapterSettings
from tools.local_stack import DIALECTS, ROOT

PAGE = (ROOT / "docs" / "dialects.md").read_text(encoding="utf-8")
(DEFAULT,) = re.findall(r"^\*\*Use `([\w-]+)`, unless .*\*\*", PAGE, re.MULTILINE)
SETTING = "NATIONALSITE_DIALECT"
PLACES = sorted(
    [
        *(ROOT / "deploy").glob("**/*.yaml"),
        *(ROOT / "docs" / "guides").glob("*.md"),
        ROOT / "docs" / "kubernetes.md",
    ]
)


def test_the_settings_and_make_run() -> None:
    assert AdapterSettings.model_fields["dialect"].default == DEFAULT
    assert DIALECTS[0] == DEFAULT


@pytest.mark.parametrize("page", ["settings.md", "operations.md"])
def test_the_default_in_the_tables_of_settings(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert re.findall(rf"^\| `{SETTING}` \|.*\| `([\w-]+)` \|$", text, re.MULTILINE) == [DEFAULT]


def test_the_manifests_and_guides() -> None:
    found = {
        str(path.relative_to(ROOT)): dialect
        for path in PLACES
        for dialect in re.findall(rf"\b{SETTING}=([\w-]+)", path.read_text(encoding="utf-8"))
    }
    assert set(found.values()) == {DEFAULT}, found
    assert {name.split("/")[2] for name in found if name.startswith("deploy/environments/")} == {
        path.name for path in (ROOT / "deploy" / "environments").iterdir()
    }

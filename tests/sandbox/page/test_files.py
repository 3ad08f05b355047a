"""The files of the page, without a browser. tests/page drives it in one."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import services.sandbox.page

STATIC = Path(services.sandbox.page.__file__).parent / "static"
FILES = sorted(STATIC.iterdir())
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
PRESETS = json.loads((STATIC / "fault_presets.json").read_text())


class _Page(HTMLParser):
    """The elements of the page, as (name, attributes)."""

    def __init__(self):
        super().__init__()
        self.elements = []
        self.feed((STATIC / "index.html").read_text())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))


PAGE = _Page().elements


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_file_is_served(client, path):
    response = await client.http.get(f"/{path.name}")
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == MEDIA_TYPES[path.suffix]
    assert response.content == path.read_bytes()
    headers = {"If-None-Match": response.headers["etag"]}
    assert (await client.http.get(f"/{path.name}", headers=headers)).status_code == 304


async def test_page_is_the_root_and_other_paths_do_not_exist(client):
    assert (await client.http.get("/")).content == (STATIC / "index.html").read_bytes()
    for path in ("/nothing", "/..%2f__init__.py", "/%2e%2e/__init__.py", "//etc/passwd", "/a%00b"):
        assert (await client.http.get(path)).status_code == 404, path
    assert (await client.http.post("/")).status_code == 405


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_needs_nothing_of_other_hosts(path):
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", path.read_text())
    assert [address for address in addresses if address != "http://www.w3.org/2000/svg"] == []


def test_scripts_and_styles_are_files():
    for tag, attributes in PAGE:
        assert tag not in ("style", "iframe", "base")
        assert tag != "script" or "src" in attributes
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href"):
            target = attributes.get(name, "#")
            assert target.startswith("#") or (STATIC / target).is_file(), target


def test_text_never_becomes_markup():
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|HTMLUnsafe|srcdoc"
    for path in STATIC.glob("*.js"):
        assert not re.search(sinks, path.read_text()), path.name


def test_only_one_module_parses_json_of_the_admin_api():
    users = {path.name for path in STATIC.glob("*.js") if "json.parse" in path.read_text().lower()}
    assert users == {"exact_json.js"}


def test_fields_have_labels_and_ids_are_unique():
    ids = [attributes["id"] for _, attributes in PAGE if "id" in attributes]
    assert len(ids) == len(set(ids))
    labelled = {attributes.get("for") for tag, attributes in PAGE if tag == "label"}
    for tag, attributes in PAGE:
        if tag in ("input", "select") and attributes.get("type") != "checkbox":
            assert attributes["id"] in labelled or "aria-label" in attributes, attributes
        for name in ("aria-labelledby", "aria-describedby", "for"):
            # The title of the dialog is created with its content.
            assert attributes.get(name, ids[0]) in (*ids, "dialog-title")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset["name"])
async def test_preset_is_a_fault(client, preset):
    await client.fault("*", times=preset["read_shows_after"], **preset["fault"])

"""The stores of released versions, as files under releases/. README.md there explains them."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.compatibility.caller import Json
from tests.compatibility.store_contents import SETTINGS, fill_stores
from tests.compatibility.store_dumps import dump_store
from tests.support.postgres import PostgresServer

RELEASES = Path(__file__).parent / "releases"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
CONTENTS = "contents.json"
THIS_TREE = "this-tree"
"""Not a version, but what this tree would release."""


class Databases:
    """Creates empty databases of one engine."""

    def __init__(self, engine: str, folder: Path, postgres: PostgresServer | None) -> None:
        self.engine, self._folder, self._postgres = engine, folder, postgres
        self._numbers = itertools.count(1)

    def create(self) -> dict[str, str]:
        """Return the URLs of new databases, by the name of the service."""
        number = next(self._numbers)
        return {name: self._create(f"{name}{number}") for name in SETTINGS}

    def _create(self, name: str) -> str:
        if self._postgres is None:
            return f"sqlite+aiosqlite:///{self._folder}/{name}.db"
        self._postgres.create_database(name)
        return self._postgres.url(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedStores:
    """The stores that one version has made on one engine."""

    contents: Json
    """What callers know of them."""
    dumps: Mapping[str, str]
    """SQL, by the name of the service."""

    def write(self, folder: Path) -> None:
        """Write them to a new folder."""
        folder.mkdir(parents=True)
        for service, sql in self.dumps.items():
            (folder / f"{service}.sql").write_text(sql, encoding="utf-8")
        contents = json.dumps(self.contents, indent=1, ensure_ascii=False)
        (folder / CONTENTS).write_text(contents + "\n", encoding="utf-8")


def make_stores(urls: Mapping[str, str]) -> ReleasedStores:
    """Make the stores of this tree in the empty databases at the URLs of the services."""
    contents = fill_stores(urls)
    return ReleasedStores(
        contents=contents, dumps={service: dump_store(url) for service, url in urls.items()}
    )


def read_stores(folder: Path) -> ReleasedStores:
    """Return the stores in a folder."""
    return ReleasedStores(
        contents=json.loads((folder / CONTENTS).read_text(encoding="utf-8")),
        dumps={path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.sql")},
    )


def list_versions() -> list[str]:
    """Return the versions that have stores here."""
    return sorted(path.name for path in RELEASES.iterdir() if path.is_dir())

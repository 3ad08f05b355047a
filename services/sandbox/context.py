"""The context of all handlers, of operations and of the admin API."""

from dataclasses import dataclass

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.image_similarity import ImageIndex
from services.sandbox.catalog.keyword_index import KeywordIndex
from services.sandbox.controls.changes import Changes
from services.sandbox.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxContext:
    """The mutable state, and the immutable catalog with its indexes."""

    state: State
    changes: Changes
    """It survives a reset of the state."""
    catalog: Catalog
    keyword_index: KeywordIndex
    image_index: ImageIndex


def create_context(callback_url: str | None = None) -> SandboxContext:
    """Return a context in its initial state. Messages are pushed to `callback_url`, if there is one."""
    catalog = Catalog()
    return SandboxContext(
        state=State(callback_url=callback_url),
        changes=Changes(),
        catalog=catalog,
        keyword_index=KeywordIndex(catalog),
        image_index=ImageIndex(catalog),
    )

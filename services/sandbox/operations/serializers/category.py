"""Categories as the category API tells them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from services.sandbox.catalog.categories import DEPARTMENTS

_Row = dict[str, Any]
_PROCESSING = {"key": "name", "value": "jiagong", "status": 0, "hierarchy": True}


def category_row(category_id: int) -> Mapping[str, Any] | None:
    """The row of a category; 0 is the root. None if there is no such category."""
    return _rows().get(category_id)


@cache
def _rows() -> Mapping[int, _Row]:
    return {row["categoryID"]: row for row in _walk()}


def _walk() -> Iterator[_Row]:
    yield _row(0, "root", 0, [], [(top.category_id, top.name.zh) for top in DEPARTMENTS])
    for department in DEPARTMENTS:
        parent = department.category_id
        aisles = [(aisle.category_id, aisle.name.zh) for aisle in department.aisles]
        yield _row(parent, department.name.zh, 1, [0], aisles)
        for aisle in department.aisles:
            kinds = [(kind.category_id, kind.noun.zh) for kind in aisle.kinds]
            yield _row(aisle.category_id, aisle.name.zh, 2, [parent], kinds, leaves_below=True)
            for kind in aisle.kinds:
                yield _row(kind.category_id, kind.noun.zh, 3, [aisle.category_id], [])


def _row(
    category_id: int,
    name: str,
    level: int,
    parents: list[int],
    children: Sequence[tuple[int, str]],
    *,
    leaves_below: bool = False,
) -> _Row:
    leaf = not children
    return {
        "categoryID": category_id,
        "name": name,
        "level": level,
        "isLeaf": leaf,
        "parentIDs": parents,
        # The platform leaves childIDs empty; childCategorys is what is filled.
        "childIDs": [],
        "childCategorys": [
            {"id": child, "name": child_name, "isLeaf": leaves_below, "categoryType": "1"}
            for child, child_name in children
        ],
        "minOrderQuantity": 1 if leaf else None,
        "featureInfos": [_PROCESSING] if leaf else [],
        "categoryType": "1",
        "isSupportProcessing": leaf,
    }

"""Serializes categories as the category API returns them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from services.sandbox.catalog.categories import TOP_CATEGORIES

_PROCESSING = {"key": "name", "value": "jiagong", "status": 0, "hierarchy": True}


def serialize_category(category_id: int) -> Mapping[str, Any] | None:
    """Return a category with its children; 0 is the root. None if there is no such category."""
    return _serialize_all().get(category_id)


@cache
def _serialize_all() -> Mapping[int, Mapping[str, Any]]:
    return {category["categoryID"]: category for category in _walk()}


def _walk() -> Iterator[Mapping[str, Any]]:
    yield _serialize(0, "root", 0, [], [(top.category_id, top.name.zh) for top in TOP_CATEGORIES])
    for top in TOP_CATEGORIES:
        children = [(second.category_id, second.name.zh) for second in top.second_categories]
        yield _serialize(top.category_id, top.name.zh, 1, [0], children)
        for second in top.second_categories:
            children = [(third.category_id, third.noun.zh) for third in second.third_categories]
            yield _serialize(
                second.category_id, second.name.zh, 2, [top.category_id], children, children_are_leaves=True
            )
            for third in second.third_categories:
                yield _serialize(third.category_id, third.noun.zh, 3, [second.category_id], [])


def _serialize(
    category_id: int,
    name: str,
    level: int,
    parents: list[int],
    children: Sequence[tuple[int, str]],
    *,
    children_are_leaves: bool = False,
) -> Mapping[str, Any]:
    is_leaf = not children
    return {
        "categoryID": category_id,
        "name": name,
        "level": level,
        "isLeaf": is_leaf,
        "parentIDs": parents,
        # 1688 leaves childIDs empty, and fills childCategorys.
        "childIDs": [],
        "childCategorys": [
            {"id": child_id, "name": child_name, "isLeaf": children_are_leaves, "categoryType": "1"}
            for child_id, child_name in children
        ],
        "minOrderQuantity": 1 if is_leaf else None,
        "featureInfos": [_PROCESSING] if is_leaf else [],
        "categoryType": "1",
        "isSupportProcessing": is_leaf,
    }

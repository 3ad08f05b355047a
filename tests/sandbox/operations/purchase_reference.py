"""The members that docs/upstream/purchase documents for the responses of purchase operations."""

import json
from functools import cache
from pathlib import Path

import yaml

REFERENCE = Path(__file__).parents[3] / "docs" / "upstream" / "purchase"
SAMPLES = REFERENCE / "samples"
"""Samples of the operations that OrderSyncService does not serve."""
SERVED_SAMPLES = Path(__file__).parents[2] / "samples"
"""Samples of those that it serves, among others."""

# A member whose type is such a map or object has members that the reference does not list one by one.
_SAME_MEMBERS = {
    "result[].logisticsOrderSendGood[]": "result[].logisticsOrderGoods[]",
    "orderPreviewResuslt[].cargoList[].cargoPromotionList[]": "orderPreviewResuslt[].shopPromotionList[]",
}


def read_sample(name):
    """Return the body of a sample of the open platform."""
    file_name = f"{name.replace('/', '.open_platform.')}.json"
    served = next((SERVED_SAMPLES / "responses").rglob(file_name), SAMPLES / file_name)
    return json.loads(served.read_text())


@cache
def _load_operations():
    # The loader in Python takes seconds.
    text = (REFERENCE / "purchase.yaml").read_text()
    return yaml.load(text, yaml.CSafeLoader)["operations"]


@cache
def read_members(slug):
    """Return the paths of all members of an operation's response, each with the objects that hold it."""
    (operation,) = (operation for operation in _load_operations() if operation["slug"] == slug)
    fields = operation["response"]["open_platform"]["fields"]
    paths = set()
    for field in fields:
        # Undocumented members share a line.
        for path in field["path"].split(", "):
            parts = path.split(".")
            paths |= {".".join(parts[: count + 1]) for count in range(len(parts))}
            if field["type"].startswith("Map<"):
                paths.add(f"{path}.*")
    for copy, original in _SAME_MEMBERS.items():
        paths |= {path.replace(original, copy, 1) for path in paths if path.startswith(f"{original}.")}
    return frozenset(path.replace("[]", "") for path in paths)


def collect_kinds(value, path="", kinds=None):
    """Return the JSON types of each member in a body by path. Lists have the path of their elements.

    An integer is a number: 1688 sends amounts of yuan without a fraction if there is none.
    """
    kinds = {} if kinds is None else kinds
    if isinstance(value, list):
        for member in value:
            collect_kinds(member, path, kinds)
        if path:
            kinds.setdefault(path, set())
        return kinds
    if path:
        kind = {int: "number", float: "number", type(None): None}.get(type(value), type(value).__name__)
        kinds.setdefault(path, set()).add(kind)
    if isinstance(value, dict):
        for name, member in value.items():
            collect_kinds(member, f"{path}.{name}" if path else name, kinds)
    return kinds


def collect_sample_kinds(names):
    """Return the types of the members that all these samples have, and of the other members."""
    samples = [collect_kinds(read_sample(name)) for name in names]
    common = set.intersection(*map(set, samples))
    kinds = {
        path: set().union(*(sample.get(path, set()) for sample in samples)) for path in set().union(*samples)
    }
    return common, kinds

"""Builds all pages of the reference."""

import re
from collections import Counter

from tools.reference.errors_page import errors_page
from tools.reference.index_page import index_page
from tools.reference.markdown import anchor
from tools.reference.proto_comments import ProtoComments
from tools.reference.reachability import Reachability
from tools.reference.service_page import service_page
from tools.reference.services import ERRORS_PAGE, SERVICE_PAGES

HEADER = "<!-- Generated from protos/ by `make reference`; do not edit. -->"


class BrokenLink(Exception):
    """A link without a target, or two sections with the same heading."""


def build_pages() -> dict[str, str]:
    """Return file name -> text. Raises BrokenLink."""
    comments, reachability = ProtoComments(), Reachability()
    built = {
        page: service_page(service, page, comments, reachability) for page, service in SERVICE_PAGES.items()
    }
    built[ERRORS_PAGE] = errors_page(comments)
    built["README.md"] = index_page(comments)
    _check_links(built)
    return {name: f"{HEADER}\n\n{text.strip()}\n" for name, text in sorted(built.items())}


def _check_links(built: dict[str, str]) -> None:
    anchors = {
        page: [anchor(text) for text in re.findall(r"^#+ (.*)$", body, re.M)] for page, body in built.items()
    }
    for page, page_anchors in anchors.items():
        duplicates = [name for name, count in Counter(page_anchors).items() if count > 1]
        if duplicates:
            raise BrokenLink(f"{page}: several sections have the heading {', '.join(duplicates)}")
    for page, body in built.items():
        for target, target_anchor in re.findall(r"\]\(((?:\w+\.md)?)#([^)]+)\)", body):
            if target_anchor not in anchors[target or page]:
                raise BrokenLink(f"{page}: {target}#{target_anchor}")

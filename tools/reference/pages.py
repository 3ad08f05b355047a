"""All pages of the reference."""

import re
from collections import Counter

from tools.reference.comments import Comments
from tools.reference.errors_page import errors_page
from tools.reference.index_page import index_page
from tools.reference.prose import anchor
from tools.reference.service_page import service_page
from tools.reference.services import ERRORS_PAGE, SERVED
from tools.reference.travel import Travel

NOTE = "<!-- Made by `make reference` from protos/; do not edit. -->"


class BrokenLink(Exception):
    """A link that leads nowhere, or a heading that two sections share."""


def pages() -> dict[str, str]:
    """Return name -> text. Raises BrokenLink."""
    comments, travel = Comments(), Travel()
    made = {page: service_page(service, page, comments, travel) for page, service in SERVED.items()}
    made[ERRORS_PAGE] = errors_page(comments)
    made["README.md"] = index_page(comments)
    _check_links(made)
    return {name: f"{NOTE}\n\n{text.strip()}\n" for name, text in sorted(made.items())}


def _check_links(made: dict[str, str]) -> None:
    anchors = {
        page: [anchor(text) for text in re.findall(r"^#+ (.*)$", body, re.M)] for page, body in made.items()
    }
    for page, found in anchors.items():
        shared = [name for name, times in Counter(found).items() if times > 1]
        if shared:
            raise BrokenLink(f"{page}: several sections are called {', '.join(shared)}")
    for page, body in made.items():
        for target, place in re.findall(r"\]\(((?:\w+\.md)?)#([^)]+)\)", body):
            if place not in anchors[target or page]:
                raise BrokenLink(f"{page}: {target}#{place}")

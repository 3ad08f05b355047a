"""Renders proto comments as Markdown: joins lines, escapes characters, links names to their sections."""

import re

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from nationalsite.errors.v1 import ErrorReason

from tools.reference.services import ERRORS_PAGE, PAGE_OF_FILE, PAGE_OF_RPC, SERVICE_PAGES, package_files

PREFIX = "ERROR_REASON_"
REASONS = {value.name.removeprefix(PREFIX) for value in ErrorReason.DESCRIPTOR.values if value.number}
LINKED_TYPES = {
    name: message
    for service in SERVICE_PAGES.values()
    for file in package_files(service)
    for name, message in file.message_types_by_name.items()
    if re.search(r"[a-z][A-Z]", name)
}
"""Messages to link where a text names them. A name of one word, such as Order, is an English word too."""
_REASON = re.compile(rf"\b(?:{'|'.join(sorted(REASONS))})\b")
# Code and names of 1688 are kept, because they can be spelled like a name of ours. Other words may be names.
_PARTS = re.compile(
    r"(?P<kept>`[^`]*`|\(1688:[^)]*\))|(?P<word>\b[A-Z][A-Za-z_]*[A-Za-z]\b)|(?P<special>[*<>|])"
)
_ESCAPES = {"*": "\\*", "<": "&lt;", ">": "&gt;", "|": "\\|"}
_EXTERNAL_LINKS = {
    "google.protobuf.Timestamp": "https://protobuf.dev/reference/protobuf/google.protobuf/#timestamp",
    "google.protobuf.Duration": "https://protobuf.dev/reference/protobuf/google.protobuf/#duration",
    "google.type.Money": "https://github.com/googleapis/googleapis/blob/master/google/type/money.proto",
    "google.type.Decimal": "https://github.com/googleapis/googleapis/blob/master/google/type/decimal.proto",
    "google.rpc.Status": "https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto",
}
"""Documentation of types that are not ours."""


class MarkdownPage:
    """Renders text for one page; links are relative to the page."""

    def __init__(self, page: str) -> None:
        self._page = page

    def paragraphs(self, comment: str) -> str:
        """Return a comment as paragraphs."""
        return "\n\n".join(self.inline(paragraph) for paragraph in comment.split("\n\n"))

    def link_reasons(self, markdown: str) -> str:
        """Return Markdown as one line, with reasons linked."""
        return _REASON.sub(lambda match: self.reason_link(match[0]), " ".join(markdown.split()))

    def cell(self, comment: str) -> str:
        """Return a comment for a cell of a table."""
        return "<br>".join(self.inline(paragraph) for paragraph in comment.split("\n\n"))

    def inline(self, text: str) -> str:
        """Return text as one line, with names linked."""
        return _PARTS.sub(self._replace, " ".join(text.split()))

    def _replace(self, match: re.Match[str]) -> str:
        if match["special"]:
            return _ESCAPES[match["special"]]
        if match["kept"]:
            return match["kept"].replace("|", "\\|")
        word = match["word"]
        if word in REASONS:
            return self.reason_link(word)
        if word in PAGE_OF_RPC:
            return self.rpc_link(word)
        return self.type_link(LINKED_TYPES[word]) if word in LINKED_TYPES else word

    def reason_link(self, name: str) -> str:
        """Return a link to a reason; `name` has no prefix."""
        return self._link(name, ERRORS_PAGE, name)

    def rpc_link(self, name: str) -> str:
        """Return a link to an RPC."""
        return self._link(name, PAGE_OF_RPC[name], name)

    def type_link(self, type_: Descriptor | EnumDescriptor) -> str:
        """Return a link to a message or an enum."""
        if type_.full_name in _EXTERNAL_LINKS:
            return f"[{type_.name}]({_EXTERNAL_LINKS[type_.full_name]})"
        return self._link(short_name(type_), PAGE_OF_FILE[type_.file.name], short_name(type_))

    def _link(self, text: str, page: str, heading: str) -> str:
        return f"[{text}]({'' if page == self._page else page}#{anchor(heading)})"


def short_name(type_: Descriptor | EnumDescriptor) -> str:
    """Return the name of a type within its package, for example StreamMessagesRequest.Open."""
    name: str = type_.full_name
    return name.removeprefix(f"{type_.file.package}.")


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def code(text: str) -> str:
    """Return text as inline code that is valid in a table."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|")


def first_sentence(comment: str) -> str:
    """Return the first sentence of a comment, without 1688's name in parentheses at its end."""
    sentence = re.split(r"\.(?:\s|$)", " ".join(comment.split("\n\n", maxsplit=1)[0].split()), maxsplit=1)[0]
    return re.sub(r" \(1688: [^)]*\)?$", "", sentence)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

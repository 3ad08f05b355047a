"""Comments as Markdown: paragraphs joined, Markdown's characters escaped, names linked to sections."""

import re

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from nationalsite.errors.v1 import ErrorReason

from tools.reference.services import ERRORS_PAGE, PAGE_OF_FILE, PAGE_OF_RPC, SERVED, package_files

PREFIX = "ERROR_REASON_"
REASONS = {value.name.removeprefix(PREFIX) for value in ErrorReason.DESCRIPTOR.values if value.number}
TYPES = {
    name: kind
    for service in SERVED.values()
    for file in package_files(service)
    for name, kind in file.message_types_by_name.items()
    if re.search(r"[a-z][A-Z]", name)
}
"""Messages that a text can mean: names of one word, such as Order, are words first."""
_REASON = re.compile(rf"\b(?:{'|'.join(sorted(REASONS))})\b")
# Code, what 1688 calls something (which may be spelled like a name of ours), and words that may be names.
_PARTS = re.compile(
    r"(?P<kept>`[^`]*`|\(1688:[^)]*\))|(?P<word>\b[A-Z][A-Za-z_]*[A-Za-z]\b)|(?P<sign>[*<>|])"
)
_SIGNS = {"*": "\\*", "<": "&lt;", ">": "&gt;", "|": "\\|"}
_SITES = {
    "google.protobuf.Timestamp": "https://protobuf.dev/reference/protobuf/google.protobuf/#timestamp",
    "google.protobuf.Duration": "https://protobuf.dev/reference/protobuf/google.protobuf/#duration",
    "google.type.Money": "https://github.com/googleapis/googleapis/blob/master/google/type/money.proto",
    "google.rpc.Status": "https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto",
}
"""Where other people's types are explained."""


class Prose:
    """Text on one page: a name's link is relative to it."""

    def __init__(self, page: str) -> None:
        self._page = page

    def paragraphs(self, comment: str) -> str:
        """Return a comment as paragraphs."""
        return "\n\n".join(self.line(paragraph) for paragraph in comment.split("\n\n"))

    def raw(self, markdown: str) -> str:
        """Return Markdown as one line, with reasons linked."""
        return _REASON.sub(lambda found: self.reason(found[0]), " ".join(markdown.split()))

    def cell(self, comment: str) -> str:
        """Return a comment for a cell of a table."""
        return "<br>".join(self.line(paragraph) for paragraph in comment.split("\n\n"))

    def line(self, text: str) -> str:
        """Return text as one line, with names linked."""
        return _PARTS.sub(self._part, " ".join(text.split()))

    def _part(self, found: re.Match[str]) -> str:
        if found["sign"]:
            return _SIGNS[found["sign"]]
        if found["kept"]:
            return found["kept"].replace("|", "\\|")
        word = found["word"]
        if word in REASONS:
            return self.reason(word)
        if word in PAGE_OF_RPC:
            return self.rpc(word)
        return self.type(TYPES[word]) if word in TYPES else word

    def reason(self, name: str) -> str:
        """Return a link to a reason, named without its prefix."""
        return self._link(name, ERRORS_PAGE, name)

    def rpc(self, name: str) -> str:
        """Return a link to an RPC."""
        return self._link(name, PAGE_OF_RPC[name], name)

    def type(self, kind: Descriptor | EnumDescriptor) -> str:
        """Return a link to a message or an enum."""
        if kind.full_name in _SITES:
            return f"[{kind.name}]({_SITES[kind.full_name]})"
        return self._link(short_name(kind), PAGE_OF_FILE[kind.file.name], short_name(kind))

    def _link(self, text: str, page: str, heading: str) -> str:
        return f"[{text}]({'' if page == self._page else page}#{anchor(heading)})"


def short_name(kind: Descriptor | EnumDescriptor) -> str:
    """Return a type's name within its package, such as StreamMessagesRequest.Open."""
    name: str = kind.full_name
    return name.removeprefix(f"{kind.file.package}.")


def anchor(heading: str) -> str:
    """Return what a heading's address is made of, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def code(text: str) -> str:
    """Return text as code that may stand in a cell of a table."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}".replace("|", "\\|")


def first_sentence(comment: str) -> str:
    """Return what a comment begins with, without what stands in its last parentheses."""
    sentence = re.split(r"\.(?:\s|$)", " ".join(comment.split("\n\n", maxsplit=1)[0].split()), maxsplit=1)[0]
    return re.sub(r" \(1688: [^)]*\)?$", "", sentence)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

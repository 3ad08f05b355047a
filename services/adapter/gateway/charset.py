"""Converts the bodies of responses to UTF-8, by the charset that their header names."""

from email.message import Message
from functools import lru_cache

_GB18030 = frozenset({"gbk", "x-gbk", "cp936", "ms936", "gb2312", "gb_2312-80", "euc-cn", "gb18030"})
"""Charsets that GB18030 includes."""


def to_utf8(body: bytes, content_type: str) -> bytes:
    """Return a body in UTF-8 if the value of its Content-Type names a charset of GB18030, else unchanged.

    A body that is not in the named charset is unchanged too. Other charsets are not believed: servers name
    ISO-8859-1 for every text. The parser of the body decides about bytes that are not UTF-8.
    """
    if not _is_gb18030(content_type):
        return body
    try:
        return body.decode("gb18030").encode()
    except ValueError:
        return body


@lru_cache(maxsize=64)  # servers send few different values
def _is_gb18030(content_type: str) -> bool:
    header = Message()
    header["Content-Type"] = content_type
    return header.get_content_charset() in _GB18030

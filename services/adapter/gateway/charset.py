"""Converts the bodies of responses to UTF-8, by the charset that their header names."""

from email.message import Message

_GB18030 = frozenset({"gbk", "x-gbk", "cp936", "ms936", "gb2312", "gb_2312-80", "euc-cn", "gb18030"})
"""Charsets that GB18030 includes."""


def to_utf8(body: bytes, content_type: str) -> bytes:
    """Return a body in UTF-8 if the value of its Content-Type names a charset of GB18030, else unchanged.

    A body that is not in the named charset is unchanged too. Other charsets are not believed: servers name
    ISO-8859-1 for every text. The parser of the body decides about bytes that are not UTF-8.
    """
    header = Message()
    header["Content-Type"] = content_type
    if (header.get_content_charset() or "") not in _GB18030:
        return body
    try:
        return body.decode("gb18030").encode()
    except ValueError:
        return body

"""Parameters of a push are decoded as the standard library decodes them."""

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.order_sync.callback import _parse_form

ESCAPES = st.sampled_from(
    [b"%", b"%4", b"%41", b"%E4%b8%AD", b"%0D%0A", b"%3d", b"%zz", b"=", b"\n", b"\r", b"_", b"+"]
)
TEXTS = st.lists(ESCAPES | st.binary(max_size=4), max_size=12).map(b"".join)


@given(name=TEXTS, value=TEXTS)
@example(name=b"message", value=b"=\n%3D=41%zz%")
def test_escapes_are_decoded(name: bytes, value: bytes) -> None:
    name, value = name.replace(b"&", b"").replace(b"=", b""), value.replace(b"&", b"")
    expected = [unquote_to_bytes(part.replace(b"+", b" ")) for part in (name, value)]
    assume(expected[0] != b"other")
    assert [*_parse_form(name + b"=" + value + b"&other").items()] == [tuple(expected), (b"other", b"")]


@pytest.mark.parametrize("text", [b"", b"a=1", b"a=1&b=2&c=3", b"&&"])
def test_a_form_has_two_parameters(text: bytes) -> None:
    assert _parse_form(text) == {}

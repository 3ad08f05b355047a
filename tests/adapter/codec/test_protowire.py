"""What is written is what protobuf's own parser reads, and what its own serializer writes."""

from google.protobuf import wrappers_pb2
from google.type import money_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.adapter.codec import protowire as wire

INT64 = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 127, 128, 2**31, 2**63 - 1, -1, -(2**63)])


@given(INT64)
def test_varints(number: int) -> None:
    data = wire.tag(1, wire.VARINT) + wire.varint(number)
    assert wrappers_pb2.Int64Value.FromString(data).value == number
    if number:
        assert wrappers_pb2.Int64Value(value=number).SerializeToString() == data


@given(st.integers(-(2**31), 2**31 - 1))
def test_int32(number: int) -> None:
    """Negative ones take ten bytes, as protobuf writes them."""
    data = wire.tag(3, wire.VARINT) + wire.varint(number)
    assert money_pb2.Money.FromString(data).nanos == number
    if number:
        assert money_pb2.Money(nanos=number).SerializeToString() == data


@given(st.booleans())
def test_bools(value: bool) -> None:
    data = wire.tag(1, wire.VARINT) + wire.varint(value)
    assert wrappers_pb2.BoolValue.FromString(data).value is value


@given(st.floats(allow_nan=False))
def test_doubles(number: float) -> None:
    data = wire.tag(1, wire.FIXED64) + wire.double(number)
    assert wrappers_pb2.DoubleValue.FromString(data).value == number


@given(st.binary(max_size=300))
def test_lengths(value: bytes) -> None:
    data = wire.tag(1, wire.LENGTH) + wire.varint(len(value)) + value
    assert wrappers_pb2.BytesValue.FromString(data).value == value
    if value:
        assert wrappers_pb2.BytesValue(value=value).SerializeToString() == data


@given(st.integers(1, 2**29 - 1), st.sampled_from([wire.VARINT, wire.FIXED64, wire.LENGTH]), INT64)
def test_tags(number: int, kind: int, value: int) -> None:
    """A field of any number is passed over by a message that does not know it, and what follows is read."""
    content = {
        wire.VARINT: wire.varint(value),
        wire.FIXED64: b"12345678",
        wire.LENGTH: wire.varint(3) + b"abc",
    }
    unknown = wire.tag(number, kind) + content[kind]
    known = wire.tag(1, wire.VARINT) + wire.varint(7)
    assert wrappers_pb2.Int64Value.FromString(unknown + known).value == 7

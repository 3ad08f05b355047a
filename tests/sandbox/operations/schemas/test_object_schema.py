import pytest

from services.sandbox.http.envelopes import InvalidArgument
from services.sandbox.operations.schemas import object_schema
from services.sandbox.operations.schemas.object_schema import ObjectSchema

ORDER = ObjectSchema(
    members={"id": object_schema.is_id, "word": object_schema.one_of("a", "b")},
    required=("id",),
    children="parts",
    required_without_children=("word",),
)


@pytest.mark.parametrize(
    ("check", "valid", "invalid"),
    [
        (object_schema.is_id, [1, 2**63 - 1], ["1", 0, -1, 1.0, True, 2**63]),
        (object_schema.is_amount, [0, 300], ["300", -1, 3.5, False]),
        (object_schema.is_text, ["x"], ["", " ", 1]),
        (object_schema.is_digits, ["1", "9" * 19], ["", "1.0", "x", "１", 1, "9" * 20]),
        (
            object_schema.is_date,
            ["2026-09-03 09:10:10", 1788400000000],
            ["2026-09-03", "2026-13-03 09:10:10", "2026-9-3 9:10:10", "1788400000000", 1788400000, True],
        ),
        (
            object_schema.is_date_parameter,
            ["2026-09-03 09:10:10", "1788400000000", "20260903091010000+0800"],
            ["1788400000", 1788400000000, "20261303091010000+0800", "x"],
        ),
        (object_schema.one_of(0, 1), [0, 1], ["0", 2, True]),
        (object_schema.any_of(object_schema.is_id, object_schema.is_digits), [5, "5"], [5.0, ""]),
    ],
)
def test_type_checks(check, valid, invalid):
    assert [check(value) for value in valid] == [True] * len(valid)
    assert [check(value) for value in invalid] == [False] * len(invalid)


@pytest.mark.parametrize(
    "value",
    [
        {"id": 1, "word": "a"},
        {"id": 1, "parts": [{"id": 2, "word": "b"}]},
        {"id": 1, "word": "a", "parts": None},
    ],
)
def test_valid_objects(value):
    ORDER.validate(value, "order")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "order: an object is needed"),
        ({"word": "a"}, "order.id: required"),
        ({"id": None, "word": "a"}, "order.id: required"),
        ({"id": 1}, "order.word: required"),
        ({"id": 1, "parts": []}, "order.word: required"),
        ({"id": 1, "word": "c"}, "order.word: not as documented"),
        ({"id": 1, "word": "a", "words": 1}, "order.words: not a member"),
        ({"id": 1, "parts": {}}, "order.parts: a list is needed"),
        ({"id": 1, "parts": [{"id": 2, "word": "a"}, {"id": 3}]}, "order.parts[1].word: required"),
    ],
)
def test_invalid_objects(value, message):
    with pytest.raises(InvalidArgument) as invalid:
        ORDER.validate(value, "order")
    assert str(invalid.value) == message

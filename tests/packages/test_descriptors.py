"""gen/descriptors/nationalsite-client.binpb: what callers get of the protos."""

import re

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from nationalsite.upstream import v1 as upstream_v1

from services.validation import buf_validate
from tools.generation.sources import CLIENT_DESCRIPTORS, DESCRIPTORS, INTERNAL

OPTIONS = (buf_validate, upstream_v1)
"""The text of a descriptor names options only if their modules are loaded."""
ALL, CLIENT = (
    {file.name: file for file in FileDescriptorSet.FromString(path.read_bytes()).file}
    for path in (DESCRIPTORS, CLIENT_DESCRIPTORS)
)
OURS = [name for name in CLIENT if name.startswith("nationalsite/")]


def _text(file: FileDescriptorProto) -> str:
    copy = FileDescriptorProto()
    copy.CopyFrom(file)
    copy.ClearField("source_code_info")
    return str(copy)


def _comments(file: FileDescriptorProto) -> list[str]:
    return [
        location.leading_comments for location in file.source_code_info.location if location.leading_comments
    ]


def test_only_internal_protos_are_missing() -> None:
    assert list(CLIENT) == [name for name in ALL if not name.startswith(INTERNAL)]
    assert ALL.keys() > CLIENT.keys()


def test_options_for_1688_are_gone() -> None:
    assert any("nationalsite.upstream.v1" in _text(ALL[name]) for name in OURS)
    for name in OURS:
        assert "nationalsite.upstream.v1" not in _text(CLIENT[name])
        assert "nationalsite/upstream" not in _text(CLIENT[name])


def test_rules_and_comments_stay() -> None:
    for name in OURS:
        assert re.findall(r"\[buf.validate.*", _text(CLIENT[name])) == re.findall(
            r"\[buf.validate.*", _text(ALL[name])
        )
        assert _comments(CLIENT[name]) == _comments(ALL[name])

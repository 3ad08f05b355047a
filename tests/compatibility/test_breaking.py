"""`make breaking` accepts changes that old clients can handle, and rejects all others."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

from tests.compatibility.schema_edits import (
    DESCRIPTORS,
    PRODUCT,
    Release,
    add_oneof_member,
    find_field,
    remove,
    remove_field,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

ERRORS = "nationalsite/errors/v1"

Edit = Callable[[Release], None]


def _delete_field(release: Release) -> None:
    remove_field(release.message(PRODUCT, "Offer"), "subject")


def _rename_field(release: Release) -> None:
    find_field(release.message(PRODUCT, "Offer"), "subject").name = "title"


def _retype_field(release: Release) -> None:
    find_field(release.message(PRODUCT, "Offer"), "subject").type = FieldDescriptorProto.TYPE_BYTES


def _renumber_field(release: Release) -> None:
    find_field(release.message(PRODUCT, "Offer"), "subject").number = 100


def _make_singular(release: Release) -> None:
    find_field(
        release.message(PRODUCT, "SearchByKeywordResponse"), "offers"
    ).label = FieldDescriptorProto.LABEL_OPTIONAL


def _delete_oneof_member(release: Release) -> None:
    remove_field(release.message(PRODUCT, "SearchByImageRequest"), "image_address")


def _delete_value(release: Release) -> None:
    remove(release.enum(PRODUCT, "SortOrder").value, "SORT_ORDER_DESC")


def _delete_message(release: Release) -> None:
    remove(release.file(PRODUCT, "FeatureInfo").message_type, "FeatureInfo")
    remove_field(release.message(PRODUCT, "Category"), "feature_infos")


def _delete_rpc(release: Release) -> None:
    remove(release.service(PRODUCT).method, "GetCategory")


def _rename_rpc(release: Release) -> None:
    next(rpc for rpc in release.service(PRODUCT).method if rpc.name == "GetCategory").name = "ReadCategory"


def _delete_reason(release: Release) -> None:
    remove(release.enum(ERRORS, "ErrorReason").value, "ERROR_REASON_UPSTREAM_TOO_EARLY")


def _stream_responses(release: Release) -> None:
    next(rpc for rpc in release.service(PRODUCT).method if rpc.name == "GetCategory").server_streaming = True


def _move_package(release: Release) -> None:
    release.file(PRODUCT, "Offer").options.go_package = "example.com/elsewhere;productv1"


BREAKING = (
    _delete_field,
    _rename_field,
    _retype_field,
    _renumber_field,
    _make_singular,
    _delete_oneof_member,
    _delete_value,
    _delete_message,
    _delete_rpc,
    _rename_rpc,
    _delete_reason,
    _stream_responses,
    _move_package,
)


def _add_field(release: Release) -> None:
    release.message(PRODUCT, "Offer").field.add(
        name="news", number=100, type="TYPE_STRING", label="LABEL_OPTIONAL"
    )


def _add_value(release: Release) -> None:
    release.enum(PRODUCT, "SortOrder").value.add(name="SORT_ORDER_SHUFFLED", number=100)


def _add_oneof_member(release: Release) -> None:
    member = FieldDescriptorProto(name="news", number=100, type="TYPE_STRING", label="LABEL_OPTIONAL")
    add_oneof_member(release.message(PRODUCT, "SearchByImageRequest"), "image_source", member)


def _add_rpc(release: Release) -> None:
    existing = release.service(PRODUCT).method[0]
    release.service(PRODUCT).method.add(
        name="News", input_type=existing.input_type, output_type=existing.output_type
    )


def _deprecate_field(release: Release) -> None:
    find_field(release.message(PRODUCT, "Offer"), "subject").options.deprecated = True


COMPATIBLE = (_add_field, _add_value, _add_oneof_member, _add_rpc, _deprecate_field)


def _run_make_breaking(
    descriptors: FileDescriptorSet, folder: Path, baseline: Path = DESCRIPTORS
) -> subprocess.CompletedProcess[str]:
    path = folder / "image.binpb"
    path.write_bytes(descriptors.SerializeToString())
    # This test runs in the environment, so make must not rebuild it.
    command = ["make", "--silent", "--old-file=.venv/.ready", "breaking"]
    command += [f"DESCRIPTORS={path}", f"BASELINE={baseline}"]
    return subprocess.run(  # noqa: S603 # a target of this repository
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("edit", BREAKING, ids=lambda edit: edit.__name__.strip("_"))
def test_breaking_changes_are_rejected(edit: Edit, tmp_path: Path) -> None:
    process = _run_make_breaking(Release(edit).descriptors, tmp_path)
    assert process.returncode != 0
    assert "nationalsite/" in process.stdout + process.stderr


@pytest.mark.parametrize("edit", COMPATIBLE, ids=lambda edit: edit.__name__.strip("_"))
def test_compatible_changes_are_accepted(edit: Edit, tmp_path: Path) -> None:
    process = _run_make_breaking(Release(edit).descriptors, tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr


def test_nothing_breaks_before_the_first_release(tmp_path: Path) -> None:
    """The baseline is an empty descriptor set until then."""
    baseline = tmp_path / "baseline.binpb"
    baseline.write_bytes(FileDescriptorSet().SerializeToString())
    process = _run_make_breaking(Release(_delete_message).descriptors, tmp_path, baseline)
    assert process.returncode == 0, process.stdout + process.stderr

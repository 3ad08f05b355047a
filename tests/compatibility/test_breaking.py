"""`make breaking` lets through what old clients get on with, and nothing else."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

from tests.compatibility.surgery import IMAGE, PRODUCT, Release, add_arm, drop, drop_field, field

ROOT = Path(__file__).resolve().parents[2]

Cut = Callable[[Release], None]


def _delete_field(release: Release) -> None:
    drop_field(release.message(PRODUCT, "Offer"), "subject")


def _rename_field(release: Release) -> None:
    field(release.message(PRODUCT, "Offer"), "subject").name = "title"


def _retype_field(release: Release) -> None:
    field(release.message(PRODUCT, "Offer"), "subject").type = 12  # bytes


def _renumber_field(release: Release) -> None:
    field(release.message(PRODUCT, "Offer"), "subject").number = 100


def _make_singular(release: Release) -> None:
    field(release.message(PRODUCT, "SearchByKeywordResponse"), "offers").label = 1  # optional


def _delete_arm(release: Release) -> None:
    drop_field(release.message(PRODUCT, "SearchByImageRequest"), "image_address")


def _delete_value(release: Release) -> None:
    drop(release.enum(PRODUCT, "SortOrder").value, "SORT_ORDER_DESC")


def _delete_message(release: Release) -> None:
    drop(release.file(PRODUCT, "FeatureInfo").message_type, "FeatureInfo")
    drop_field(release.message(PRODUCT, "Category"), "feature_infos")


def _delete_rpc(release: Release) -> None:
    drop(release.service(PRODUCT).method, "GetCategory")


def _stream_answers(release: Release) -> None:
    next(rpc for rpc in release.service(PRODUCT).method if rpc.name == "GetCategory").server_streaming = True


def _move_package(release: Release) -> None:
    release.file(PRODUCT, "Offer").options.go_package = "example.com/elsewhere;productv1"


BREAKING = (
    _delete_field,
    _rename_field,
    _retype_field,
    _renumber_field,
    _make_singular,
    _delete_arm,
    _delete_value,
    _delete_message,
    _delete_rpc,
    _stream_answers,
    _move_package,
)


def _add_field(release: Release) -> None:
    release.message(PRODUCT, "Offer").field.add(
        name="news", number=100, type="TYPE_STRING", label="LABEL_OPTIONAL"
    )


def _add_value(release: Release) -> None:
    release.enum(PRODUCT, "SortOrder").value.add(name="SORT_ORDER_SHUFFLED", number=100)


def _add_arm(release: Release) -> None:
    arm = FieldDescriptorProto(name="news", number=100, type="TYPE_STRING", label="LABEL_OPTIONAL")
    add_arm(release.message(PRODUCT, "SearchByImageRequest"), "picture", arm)


def _add_rpc(release: Release) -> None:
    known = release.service(PRODUCT).method[0]
    release.service(PRODUCT).method.add(
        name="News", input_type=known.input_type, output_type=known.output_type
    )


def _deprecate_field(release: Release) -> None:
    field(release.message(PRODUCT, "Offer"), "subject").options.deprecated = True


HARMLESS = (_add_field, _add_value, _add_arm, _add_rpc, _deprecate_field)


def _check(
    image: FileDescriptorSet, folder: Path, baseline: Path = IMAGE
) -> subprocess.CompletedProcess[str]:
    path = folder / "image.binpb"
    path.write_bytes(image.SerializeToString())
    # The environment is there, or this test would not run: it is not to be made anew.
    command = ["make", "--silent", "--old-file=.venv/.ready", "breaking"]
    command += [f"IMAGE={path}", f"BASELINE={baseline}"]
    return subprocess.run(  # noqa: S603 # our own target
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("cut", BREAKING, ids=lambda cut: cut.__name__.strip("_"))
def test_breaking_changes_are_caught(cut: Cut, tmp_path: Path) -> None:
    done = _check(Release(cut).image, tmp_path)
    assert done.returncode != 0
    assert PRODUCT in done.stdout + done.stderr


@pytest.mark.parametrize("cut", HARMLESS, ids=lambda cut: cut.__name__.strip("_"))
def test_additions_pass(cut: Cut, tmp_path: Path) -> None:
    done = _check(Release(cut).image, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_breaks_before_the_first_release(tmp_path: Path) -> None:
    """The baseline is an empty descriptor set until then."""
    baseline = tmp_path / "baseline.binpb"
    baseline.write_bytes(FileDescriptorSet().SerializeToString())
    done = _check(Release(_delete_message).image, tmp_path, baseline)
    assert done.returncode == 0, done.stdout + done.stderr

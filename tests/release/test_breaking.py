"""What a release promises beside the shape of the protos: what is listed, and which changes are found."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from nationalsite.errors import v1 as errors_v1
from nationalsite.upstream import v1 as upstream_v1
from prometheus_client import REGISTRY, Counter
from pydantic import Field
from pydantic_settings import BaseSettings

from services.settings_loader import SETTINGS_CONFIG
from services.validation import buf_validate
from tests.compatibility.schema_edits import PRODUCT, Release, find_field
from tools.generation.sources import ROOT
from tools.release import breaking, interface

Edit = Callable[[Release], None]
OFFER = ".nationalsite.product.v1.Offer"
SEARCH = "SearchByKeywordRequest"


def _list_options(release: Release) -> set[str]:
    files: list[FileDescriptorProto] = [
        file for file in release.descriptors.file if interface.is_public(file)
    ]
    return {*interface.list_errors(files), *interface.list_rules(files)}


def _rules(release: Release, field: str) -> Any:
    options: Any = find_field(release.message(PRODUCT, SEARCH), field).options
    return options.Extensions[buf_validate.field]


def _mapping(release: Release, rpc: str) -> upstream_v1.Operation:
    method = next(method for method in release.service(PRODUCT).method if method.name == rpc)
    return method.options.Extensions[upstream_v1.operation]


def _reason(release: Release, name: str) -> errors_v1.ReasonRule:
    enum = release.enum("nationalsite/errors/v1", "ErrorReason")
    value = next(value for value in enum.value if value.name == f"ERROR_REASON_{name}")
    return value.options.Extensions[errors_v1.rule]


def _tighten_a_rule(release: Release) -> None:
    _rules(release, "page_token").string.max_len = 100


def _add_a_rule_to_a_field(release: Release) -> None:
    _rules(release, "keyword_is_chinese").required = True


def _add_a_rule_to_a_message(release: Release) -> None:
    options: Any = release.message(PRODUCT, "GetCategoryRequest").options
    options.Extensions[buf_validate.message].cel.add(id="category", expression="false")


def _require_a_field_in_a_dialect(release: Release) -> None:
    find_field(release.message(PRODUCT, SEARCH), "country").options.Extensions[
        upstream_v1.field
    ].national_site.max_len = 3


def _take_an_operation_from_a_dialect(release: Release) -> None:
    _mapping(release, "GetFilterConfig").national_site.api = "-"


def _map_an_error_to_another_reason(release: Release) -> None:
    operation = _mapping(release, "GetProductDetail")
    for mapping in (*operation.error_mappings, *operation.open_platform.error_mappings):
        mapping.reason = errors_v1.ERROR_REASON_UPSTREAM_REFUSED


def _give_a_reason_another_status(release: Release) -> None:
    _reason(release, "OFFER_NOT_FOUND").status = 3


def _drop_a_key_of_metadata(release: Release) -> None:
    _reason(release, "OFFER_NOT_FOUND").metadata.remove("offerId")


NOTICED = {
    _tighten_a_rule: f"{SEARCH}.page_token",
    _add_a_rule_to_a_field: f"{SEARCH}.keyword_is_chinese",
    _add_a_rule_to_a_message: "GetCategoryRequest",
    _require_a_field_in_a_dialect: f"{SEARCH}.country",
    _take_an_operation_from_a_dialect: "GetFilterConfig",
    _map_an_error_to_another_reason: "GetProductDetail",
    _give_a_reason_another_status: "OFFER_NOT_FOUND",
    _drop_a_key_of_metadata: "OFFER_NOT_FOUND",
}


@pytest.mark.parametrize(("edit", "name"), NOTICED.items(), ids=lambda part: getattr(part, "__name__", ""))
def test_change_of_options_is_noticed(edit: Edit, name: str) -> None:
    gone = _list_options(Release(lambda _: None)) - _list_options(Release(edit))
    assert {line.split()[1] for line in gone} == {name}


def _add_a_field(release: Release) -> None:
    release.message(PRODUCT, SEARCH).field.add(name="news", number=100, type="TYPE_STRING")
    _rules(release, "news").string.max_len = 10


def _add_an_rpc(release: Release) -> None:
    added = release.service(PRODUCT).method.add(name="News", input_type=OFFER, output_type=OFFER)
    added.options.Extensions[upstream_v1.operation].api = "a:b-1"


def _improve_a_text(release: Release) -> None:
    for rule in _rules(release, "language").cel:
        rule.message = "must be one of 1688's languages"


def _map_another_error(release: Release) -> None:
    _mapping(release, "GetProductDetail").error_mappings.add(
        codes=["new"], reason=errors_v1.ERROR_REASON_OFFER_NOT_FOUND
    )


@pytest.mark.parametrize("edit", [_add_a_field, _add_an_rpc, _improve_a_text, _map_another_error])
def test_addition_to_options_is_allowed(edit: Edit) -> None:
    assert _list_options(Release(lambda _: None)) <= _list_options(Release(edit))


def test_settings() -> None:
    class Settings(BaseSettings):
        model_config = SETTINGS_CONFIG
        app_key: str
        grace_s: float = Field(25, validation_alias="NATIONALSITE_GRACE_SECONDS")

    assert list(interface.list_settings({"product": Settings})) == [
        "setting NATIONALSITE_APP_KEY product required",
        "setting NATIONALSITE_GRACE_SECONDS product 25",
    ]


def test_metrics() -> None:
    counter = Counter("nationalsite_news", "News.", ["rpc", "outcome"])
    try:
        assert "metric nationalsite_news counter rpc,outcome" in interface.list_metrics()
    finally:
        REGISTRY.unregister(counter)


def test_every_metric_and_alert_is_listed() -> None:
    lines = interface.list_interface(ROOT)
    names = {
        kind: {line.split()[1] for line in lines if line.startswith(f"{kind} ")}
        for kind in ("metric", "alert")
    }
    sources = "".join(path.read_text() for path in (ROOT / "services").rglob("*.py"))
    assert len(names["metric"]) == len(
        re.findall(r"= (?:Metric)?(?:Counter|Gauge|Histogram)\(\s*\"(?:nationalsite|grpc_server)_", sources)
    )
    assert len(names["alert"]) == (ROOT / interface.ALERTS).read_text().count("- alert: ")


@pytest.mark.parametrize(
    ("unreleased", "is_named"),
    [
        ("- NATIONALSITE_GRACE_SECONDS is 30 s.", True),
        ("- `NATIONALSITE_GRACE_SECONDS`: removed.", True),
        ("- NATIONALSITE_GRACE_SECONDS_MAX is new.", False),
        ("- OLD_NATIONALSITE_GRACE_SECONDS is new.", False),
        ("", False),
    ],
)
def test_change_has_to_be_named_in_the_change_log(unreleased: str, is_named: bool) -> None:
    gone = ["setting NATIONALSITE_GRACE_SECONDS product 25.0"]
    assert breaking.list_unnamed(gone, unreleased) == ([] if is_named else gone)

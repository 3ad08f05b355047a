"""The rules of the reasons in errors.proto are complete and consistent, and a broken rule is reported."""

import re

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from nationalsite.errors import v1 as errors_v1
from nationalsite.ordersync import v1 as ordersync_v1

from services import errors
from services.server.reason_rules import COMMON_METADATA, REASON_RULES
from services.server.status import to_rich_status
from tests.support.error_rules import BROKEN_RULES
from tests.support.status_details import parse_details

ORIGIN = errors.ErrorOrigin("GetDelivery")


def tree(of: type) -> set[type]:
    return {of}.union(*(tree(sub) for sub in of.__subclasses__()))


def test_every_reason_has_a_rule():
    reasons = {name.removeprefix("ERROR_REASON_") for name, _ in errors_v1.ErrorReason.items()}
    assert REASON_RULES.keys() == reasons - {"UNSPECIFIED"}
    assert grpc.StatusCode.OK not in {rule.status for rule in REASON_RULES.values()}


def test_every_used_reason_is_in_the_enum():
    assert {error.reason for error in tree(errors.NationalsiteError)} <= REASON_RULES.keys()


def test_retry_delay_and_retry_info_belong_together():
    for reason, rule in REASON_RULES.items():
        assert rule.retry != errors_v1.RETRY_UNSPECIFIED, reason
        assert ("RetryInfo" in rule.details) is (rule.retry_delay_ms is not None), reason
        assert rule.retry_delay_ms is None or rule.retry == errors_v1.RETRY_AFTER_DELAY, reason


def test_keys_are_json_names_and_never_of_fields_with_buyers_data():
    redacted = {
        field.json_name
        for name in ("account", "ordersync", "product")
        for message in _messages(f"nationalsite/{name}/v1/")
        for field in message.fields
        if field.GetOptions().debug_redact
    }
    assert "outLoginName" in redacted
    for rule in REASON_RULES.values():
        keys = rule.metadata | rule.optional_metadata
        assert keys >= COMMON_METADATA
        assert all(re.fullmatch("[a-z][A-Za-z]*", key) for key in keys)
        assert not keys & redacted


def test_an_error_that_breaks_its_rule_is_logged(logged):
    status = to_rich_status(errors.DeliveryNotFound("no", topics="x"), ORIGIN)
    deviations = ["metadata deliveryId is missing", "metadata topics is not in the rule"]
    (line,) = logged("error_breaks_its_rule")
    assert (line["reason"], line["deviations"]) == ("DELIVERY_NOT_FOUND", deviations)
    assert status.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert deviations == BROKEN_RULES
    BROKEN_RULES.clear()


def test_ids_of_the_request_are_added():
    operation = errors.ErrorOrigin("n:api-1", "open-platform")
    request = ordersync_v1.CreateRefundRequest(request_id="r-1", cbu_order_id=7)
    assert _metadata(errors.RequestIdReused("other"), operation, request)["requestId"] == "r-1"
    assert _metadata(errors.OutcomeUnknown("?"), operation, request)["requestId"] == "r-1"
    not_found = errors.UpstreamRefused("PURCHASE_ORDER_NOT_FOUND", "no", code="5001")
    metadata = _metadata(not_found, operation, request)
    assert (metadata["cbuOrderId"], metadata["dialect"]) == ("7", "open-platform")
    assert "requestId" not in metadata


def test_ids_of_the_arm_of_a_oneof_are_added():
    request = ordersync_v1.StreamMessagesRequest(open={"subscription": "shop"})
    metadata = _metadata(errors.SubscriptionNotFound("deleted"), ORIGIN, request)
    assert metadata["subscription"] == "shop"


def test_metadata_of_the_error_takes_precedence():
    overtaken = errors.DeliveryOvertaken("no", ordering_key="k", delivery_id="the later one")
    request = ordersync_v1.RetryDeliveryRequest(delivery_id="the old one")
    assert _metadata(overtaken, ORIGIN, request)["deliveryId"] == "the later one"
    own_origin = errors.UpstreamFault("503")
    own_origin.origin = errors.ErrorOrigin("n:list-1", "national-site")
    metadata = _metadata(own_origin, ORIGIN)
    assert (metadata["operation"], metadata["dialect"]) == ("n:list-1", "national-site")


def test_an_unset_request_id_is_no_key():
    request = ordersync_v1.SyncOrderRequest()
    assert "requestId" not in _metadata(errors.OutcomeUnknown("?"), ORIGIN, request)


def _metadata(
    error: errors.NationalsiteError, origin: errors.ErrorOrigin, request: Message | None = None
) -> dict[str, str]:
    return dict(parse_details(to_rich_status(error, origin, request))["ErrorInfo"].metadata)


def _messages(prefix: str) -> list[Descriptor]:
    modules = ("account_service", "delivery", "logistics", "order", "refund", "product", "search")
    pool = descriptor_pool.Default()
    messages: list[Descriptor] = []
    for module in modules:
        try:
            file = pool.FindFileByName(f"{prefix}{module}.proto")
        except KeyError:
            continue
        messages += file.message_types_by_name.values()
    return messages

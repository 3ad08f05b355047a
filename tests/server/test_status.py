"""The tables of statuses and retries cover the enum of reasons."""

import grpc
from nationalsite.errors import v1 as errors_v1

from services import errors
from services.server.status import NON_RETRYABLE, RETRY_AFTER_MS, STATUS_BY_REASON


def tree(of: type) -> set[type]:
    return {of}.union(*(tree(sub) for sub in of.__subclasses__()))


def test_every_reason_has_a_status():
    reasons = {name.removeprefix("ERROR_REASON_") for name, _ in errors_v1.ErrorReason.items()}
    assert STATUS_BY_REASON.keys() == reasons - {"UNSPECIFIED"}
    assert grpc.StatusCode.OK not in STATUS_BY_REASON.values()


def test_every_used_reason_is_in_the_enum():
    in_the_tree = {error.reason for error in tree(errors.NationalsiteError)}
    assert in_the_tree | RETRY_AFTER_MS.keys() | NON_RETRYABLE <= STATUS_BY_REASON.keys()
    assert not RETRY_AFTER_MS.keys() & NON_RETRYABLE

"""Request ids for tests that are about something else."""

import uuid
from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor

from services.validation import buf_validate

FIELD = "request_id"


def add_request_id(request: Descriptor, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request, with a new request id if it requires one and they have none."""
    field = request.fields_by_name.get(FIELD)
    if field is None or not buf_validate.rules(field.GetOptions(), buf_validate.field).required:
        return dict(fields)
    return {FIELD: str(uuid.uuid4()), **fields}

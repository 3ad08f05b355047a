"""The largest picture that may come, through gRPC's own limits."""

from io import BytesIO

import grpc
import pytest
from PIL import Image

MAX_BYTES = 5 * 1024 * 1024


def _picture(size: int) -> bytes:
    """A JPEG of so many bytes: what follows its end is passed over."""
    out = BytesIO()
    Image.new("RGB", (400, 300), "orange").save(out, "JPEG")
    return out.getvalue().ljust(size, b"\0")


@pytest.mark.parametrize("dialect", ["national-site", "open-platform"])
def test_a_picture_of_5_mib_is_searched_for(rpcs, sandbox, dialect: str) -> None:
    request = rpcs.request("SearchByImage", {})
    request.image = _picture(MAX_BYTES)
    assert rpcs.method("SearchByImage", dialect)(request).image_id.isdigit()


def test_a_larger_picture_is_refused(rpcs, sandbox, details) -> None:
    request = rpcs.request("UploadImage", {})
    request.image = _picture(MAX_BYTES + 1)
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.method("UploadImage", "open-platform")(request)
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = details(failure.value)["BadRequest"].field_violations
    assert violation.field == "image"
    assert sandbox.calls() == []

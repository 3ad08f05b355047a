"""The largest image that a request may hold, within gRPC's own limits."""

from io import BytesIO

import grpc
import pytest
from PIL import Image

from tests.e2e.conftest import RpcClient
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details

MAX_IMAGE_BYTES = 5 * 1024 * 1024


def _build_jpeg(size: int) -> bytes:
    """Return a JPEG of so many bytes. Bytes after the end of the image are ignored."""
    out = BytesIO()
    Image.new("RGB", (400, 300), "orange").save(out, "JPEG")
    return out.getvalue().ljust(size, b"\0")


@pytest.mark.parametrize("dialect", ["national-site", "open-platform"])
def test_an_image_of_5_mib_is_accepted(client: RpcClient, sandbox: SandboxClient, dialect: str) -> None:
    request = client.request("SearchByImage", {})
    request.image = _build_jpeg(MAX_IMAGE_BYTES)
    assert client.method("SearchByImage", dialect)(request).image_id.isdigit()


def test_a_larger_image_is_rejected(client: RpcClient, sandbox: SandboxClient) -> None:
    request = client.request("UploadImage", {})
    request.image = _build_jpeg(MAX_IMAGE_BYTES + 1)
    with pytest.raises(grpc.RpcError) as failure:
        client.method("UploadImage", "open-platform")(request)
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = parse_status_details(failure.value)["BadRequest"].field_violations
    assert violation.field == "image"
    assert sandbox.calls() == []

"""Vouchers of refunds: uploads an image, and makes its URL of the two parts that 1688 returns."""

from nationalsite.ordersync import v1 as protos

from services.adapter import OperationClient
from services.errors import UpstreamUnreadable


async def upload_refund_voucher(
    operations: OperationClient, request: protos.UploadRefundVoucherRequest, deadline: float
) -> bytes:
    """Upload an image. Raises UpstreamUnreadable if 1688 returns no complete URL."""
    response = await operations.call("UploadRefundVoucher", request, deadline)
    uploaded = protos.UploadRefundVoucherResponse.FromString(response)
    uploaded.voucher_url = build_voucher_url(uploaded.image_domain, uploaded.image_relative_url)
    return uploaded.SerializeToString()


def build_voucher_url(domain: str, path: str) -> str:
    """Join the parts of a URL. 1688 does not document the scheme in the domain and the slash between them."""
    domain, path = domain.strip(), path.strip()
    if "://" in path:
        return path
    host = domain.strip("/")
    if not host:
        raise UpstreamUnreadable("1688's response has no readable image_domain")
    return f"{'' if '://' in host else 'https://'}{host}/{path.lstrip('/')}"

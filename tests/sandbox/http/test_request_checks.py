import gzip
import json

import pytest

BUSINESS = "/openapi/param2/1/com.alibaba.fenxiao.crossborder/product.search.keywordQuery"
UNSUPPORTED = (400, "gw.APIUnsupported", "API unsupported")


def parse_error(response):
    body = response.json()
    assert set(body) == {"error_code", "error_message", "exception"}
    assert body["exception"] == body["error_message"]
    return response.status_code, body["error_code"], body["error_message"]


@pytest.mark.parametrize(
    "path",
    [
        "/openapi/",
        "/openapi/param2/1",
        "/openapi/param2/1/com.alibaba.product/alibaba.category.set/1000000",
        "/openapi/param2/2/com.alibaba.product/alibaba.category.get/1000000",
        "/openapi/http/1/com.alibaba.product/alibaba.category.get/1000000",
        "/openapi/param2/1/com.alibaba.product.alibaba.category.get/1000000",
    ],
)
async def test_no_such_api(client, path):
    assert parse_error(await client.http.post(path)) == UNSUPPORTED


async def test_order_of_the_checks(client):
    """Each call corrects what the previous call was rejected for, and nothing more."""
    await client.put("limits", declined=["product.search.keywordQuery"])
    post = client.http.post

    assert parse_error(await post(BUSINESS + "x")) == UNSUPPORTED
    assert parse_error(await post(BUSINESS)) == (400, "gw.AppKeyMissing", "AppKey missing")
    assert parse_error(await post(BUSINESS + "/7")) == (400, "gw.AppKeyNotFound", "AppKey not found")
    unsigned = await post(BUSINESS + "/1000000", data={"access_token": "old"})
    assert parse_error(unsigned) == (400, "gw.SignatureMissing", "Signature missing")
    wrong = await post(BUSINESS + "/1000000", data={"access_token": "old", "_aop_signature": "0" * 40})
    assert parse_error(wrong) == (400, "gw.SignatureInvalid", "Invalid signature")
    missing = await client.call("product.search.keywordQuery", token=None)
    assert parse_error(missing) == (401, "401", "Request need user authenticated")
    rejected = await client.call("product.search.keywordQuery", token="old")
    assert parse_error(rejected) == (401, "401", "Request need user authorized")
    declined = await client.call("product.search.keywordQuery")
    assert parse_error(declined) == (400, "gw.APIACLDecline", "AppKey is not allowed(acl)")
    await client.put("limits")
    bare = await client.call("product.search.keywordQuery")
    assert parse_error(bare) == (400, "gw.ParamMissing", "Required argument offerQueryParam")


@pytest.mark.parametrize(
    ("name", "wrapper", "arguments", "missing"),
    [
        ("product.search.keywordQuery", "offerQueryParam", {}, "keyword"),
        (
            "product.search.keywordQuery",
            "offerQueryParam",
            {"keyword": "x", "beginPage": 1, "pageSize": 1},
            "country",
        ),
        ("product.search.imageQuery", "offerQueryParam", {"imageId": "1"}, "beginPage"),
        ("product.image.upload", "uploadImageParam", {"outMemberId": "1"}, "imageBase64"),
        ("product.search.queryProductDetail", "offerDetailParam", {"country": "en"}, "offerId"),
        ("account.user.register", "countryAccount", {"outLoginId": "1"}, "country"),
    ],
)
async def test_required_argument_in_the_wrapper(client, name, wrapper, arguments, missing):
    response = await client.call(name, **{wrapper: arguments})
    assert parse_error(response) == (400, "gw.ParamMissing", f"Required argument {missing}")


async def test_wrapper_that_is_no_object(client):
    response = await client.call("product.search.queryProductDetail", offerDetailParam="[1]")
    assert response.json()["error_code"] == "400"


async def test_category_ignores_the_token(client):
    response = await client.call(
        "alibaba.category.get", namespace="com.alibaba.product", token="old", categoryID="0"
    )
    assert response.json()["succes"] == "true"


async def test_parameters_in_query_and_form(client):
    path = "param2/1/com.alibaba.product/alibaba.category.get/1000000"
    parameters = client.signed(path, {"categoryID": "0", "_aop_timestamp": "1788400000000"})
    got = await client.http.get(f"/openapi/{path}", params=parameters)
    signature = {"_aop_signature": parameters.pop("_aop_signature")}
    split = await client.http.post(f"/openapi/{path}", params=signature, data=parameters)
    assert got.json()["succes"] == split.json()["succes"] == "true"


async def test_multipart_fields_are_signed_and_files_are_not(client):
    path = "param2/1/com.alibaba.product/alibaba.category.get/1000000"
    content = b"\xff\xd8\r\n--\r\n\x00"
    response = await client.http.post(
        f"/openapi/{path}",
        params=client.signed(path, {"categoryID": "0", "note": "中文"}) | {"note": ""},
        data={"note": "中文"},
        files={"imageData": ("voucher.jpg", content, "image/jpeg")},
    )
    assert response.json()["succes"] == "true"
    (call,) = await client.calls()
    assert call["files"] == {
        "imageData": {"filename": "voucher.jpg", "content_type": "image/jpeg", "bytes": len(content)}
    }


async def test_special_characters(client):
    keyword = "饼干 +&=%\n\"'😀"
    param = json.dumps(
        {"keyword": keyword, "beginPage": 1, "pageSize": 1, "country": "en"}, ensure_ascii=False
    )
    response = await client.call("product.search.keywordQuery", offerQueryParam=param)
    assert response.status_code == 200
    (call,) = await client.calls()
    assert json.loads(call["parameters"]["offerQueryParam"])["keyword"] == keyword


async def test_trace_headers_are_unique(client):
    responses = [await client.current_time() for _ in range(3)]
    assert len({response.headers["RequestId"] for response in responses}) == 3
    assert len({response.headers["EagleEye-TraceId"] for response in responses}) == 3


@pytest.mark.parametrize(("page_size", "compressed"), [(20, True), (1, False)])
async def test_large_answers_are_compressed_on_request(client, page_size, compressed):
    parameters = {"access_token": "test-access-token", "keyword": "饼干", "pageSize": str(page_size)}
    form = client.signed(BUSINESS.removeprefix("/openapi/") + "/1000000", parameters)
    url = BUSINESS + "/1000000"
    async with client.http.stream("POST", url, data=form, headers={"accept-encoding": "gzip"}) as response:
        raw = b"".join([chunk async for chunk in response.aiter_raw()])
        assert ("content-encoding" in response.headers) is compressed
    assert json.loads(gzip.decompress(raw) if compressed else raw)["success"] is True
    plain = await client.http.post(url, data=form, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


async def test_timestamp_window(client):
    async def timed(timestamp):
        return await client.call("currentTime", namespace="system", token=None, _aop_timestamp=timestamp)

    assert (await timed("1000")).status_code == 200
    await client.put("clock", timestamp_window_ms=60_000, offset_ms=3_600_000)
    rejected = await timed("1000")
    assert rejected.status_code == 400
    assert rejected.json()["error_code"] == "400"
    assert rejected.json()["error_message"].endswith("Request is expired.")
    assert (await client.current_time()).status_code == 200


async def test_body_too_large(client):
    response = await client.http.post(BUSINESS + "/1000000", content=b"x" * (17 * 1024 * 1024))
    assert response.status_code == 413

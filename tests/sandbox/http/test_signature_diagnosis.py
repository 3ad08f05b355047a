import base64
import hashlib
import hmac
from urllib.parse import quote_plus

import pytest

NAME = "product.search.keywordQuery"
PATH = f"param2/1/com.alibaba.fenxiao.crossborder/{NAME}/1000000"
PARAMETERS = {"pageSize": "1", "keyword": "dog & cat", "sort": "", "access_token": "test-access-token"}
SORTED = "".join(sorted(name + value for name, value in PARAMETERS.items()))


def _hmac(text, algorithm="sha1", secret=b"test-app-secret"):
    return hmac.new(secret, text.encode(), algorithm)


def _hex(text, algorithm="sha1", secret=b"test-app-secret"):
    return _hmac(text, algorithm, secret).hexdigest().upper()


def _sign_others(*omitted):
    return _hex(PATH + "".join(sorted(n + v for n, v in PARAMETERS.items() if n not in omitted)))


CASES = {
    "must be upper case": _hex(PATH + SORTED).lower(),
    "HMAC-SHA1 in Base64": base64.b64encode(_hmac(PATH + SORTED).digest()).decode(),
    "is an HMAC-SHA256": _hex(PATH + SORTED, "sha256"),
    "without the secret": hashlib.sha1((PATH + SORTED).encode(), usedforsecurity=False).hexdigest(),
    "with /openapi/": _hex(f"/openapi/{PATH}{SORTED}"),
    "leading slash": _hex(f"/{PATH}{SORTED}"),
    "path was not signed": _hex(SORTED),
    "Only the path": _hex(PATH),
    "unsorted": _hex(PATH + "".join(name + value for name, value in PARAMETERS.items())),
    "Nothing may separate": _hex(PATH + "&".join(f"{n}={v}" for n, v in sorted(PARAMETERS.items()))),
    "percent-encoded": _hex(PATH + "".join(sorted(n + quote_plus(v) for n, v in PARAMETERS.items()))),
    "parameter access_token was not signed": _sign_others("access_token"),
    "parameter keyword was not signed": _sign_others("keyword"),
    "secret differs": _hex(PATH + SORTED, secret=b"another"),
    "has 4 characters": "ABCD",
}


@pytest.mark.parametrize("problem", CASES)
async def test_mistake_is_named(client, problem):
    form = PARAMETERS | {"_aop_signature": CASES[problem]}
    response = await client.http.post(f"/openapi/{PATH}", data=form)
    assert response.json()["error_code"] == "gw.SignatureInvalid"
    (call,) = await client.calls()
    assert problem in call["signature_problem"]
    assert call["expected_signature"] == _hex(PATH + SORTED)
    assert call["string_to_sign"] == PATH + SORTED


async def test_valid_and_missing_signatures_have_no_problem(client):
    await client.call(NAME, keyword="dress")
    await client.http.post(f"/openapi/{PATH}", data=PARAMETERS)
    calls = await client.calls()
    assert [call["signature_valid"] for call in calls] == [True, None]
    assert [(call["signature_problem"], call["expected_signature"]) for call in calls] == [(None, None)] * 2


async def test_nothing_is_tried_with_a_very_long_text(client):
    form = PARAMETERS | {"keyword": "x" * 200_000, "_aop_signature": _hex(PATH)}
    await client.http.post(f"/openapi/{PATH}", data=form)
    (call,) = await client.calls()
    assert call["signature_problem"].startswith("It fits no common mistake.")

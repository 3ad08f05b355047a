import pytest

NATIONAL = {
    "country": "japan",
    "site": "sniff",
    "outLoginName": "1234test",
    "outMemberId": "c5b9e8a658554771852063f3a44d4e3d",
    "email": "user@example.com",
    "mobile": "09012345678",
    "mobileArea": "JP",
    "ip": "192.0.2.10",
}
OPEN = {name: value for name, value in NATIONAL.items() if name != "outLoginName"} | {
    "outLoginId": "1234test"
}


async def register(client, account):
    return (await client.call("account.user.register", countryAccount=account)).json()


async def test_register_twice(client, sample):
    assert await register(client, NATIONAL) == sample("account_register.national_site.ok")
    again = await register(client, NATIONAL)
    assert (again["success"], again["result"]) == (False, False)
    assert again["message"]
    other_site = await register(client, NATIONAL | {"site": "other"})
    assert other_site["result"] is True


async def test_register_twice_on_the_open_platform(client, sample, assert_like):
    assert await register(client, OPEN) == sample("account_register.open_platform.ok")
    assert_like([await register(client, OPEN)], sample("account_register.open_platform.fail"))


async def test_neither_mobile_nor_email(client, sample):
    account = {name: value for name, value in NATIONAL.items() if name not in ("email", "mobile")}
    assert await register(client, account) == sample("account_register.national_site.fail")


async def test_invalid_email(client, sample):
    assert await register(client, OPEN | {"email": "user"}) == sample("account_register.open_platform.fail")


@pytest.mark.parametrize(
    "change",
    [
        {"outLoginName": ""},
        {"outLoginName": "x" * 33},
        {"outMemberId": "x" * 65},
        {"mobileArea": None},
        {"email": "user"},
        {"mobile": "none"},
        {"ip": "localhost"},
    ],
)
async def test_national_site_rules(client, change):
    response = await register(client, NATIONAL | change)
    assert (response["success"], response["result"]) == (False, False)


@pytest.mark.parametrize(
    "change",
    [
        {"site": "Sniff"},
        {"site": "a b"},
        {"site": "x" * 17},
        {"outLoginId": "x" * 61},
        {"outMemberId": "x" * 61},
    ],
)
async def test_open_platform_rules(client, change):
    response = await register(client, OPEN | change)
    assert (response["result"]["success"], response["result"]["result"]) == (False, False)


async def test_no_account_at_all(client):
    response = await client.call("account.user.register")
    assert response.json()["error_message"] == "Required argument countryAccount"

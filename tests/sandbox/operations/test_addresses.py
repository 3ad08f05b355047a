import pytest

from tests.sandbox.operations.purchase_reference import read_sample


async def test_saved_addresses(buyer):
    body = await buyer.call("alibaba.trade.receiveAddress.get")
    first, second = body["result"]["receiveAddressItems"]
    assert [first] == read_sample("receive_address_get/ok")["result"]["receiveAddressItems"]
    # A city without districts has two parts.
    assert second["addressCodeText"] == "广东省 东莞市"
    assert (first["isDefault"], second["isDefault"]) == (True, False)


@pytest.mark.parametrize("text", ["浙江省 杭州市 滨江区 测试路1号", "浙江省杭州市滨江区测试路1号"])
async def test_parsed_address(buyer, text):
    body = await buyer.call("alibaba.trade.addresscode.parse", addressInfo=text)
    assert body == read_sample("addresscode_parse/ok")


async def test_address_that_cannot_be_parsed(buyer):
    body = await buyer.call("alibaba.trade.addresscode.parse", addressInfo="测试路1号")
    assert body.keys() == {"errorCode", "errorMessage"}

"""Errors and warnings at start."""

import json
import math

import pytest
import structlog
from nationalsite.account import v1 as account_v1
from nationalsite.product import v1 as product_v1

from services.adapter import AdapterSettings, operations_lifespan
from services.errors import OperationNotInDialect, StartupError

PRODUCT = product_v1.PRODUCT_SERVICE
ACCOUNT = account_v1.ACCOUNT_SERVICE


def settings(**others: object) -> AdapterSettings:
    return AdapterSettings(
        gateway_url="http://127.0.0.1:1", app_key="1", app_secret="s", access_token="t", **others
    )


async def test_responses_of_writes_cannot_be_cached() -> None:
    configured = settings(cache_seconds=json.dumps({"RegisterUser": 60}))
    with pytest.raises(StartupError, match="NATIONALSITE_CACHE_SECONDS: RegisterUser: is not a read"):
        async with operations_lifespan(ACCOUNT, configured):
            pass


async def test_an_operation_that_is_turned_off_fails_without_a_call() -> None:
    off = {"com.alibaba.product:alibaba.category.get-1": "-"}
    request = product_v1.GetCategoryRequest(category_id=1)
    async with operations_lifespan(PRODUCT, settings(operation_aliases=json.dumps(off))) as operations:
        with pytest.raises(OperationNotInDialect):
            await operations.call("GetCategory", request, deadline=math.inf)
        assert operations["SearchByKeyword"].api_id


async def test_names_of_other_services_are_a_warning() -> None:
    configured = settings(cache_seconds=json.dumps({"RegisterUser": 60}))
    with structlog.testing.capture_logs() as logs:
        async with operations_lifespan(PRODUCT, configured):
            pass
    assert [line["rpcs"] for line in logs] == [["RegisterUser"]]

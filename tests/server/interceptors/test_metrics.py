"""The metrics of calls."""

from prometheus_client.parser import text_string_to_metric_families

METHOD = "nationalsite.account.v1.AccountService/RegisterUser"


async def read_sample(running, name: str, **labels: str) -> float:
    text = (await running.http.get("/metrics")).text
    expected = {"grpc_method": METHOD, **labels}
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels == expected
    )


async def test_calls_are_counted_and_timed(start_server, registration):
    async with start_server() as running:
        started = await read_sample(running, "grpc_server_call_started_total")
        ended = await read_sample(running, "grpc_server_call_duration_seconds_count", grpc_status="OK")
        await running.stub.RegisterUser(registration)
        assert await read_sample(running, "grpc_server_call_started_total") == started + 1
        duration = "grpc_server_call_duration_seconds"
        assert await read_sample(running, f"{duration}_count", grpc_status="OK") == ended + 1
        assert await read_sample(running, f"{duration}_bucket", grpc_status="OK", le="100.0") == ended + 1

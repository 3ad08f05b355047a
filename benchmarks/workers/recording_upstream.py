"""An upstream that accepts each sync at once, and records the calls until `take` returns them."""

import time
from urllib.parse import parse_qsl

import uvloop

from benchmarks.shop_orders import SAMPLES, describe_call
from benchmarks.workers.command_loop import run_commands
from benchmarks.workers.delayed_upstream import HttpProtocol, build_response, serve

RESPONSES = {
    operation: build_response((SAMPLES / "responses" / f"{sample}.open_platform.ok.json").read_bytes())
    for operation, sample in (
        (b"/trade.cross.orderSync/", "order_sync"),
        (b"/order.relation.write/", "order_relation_write"),
        (b"/trade.cross.logisticsOrderSync/", "logistics_order_sync"),
    )
}


async def main() -> None:
    """Run commands until stdin ends."""
    calls: list[tuple[float, bytes]] = []

    def respond(head: bytes, body: bytes) -> bytes:
        calls.append((time.monotonic(), body))
        return next(response for operation, response in RESPONSES.items() if operation in head)

    address = await serve(lambda: HttpProtocol(respond))

    async def get_address() -> str:
        return address

    async def take() -> list[tuple[float, str, str]]:
        """Return the calls since the last `take`: their time, and what `describe_call` returns."""
        taken = [(at_s, *describe_call(dict(parse_qsl(body.decode())))) for at_s, body in calls]
        calls.clear()
        return taken

    await run_commands({"get_address": get_address, "take": take})


if __name__ == "__main__":
    uvloop.run(main())

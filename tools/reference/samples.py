"""Example requests and responses: the samples in tests/samples, which the tests of the services use."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.adapter.codec.schema import Dialect

SAMPLES_DIR = Path(__file__).resolve().parents[2] / "tests" / "samples"
MAX_RESPONSE_LINES = 30
"""A longer response is left out: the table of the fields describes it better."""


class Samples:
    """The sample requests and responses of RPCs."""

    def __init__(self) -> None:
        requests = [_read(path) for path in sorted((SAMPLES_DIR / "requests").glob("*.call.json"))]
        responses = [_read(path) for path in sorted((SAMPLES_DIR / "responses").glob("*.ok.expected.json"))]
        self._requests = {(sample["rpc"], sample["dialect"]): sample["request"] for sample in requests}
        self._responses = {
            (sample["rpc"], sample["dialect"]): sample.get("service_fields", {}) | sample["response"]
            for sample in responses
        }
        self._local_requests = _read(SAMPLES_DIR / "local_requests.json")

    def examples(self, rpc: str) -> Iterator[str]:
        """Yield an example request of an RPC as Markdown, and an example response if it is short."""
        if rpc in self._local_requests:
            yield f"Example of a request:\n\n{_block(self._local_requests[rpc])}"
        for dialect in (Dialect.OPEN_PLATFORM, Dialect.NATIONAL_SITE):
            if (rpc, dialect) in self._requests:
                yield f"Example of a request ({dialect}):\n\n{_block(self._requests[rpc, dialect])}"
                response = _block(self._responses.get((rpc, dialect), {}))
                if "\n{}\n" not in response and response.count("\n") - 1 <= MAX_RESPONSE_LINES:
                    yield f"Example of a response ({dialect}):\n\n{response}"
                return


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _block(sample: Any) -> str:
    """Return a request or response as a code block; a list is the requests of a stream."""
    messages = sample if isinstance(sample, list) else [sample]
    text = "\n".join(json.dumps(message, indent=2, ensure_ascii=False) for message in messages)
    return f"```json\n{text}\n```"

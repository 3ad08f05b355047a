"""An operator who runs the command with settings for the sandbox."""

import json
import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from services.adapter.cli import main
from tools.local_stack import SANDBOX_APP

SECRET, TOKEN = "test-app-secret", "test-access-token"
REFRESH_TOKEN = "test-refresh-token"
TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each RPC, in the JSON of `check`."""
        return {permission["rpc"]: permission["verdict"] for permission in self.json["permissions"]}


class Operator:
    """Runs the command in this process. The environment has the settings for the sandbox."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._url = url
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        for name in [name for name in os.environ if name.startswith("NATIONALSITE_")]:
            monkeypatch.delenv(name)
        self.set({**SANDBOX_APP, "NATIONALSITE_GATEWAY_URL": url, "NATIONALSITE_DIALECT": "open-platform"})

    def set(self, settings: Mapping[str, str]) -> None:
        for name, value in settings.items():
            self._monkeypatch.setenv(name, value)

    def unset_tokens(self) -> None:
        self._monkeypatch.delenv("NATIONALSITE_ACCESS_TOKEN")

    def run(self, *arguments: str) -> CommandResult:
        """Run the command; check that it prints no secret."""
        try:
            code = main(arguments)
        except SystemExit as error:
            code = int(str(error.code))
        printed = self._capsys.readouterr()
        for secret in (SECRET, TOKEN, REFRESH_TOKEN, "00000000-0000-4000-8000"):
            assert secret not in printed.out + printed.err
        return CommandResult(code=code, out=printed.out, err=printed.err)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}/admin/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            text = response.read()
        return json.loads(text) if text else None

    def calls(self) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = self.admin("GET", "calls")["calls"]
        return calls

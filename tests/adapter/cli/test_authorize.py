"""`authorize`, against the sandbox."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.adapter.cli.operator_harness import REFRESH_TOKEN, SECRET, TIMEOUT_S, Operator
from tools.local_stack import ROOT

REDIRECT = "https://shop.example/back?a=1"


@pytest.mark.slow
def test_authorize_prints_the_page() -> None:
    """As a process of its own, as an operator starts it."""
    settings = {
        "NATIONALSITE_GATEWAY_URL": "http://127.0.0.1:9",
        "NATIONALSITE_APP_KEY": "1000000",
        "NATIONALSITE_APP_SECRET": SECRET,
    }
    result = subprocess.run(  # noqa: S603 # our own module
        [sys.executable, "-m", "services.adapter", "authorize", "--redirect-uri", REDIRECT, "--state", "s&1"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    url = urlsplit(result.stdout.strip())
    assert (url.scheme, url.netloc, url.path) == ("https", "auth.1688.com", "/oauth/authorize")
    assert parse_qs(url.query) == {
        "client_id": ["1000000"],
        "site": ["1688"],
        "redirect_uri": [REDIRECT],
        "state": ["s&1"],
    }
    assert not result.stderr


@pytest.mark.parametrize("by", ["setting", "option"])
def test_a_code_is_exchanged_for_a_file_that_check_can_use(
    operator: Operator, tmp_path: Path, by: str
) -> None:
    operator.unset_tokens()
    file = tmp_path / "refresh-token"
    options = ["--refresh-token-file", str(file)]
    if by == "setting":
        file.write_text("old\n")
        file.chmod(0o644)
        operator.set({"NATIONALSITE_REFRESH_TOKEN_FILE": str(file)})
        options = []
    code = operator.admin("POST", "codes")["code"]
    result = operator.run("authorize", "--redirect-uri", REDIRECT, "--code", code, *options)
    assert (result.code, result.out) == (0, f"refresh token written to {file}\n")
    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{REFRESH_TOKEN}\n", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == [file.name]

    operator.set({"NATIONALSITE_REFRESH_TOKEN_FILE": str(file)})
    result = operator.run("check", "--json")
    assert result.code == 0
    token = result.json["token"]
    assert (token["source"], token["accepted"]) == ("from a refresh token", True)
    assert token["refresh_token_days_left"] in (179, 180)


def test_a_wrong_code_does_not_change_the_file(operator: Operator, tmp_path: Path) -> None:
    operator.unset_tokens()
    file = tmp_path / "refresh-token"
    file.write_text("old\n")
    result = operator.run(
        "authorize", "--redirect-uri", REDIRECT, "--code", "wrong-code", "--refresh-token-file", str(file)
    )
    assert (result.code, result.out) == (1, "")
    assert "invalid_grant" in result.err
    assert "wrong-code" not in result.err
    assert file.read_text() == "old\n"


@pytest.mark.parametrize("options", [[], ["--refresh-token-file", "/missing/refresh-token"]])
def test_a_code_is_not_used_where_the_file_cannot_be_written(operator: Operator, options: list[str]) -> None:
    operator.admin("DELETE", "calls")
    code = operator.admin("POST", "codes")["code"]
    result = operator.run("authorize", "--redirect-uri", REDIRECT, "--code", code, *options)
    assert result.code == 2
    assert "NATIONALSITE_REFRESH_TOKEN_FILE" in result.err
    assert operator.calls() == []

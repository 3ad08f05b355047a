"""Settings, and the lines that say what is wrong with them."""

import os

import pytest
from pydantic import Json, SecretStr, model_validator

from services.server import ServerSettings, read_settings


class Settings(ServerSettings):
    listen: str = "0.0.0.0:50051"
    http_listen: str = "0.0.0.0:9101"
    app_secret: SecretStr
    access_token: SecretStr | None = None
    refresh_token: SecretStr | None = None
    dialects: Json[dict[str, str]] | None = None

    @model_validator(mode="after")
    def one_token(self):
        if self.access_token is None and self.refresh_token is None:
            raise ValueError("one of NATIONALSITE_ACCESS_TOKEN, NATIONALSITE_REFRESH_TOKEN is required")
        return self


class Plain(ServerSettings):
    pass


@pytest.fixture
def given(monkeypatch):
    """given(NAME=value) sets NATIONALSITE_NAME, beside the two secrets that are required. None: not set."""
    for name in [name for name in os.environ if name.startswith("NATIONALSITE_")]:
        monkeypatch.delenv(name)

    def give(**values: str | None):
        for name, value in {"APP_SECRET": "s3cret", "ACCESS_TOKEN": "t0ken", **values}.items():
            if value is not None:
                monkeypatch.setenv(f"NATIONALSITE_{name}", value)

    return give


@pytest.fixture
def problems(capsys):
    """problems(cls) are the lines that reading these settings leaves on stderr."""

    def lines(cls) -> list[str]:
        with pytest.raises(SystemExit) as left:
            read_settings(cls)
        assert left.value.code == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        return captured.err.splitlines()

    return lines


def test_defaults_and_values(given):
    given(GRACE_SECONDS="3.5", REFLECTION="off", DIALECTS='{"RegisterUser": "open-platform"}')
    settings = read_settings(Settings)
    assert (settings.listen, settings.http_listen) == ("0.0.0.0:50051", "0.0.0.0:9101")
    assert (settings.grace_s, settings.reflection, settings.log_level) == (3.5, False, "info")
    assert settings.dialects == {"RegisterUser": "open-platform"}
    assert settings.app_secret.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("on", True), ("off", False), ("true", True), ("false", False), ("1", True), ("0", False), ("ON", True)],
)
def test_spellings_of_on_and_off(given, word, meaning):
    given(REFLECTION=word)
    assert read_settings(Settings).reflection is meaning


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"REFLECTION": "perhaps"}, "NATIONALSITE_REFLECTION: must be on or off"),
        (
            {"LOG_LEVEL": "loud"},
            "NATIONALSITE_LOG_LEVEL: must be 'debug', 'info', 'warning' or 'error'",
        ),
        (
            {"GRACE_SECONDS": "-1"},
            "NATIONALSITE_GRACE_SECONDS: must be greater than or equal to 0",
        ),
        ({"DIALECTS": "{"}, "NATIONALSITE_DIALECTS: must be JSON"),
        (
            {"DEADLINES": '{"Ask": {"cap_s": 5}}'},
            "NATIONALSITE_DEADLINES: Ask: default_s, which is 10 if it is not set, must not be above cap_s",
        ),
        (
            {"DEADLINES": '{"Ask": {"cap_s": 0}}'},
            "NATIONALSITE_DEADLINES: Ask: cap_s: must be greater than 0",
        ),
        (
            {"TRUSTED_PROXIES": "loopback, somewhere"},
            "NATIONALSITE_TRUSTED_PROXIES: must be addresses, networks or loopback, separated by commas",
        ),
        (
            {"TLS_CERT_FILE": "cert"},
            "NATIONALSITE_TLS_CERT_FILE and NATIONALSITE_TLS_KEY_FILE need each other",
        ),
        (
            {"TLS_CLIENT_CA_FILE": "ca"},
            "NATIONALSITE_TLS_CLIENT_CA_FILE needs NATIONALSITE_TLS_CERT_FILE",
        ),
        ({"APP_SECRET": None}, "NATIONALSITE_APP_SECRET: is required"),
        (
            {"ACCESS_TOKEN": None},
            "one of NATIONALSITE_ACCESS_TOKEN, NATIONALSITE_REFRESH_TOKEN is required",
        ),
        ({"POLICY_FILE": ""}, "NATIONALSITE_POLICY_FILE: is empty: remove the variable, or set a value"),
        ({"LOG_LEVEL": " "}, "NATIONALSITE_LOG_LEVEL: is empty: remove the variable, or set a value"),
        (
            {"APP_SECRET_FILE": ""},
            "NATIONALSITE_APP_SECRET_FILE: is empty: remove the variable, or set a value",
        ),
    ],
    ids=[
        *("switch", "word", "number", "json", "limits", "limit", "networks", "half", "authorities"),
        *("missing", "together", "empty", "blank", "empty file"),
    ],
)
def test_an_invalid_setting_is_one_line(given, problems, values, line):
    given(**values)
    assert problems(Settings) == [line]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("NATIONALSITE_POLICYFILE", "NATIONALSITE_POLICY_FILE"),
        ("NATIONALSITE_POLCY_FILE", "NATIONALSITE_POLICY_FILE"),
        ("NATIONALSITE_POLICY", "NATIONALSITE_POLICY_FILE"),
        ("NATIONALSITE_TLS_CLIENT_CA", "NATIONALSITE_TLS_CLIENT_CA_FILE"),
        ("NATIONALSITE_TRUSTED_PROXY", "NATIONALSITE_TRUSTED_PROXIES"),
        ("NATIONAL_SITE_POLICY_FILE", "NATIONALSITE_POLICY_FILE"),
        ("NATIONALSITES_POLICY_FILE", "NATIONALSITE_POLICY_FILE"),
        ("nationalsite_policyfile", "NATIONALSITE_POLICY_FILE"),
    ],
)
def test_a_misspelt_variable_is_an_error(given, problems, monkeypatch, name, meant):
    given()
    monkeypatch.setenv(name, "/policy.json")
    assert problems(Settings) == [f"{name}: is not known; is {meant} meant?"]


@pytest.mark.parametrize(
    "address",
    ["50051", ":50051", "host:", "host:port", "host:65536", "host:²", "::1:0", "a..b:1", f"{'a' * 64}:1"],
)
def test_an_address_is_host_and_port(given, problems, address):
    given(LISTEN=address, HTTP_LISTEN="[::]:0")
    assert problems(Plain) == ["NATIONALSITE_LISTEN: must be host:port, such as 0.0.0.0:50051"]


def test_invalid_utf8_is_reported(given, problems):
    given(APP_SECRET=os.fsdecode(b"\xffs3cret"))
    assert problems(Settings) == ["NATIONALSITE_APP_SECRET: is not UTF-8 text"]


def test_each_problem_has_a_line(given, problems):
    given(APP_SECRET=None, GRACE_SECONDS="soon", REFLECTION="2")
    assert {line.partition(":")[0] for line in problems(Settings)} == {
        "NATIONALSITE_APP_SECRET",
        "NATIONALSITE_GRACE_SECONDS",
        "NATIONALSITE_REFLECTION",
    }


def test_a_secret_can_be_read_from_a_file(given, tmp_path):
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    given(APP_SECRET=None, APP_SECRET_FILE=str(file), ACCESS_TOKEN=None, REFRESH_TOKEN_FILE=str(file))
    settings = read_settings(Settings)
    assert settings.app_secret.get_secret_value() == "from a file"
    assert settings.refresh_token.get_secret_value() == "from a file"
    assert "from a file" not in repr(settings)


@pytest.mark.parametrize(
    "case",
    [
        (b"x", "s3cret", "set either this or the variable without _FILE, not both"),
        (b"\n", None, "the file is empty"),
        (None, None, "the file cannot be read: No such file or directory"),
        (b"\xff", None, "the file is not text"),
    ],
    ids=["both", "empty", "absent", "bytes"],
)
def test_an_invalid_secret_file_is_one_line(given, problems, tmp_path, case):
    content, direct, problem = case
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    given(APP_SECRET=direct, APP_SECRET_FILE=str(file))
    assert problems(Settings) == ["NATIONALSITE_APP_SECRET_FILE: " + problem]

"""Every setting of every process: a value that makes no sense is one line, which does not have the value."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from pydantic_settings import BaseSettings

from services.account.service import AccountSettings, AccountStoreSettings
from services.adapter.cli.settings import AuthorizeSettings, OperatorSettings
from services.errors import StartupError
from services.order_sync.service import OrderSyncSettings, OrderSyncStoreSettings
from services.product.service import ProductSettings
from services.sandbox.settings import CALLBACK_URL, LISTEN
from services.sandbox.settings import read_settings as read_sandbox_settings
from services.settings_loader import OTHER_VARIABLES, SETTINGS, env_name, load_settings

CLASSES: tuple[type[BaseSettings], ...] = (
    AccountSettings,
    AccountStoreSettings,
    AuthorizeSettings,
    OperatorSettings,
    OrderSyncSettings,
    OrderSyncStoreSettings,
    ProductSettings,
)
REQUIRED = {
    "NATIONALSITE_ACCESS_TOKEN": "t0ken",
    "NATIONALSITE_APP_KEY": "1000000",
    "NATIONALSITE_APP_SECRET": "s3cret",
    "NATIONALSITE_GATEWAY_URL": "https://gw.open.1688.com",
}
ADDRESSES = [
    *("8080", "*:50051", "host:http", "host:65536", "1.2.3:80", "1.2.3.4.5:80", "::1:80", "[host]:80"),
    *("a b:80", "host:80:", "http://host:80", "host:-1"),
]
NUMBERS = ["many", "1e999", "-1", "nan", "0x10", "1 2", "infinity", "1,5"]
OBJECTS = ["text", "[1]", '{"a"', "1", '{"x": [[]]}']
URLS = [
    *("gw.example.com", "ftp://h", "http://", "http://h:0", "http://user:s3cret@h", "http://h\n/x"),
    *("http://h\r\nHost: x", "http://h?x=1", "http://*", "http://a b", "https://h/openapi", "http://h/\tx"),
    *("http://h/a b", "http://h:80:80"),
]
NONSENSE = {
    "NATIONALSITE_ACCESS_TOKEN": [],
    "NATIONALSITE_ALLOW_UNAUTHENTICATED_CALLERS": ["perhaps", "2"],
    "NATIONALSITE_API_RATES": [*OBJECTS, '{"a:b-1": 0}', '{"a:b-1": "fast"}', '{"garbage": 1}'],
    "NATIONALSITE_APP_KEY": ["key-1", "app key", "钥匙"],
    "NATIONALSITE_APP_RATE": [*NUMBERS, "0.0"],
    "NATIONALSITE_APP_SECRET": [],
    "NATIONALSITE_CACHE_SECONDS": [*OBJECTS, '{"GetCategory": -1}', '{"GetCategory": NaN}'],
    "NATIONALSITE_CACHE_STALE_SECONDS": NUMBERS,
    "NATIONALSITE_CALLBACK_LISTEN": ADDRESSES,
    "NATIONALSITE_CALLBACK_MAX_CONNECTIONS_PER_ADDRESS": [*NUMBERS, "1.5"],
    "NATIONALSITE_CHANNELZ": ["perhaps"],
    "NATIONALSITE_CONNECTION_AGE_GRACE_SECONDS": [*NUMBERS, "0", "1e300", "3000000"],
    "NATIONALSITE_CONNECTION_AGE_SECONDS": [*NUMBERS, "1e300", "3000000"],
    "NATIONALSITE_CREATION_RETENTION_DAYS": [*NUMBERS, "0", "401"],
    "NATIONALSITE_DATABASE_URL": [
        *(
            "text",
            "sqlite:///x.db",
            "sqlite+aiosqlite://",
            "mysql://u:s3cret@h/d",
            "postgresql+psycopg://h:x/d",
        ),
        *("postgresql://u:s3cret@h/d", "postgresql+nothing://h/d", "sqlite+aiosqlite:///:memory:"),
    ],
    "NATIONALSITE_DEADLINES": [
        *OBJECTS,
        '{"Ask": {"cap_s": 5}}',
        '{"Ask": {"cap_s": 0}}',
        '{"Ask": {"other": 1}}',
        '{"Ask": {"cap_s": Infinity}}',
        '{"Ask": {"cap_s": NaN}}',
    ],
    "NATIONALSITE_DIALECT": ["chinese", "NATIONAL-SITE"],
    "NATIONALSITE_DIALECTS": [*OBJECTS, '{"GetCategory": "chinese"}'],
    "NATIONALSITE_DRAIN_DELAY_SECONDS": [*NUMBERS, "3601"],
    "NATIONALSITE_DRIFT_SAMPLE_INTERVAL": [*NUMBERS, "1.5"],
    "NATIONALSITE_GATEWAY_CA_FILE": [],
    "NATIONALSITE_GATEWAY_URL": URLS,
    "NATIONALSITE_GRACE_SECONDS": [*NUMBERS, "3601"],
    "NATIONALSITE_HTTP_LISTEN": ADDRESSES,
    "NATIONALSITE_IMAGE_MAX_BYTES": [*NUMBERS, "9999"],
    "NATIONALSITE_IMAGE_PROCESSES": [*NUMBERS, "0", "65"],
    "NATIONALSITE_JSON_DATES": ["iso"],
    "NATIONALSITE_LANGUAGES": OBJECTS,
    "NATIONALSITE_LISTEN": ADDRESSES,
    "NATIONALSITE_LOG_LEVEL": ["loud", "trace"],
    "NATIONALSITE_MAX_CALLS_PER_CALLER": [*NUMBERS, "1.5", "1000000000"],
    "NATIONALSITE_MAX_STREAMS_PER_CALLER": [*NUMBERS, "0", "10001"],
    "NATIONALSITE_MAX_STREAMS_PER_CONNECTION": [*NUMBERS, "0", "901"],
    "NATIONALSITE_MAX_UPSTREAM_CALLS": [*NUMBERS, "0", "1001"],
    "NATIONALSITE_MESSAGE_MAX_AGE_DAYS": [*NUMBERS, "99", "3651"],
    "NATIONALSITE_OPERATION_ALIASES": [*OBJECTS, '{"garbage": "a:b-1"}', '{"a:b-1": "garbage"}'],
    "NATIONALSITE_POLICY_FILE": [],
    "NATIONALSITE_REDIS_URL": [
        "h:6379",
        "http://h",
        "redis://user:s3cret@h:port",
        "redis://h/x y",
        "unix://",
    ],
    "NATIONALSITE_REFLECTION": ["perhaps"],
    "NATIONALSITE_REFRESH_TOKEN": [],
    "NATIONALSITE_REPLAY_SECONDS": [*NUMBERS, "86401"],
    "NATIONALSITE_RETRY_SYNCS": ["perhaps"],
    "NATIONALSITE_SEND_TIMESTAMP": ["perhaps"],
    "NATIONALSITE_TLS_CERT_FILE": [],
    "NATIONALSITE_TLS_CLIENT_CA_FILE": [],
    "NATIONALSITE_TLS_KEY_FILE": [],
    "NATIONALSITE_TRUSTED_PROXIES": ["somewhere", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.1,,10.0.0.2"],
}
"""Values for each setting, besides those of UNCLEAN, which are wrong for each."""
UNCLEAN = {
    "byte order mark": "\ufeff{}",
    "blank before": " {}",
    "blank after": "{}\t",
    "line break after": "{}\n",
    "Windows line break after": "{}\r\n",
    "double quotes": '"{}"',
    "single quotes": "'{}'",
    "typographic quotes": "“{}”",
    "zero-width space": "{}\u200b",
    "NUL-like control": "{}\x01",
    "line break within": "{0}\n{0}",
    "no UTF-8": os.fsdecode(b"\xff") + "{}",
}
ANY_VALUE = "abc123"
TOGETHER = (
    *("NATIONALSITE_REFRESH_TOKEN", "NATIONALSITE_TLS_CERT_FILE", "NATIONALSITE_TLS_CLIENT_CA_FILE"),
    "NATIONALSITE_TLS_KEY_FILE",
)
"""Settings that are wrong beside, or without, another one."""
JSON_SETTINGS = {name for name, values in NONSENSE.items() if values[: len(OBJECTS)] == OBJECTS}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in [name for name in os.environ if name.startswith("NATIONALSITE_")]:
        monkeypatch.delenv(name)


def find_problems(cls: type[BaseSettings]) -> list[str]:
    """Return the lines of the error, each as it is printed to stderr."""
    with pytest.raises(StartupError) as caught:
        load_settings(cls)
    return [line for text in caught.value.lines for line in text.splitlines()]


def variables_of(cls: type[BaseSettings]) -> set[str]:
    return {env_name(cls, field) for field in cls.model_fields}


def set_all(monkeypatch, **values: str) -> None:
    for name, value in {**REQUIRED, **values}.items():
        monkeypatch.setenv(name, value)


def test_the_tables_have_every_setting():
    fields = set().union(*map(variables_of, CLASSES))
    files = {name for name in fields if name.endswith("REFRESH_TOKEN_FILE")}
    assert fields - files == NONSENSE.keys()
    assert fields | {LISTEN, CALLBACK_URL} <= SETTINGS
    assert {name for name in SETTINGS if not name.endswith("_FILE")} <= fields | {LISTEN, CALLBACK_URL}
    assert not SETTINGS & OTHER_VARIABLES


def check_lines(cls: type[BaseSettings], wrong: Mapping[str, str]) -> None:
    """Check that there is one line for each of these variables of the class, and that no line has a value."""
    values = {name: wrong[name] for name in wrong.keys() & variables_of(cls)}
    lines = find_problems(cls) if values else []
    assert sorted(line.partition(": ")[0] for line in lines) == sorted(values)
    for line in lines:
        variable, _, problem = line.partition(": ")
        assert values[variable] not in problem
        assert "s3cret" not in problem


@pytest.mark.parametrize("number", range(max(map(len, NONSENSE.values()))))
def test_nonsense_is_one_line_with_the_name_and_without_the_value(monkeypatch, number):
    """One value for each setting at a time: what is wrong with a setting does not depend on others."""
    values = {name: each[number] for name, each in NONSENSE.items() if number < len(each)}
    set_all(monkeypatch, **values)
    for cls in CLASSES:
        check_lines(cls, values)


@pytest.mark.parametrize("variable", TOGETHER)
def test_a_setting_that_contradicts_another_one_is_one_line_with_its_name(monkeypatch, variable):
    set_all(monkeypatch, **{variable: ANY_VALUE})
    for cls in CLASSES:
        if variable in variables_of(cls):
            (line,) = find_problems(cls)
            assert variable in line
            assert ANY_VALUE not in line


@pytest.mark.parametrize("form", UNCLEAN.values(), ids=UNCLEAN)
def test_what_is_around_a_value_is_not_taken_for_a_part_of_it(monkeypatch, form):
    values = {name: form.format(REQUIRED.get(name, ANY_VALUE)) for name in NONSENSE}
    del values["NATIONALSITE_REFRESH_TOKEN"]  # it is wrong beside the access token
    set_all(monkeypatch, **values)
    for cls in CLASSES:
        check_lines(cls, values)


@pytest.mark.parametrize("form", UNCLEAN.values(), ids=UNCLEAN)
@pytest.mark.parametrize("variable", ["NATIONALSITE_APP_SECRET", "NATIONALSITE_ACCESS_TOKEN"])
def test_the_same_holds_for_a_secret_in_a_file(monkeypatch, tmp_path, variable, form):
    file = tmp_path / "secret"
    file.write_bytes(os.fsencode(form.format("hush")))
    set_all(monkeypatch, **{f"{variable}_FILE": str(file)})
    monkeypatch.delenv(variable)
    if form in (UNCLEAN["line break after"], UNCLEAN["Windows line break after"]):
        load_settings(ProductSettings)  # each editor writes it
        return
    (line,) = find_problems(ProductSettings)
    assert line.startswith(f"{variable}_FILE: ")
    assert "hush" not in line
    assert str(file) not in line


def test_a_secret_in_place_of_the_path_of_its_file_is_not_printed(monkeypatch):
    set_all(monkeypatch, NATIONALSITE_APP_SECRET_FILE="hush")
    monkeypatch.delenv("NATIONALSITE_APP_SECRET")
    assert find_problems(ProductSettings) == [
        "NATIONALSITE_APP_SECRET_FILE: the file cannot be read: No such file or directory"
    ]


def test_json_may_have_lines_and_blanks_around_it(monkeypatch):
    """As a block of YAML has them."""
    assert len(JSON_SETTINGS) == 6
    set_all(monkeypatch, **dict.fromkeys(JSON_SETTINGS, "\n{\n}\n"))
    load_settings(OrderSyncSettings)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_unknown_variable_is_refused_with_the_nearest_name(monkeypatch, cls):
    set_all(monkeypatch, NATIONALSITE_DATABASE="x", NATIONALSITE_SANDBOX_LISTENS="x", NATIONALSITE_XYZ="x")
    assert sorted(find_problems(cls)) == [
        "NATIONALSITE_DATABASE: is not known; is NATIONALSITE_DATABASE_URL meant?",
        "NATIONALSITE_SANDBOX_LISTENS: is not known; is NATIONALSITE_SANDBOX_LISTEN meant?",
        "NATIONALSITE_XYZ: is not known",
    ]


@pytest.mark.parametrize("cls", CLASSES)
def test_settings_of_other_processes_and_variables_of_kubernetes_are_accepted(monkeypatch, cls):
    others = (SETTINGS | OTHER_VARIABLES) - variables_of(cls)
    foreign = {name for name in others if not name.endswith("_FILE")}
    # Kubernetes sets these for a Service `nationalsite-product`, unless `enableServiceLinks` is false.
    service = "NATIONALSITE_PRODUCT"
    links = {f"{service}_SERVICE_HOST", f"{service}_SERVICE_PORT", f"{service}_SERVICE_PORT_GRPC"}
    links |= {f"{service}_PORT", f"{service}_PORT_50051_TCP", f"{service}_PORT_50051_TCP_ADDR"}
    set_all(monkeypatch, **dict.fromkeys(foreign | links, "x"))
    load_settings(cls)


@pytest.mark.parametrize("variable", [LISTEN, CALLBACK_URL])
@pytest.mark.parametrize("value", ["text", "*:80", "http://h\n/", '"127.0.0.1:80"', "h:80 ", "\ufeffh:80"])
def test_nonsense_for_the_sandbox_is_one_line(variable, value):
    with pytest.raises(ValueError, match=f"^{variable}: .+$") as caught:
        read_sandbox_settings({variable: value})
    assert value not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "variable", "value"),
    [
        ("services.product", "NATIONALSITE_GATEWAY_URL", "https://gw.example.com\n/x"),
        ("services.product", "NATIONALSITE_LISTEN", "*:50051"),
        ("services.account", "NATIONALSITE_HTTP_LISTEN", "no-such-host.invalid:0"),
        ("services.order_sync", "NATIONALSITE_CALLBACK_LISTEN", "192.0.2.1:0"),
        ("services.order_sync", "NATIONALSITE_APP_SECRET", "\ufeffhush"),
        ("services.order_sync migrate", "NATIONALSITE_DATABASE_URL", "postgresql://u:hush@h/d"),
        ("services.adapter check", "NATIONALSITE_REDIS_URL", "rediss://:hush@h:port"),
        ("services.adapter authorize --redirect-uri https://h", "NATIONALSITE_APP_KEY", '"1000000"'),
        ("services.sandbox", LISTEN, "*:8168"),
    ],
)
def test_each_process_prints_one_line_and_exits_with_2(tmp_path, command, variable, value):
    environment = {
        **os.environ,
        **REQUIRED,
        "NATIONALSITE_ALLOW_UNAUTHENTICATED_CALLERS": "on",
        "NATIONALSITE_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/store.db",
        "NATIONALSITE_HTTP_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_LISTEN": "127.0.0.1:0",
        variable: value,
    }
    process = subprocess.run(  # noqa: S603 # our own modules
        [sys.executable, "-m", *command.split()],
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
        text=True,
    )
    assert process.returncode == 2, process.stderr
    (line,) = process.stderr.splitlines()
    assert line.startswith(f"{variable}: ")
    assert "hush" not in line + process.stdout

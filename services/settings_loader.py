"""Loads settings from environment variables, for the services and for the adapter command line.

The field `app_key` is read from NATIONALSITE_APP_KEY. A secret (SecretStr) can also be read from a file:
NATIONALSITE_APP_SECRET_FILE holds the path of the file with the app secret. The type of a setting that is a
JSON object is `Json[...]`.

An empty variable is an error, and so is an unknown one with the prefix: it may be a misspelt setting that is
meant to restrict access. A value with something around it that nobody sees, such as a line break, or with
quotes, is an error as well. It is not cleaned: another program that reads the variable would not clean it. No
error contains a value, because a secret can be in the wrong variable.
"""

import os
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args
from urllib.parse import unquote, urlsplit

from pydantic import Json, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.errors import StartupError

PREFIX = "NATIONALSITE_"
SETTINGS_CONFIG = SettingsConfigDict(
    env_prefix=PREFIX,
    enable_decoding=False,  # otherwise an invalid Json field would not be reported with the other problems
    extra="ignore",
    frozen=True,
    populate_by_name=True,
)
"""The model_config of every settings class."""

SETTINGS = frozenset(
    {
        "NATIONALSITE_ACCESS_TOKEN",
        "NATIONALSITE_ACCESS_TOKEN_FILE",
        "NATIONALSITE_ALLOW_UNAUTHENTICATED_CALLERS",
        "NATIONALSITE_API_RATES",
        "NATIONALSITE_APP_KEY",
        "NATIONALSITE_APP_RATE",
        "NATIONALSITE_APP_SECRET",
        "NATIONALSITE_APP_SECRET_FILE",
        "NATIONALSITE_CACHE_SECONDS",
        "NATIONALSITE_CACHE_STALE_SECONDS",
        "NATIONALSITE_CALLBACK_LISTEN",
        "NATIONALSITE_CALLBACK_MAX_CONNECTIONS_PER_ADDRESS",
        "NATIONALSITE_CHANNELZ",
        "NATIONALSITE_CONNECTION_AGE_GRACE_SECONDS",
        "NATIONALSITE_CONNECTION_AGE_SECONDS",
        "NATIONALSITE_CREATION_RETENTION_DAYS",
        "NATIONALSITE_DATABASE_URL",
        "NATIONALSITE_DATABASE_URL_FILE",
        "NATIONALSITE_DEADLINES",
        "NATIONALSITE_DIALECT",
        "NATIONALSITE_DIALECTS",
        "NATIONALSITE_DRAIN_DELAY_SECONDS",
        "NATIONALSITE_DRIFT_SAMPLE_INTERVAL",
        "NATIONALSITE_GATEWAY_CA_FILE",
        "NATIONALSITE_GATEWAY_URL",
        "NATIONALSITE_GRACE_SECONDS",
        "NATIONALSITE_HTTP_LISTEN",
        "NATIONALSITE_IMAGE_MAX_BYTES",
        "NATIONALSITE_IMAGE_PROCESSES",
        "NATIONALSITE_JSON_DATES",
        "NATIONALSITE_LANGUAGES",
        "NATIONALSITE_LISTEN",
        "NATIONALSITE_LOG_LEVEL",
        "NATIONALSITE_MAX_CALLS_PER_CALLER",
        "NATIONALSITE_MAX_STREAMS_PER_CALLER",
        "NATIONALSITE_MAX_STREAMS_PER_CONNECTION",
        "NATIONALSITE_MAX_UPSTREAM_CALLS",
        "NATIONALSITE_MESSAGE_MAX_AGE_DAYS",
        "NATIONALSITE_OPERATION_ALIASES",
        "NATIONALSITE_POLICY_FILE",
        "NATIONALSITE_REDIS_URL",
        "NATIONALSITE_REDIS_URL_FILE",
        "NATIONALSITE_REFLECTION",
        "NATIONALSITE_REFRESH_TOKEN",
        "NATIONALSITE_REFRESH_TOKEN_FILE",
        "NATIONALSITE_REPLAY_SECONDS",
        "NATIONALSITE_RETRY_SYNCS",
        "NATIONALSITE_SANDBOX_CALLBACK_URL",
        "NATIONALSITE_SANDBOX_LISTEN",
        "NATIONALSITE_SEND_TIMESTAMP",
        "NATIONALSITE_TLS_CERT_FILE",
        "NATIONALSITE_TLS_CLIENT_CA_FILE",
        "NATIONALSITE_TLS_KEY_FILE",
        "NATIONALSITE_TRUSTED_PROXIES",
    }
)
"""The variables of all processes. They may share one environment, so each process accepts those of others."""
OTHER_VARIABLES = frozenset({f"{PREFIX}ORDER_SYNC", f"{PREFIX}PRODUCT"})
"""Addresses of services, which the examples read."""

S = TypeVar("S", bound=BaseSettings)

# How similar a name without the prefix must be to that of a setting to count as a misspelling of it.
_SIMILAR_NAME_AND_PREFIX = 0.9
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
_KUBERNETES_SERVICE = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
"""Variables that Kubernetes sets for each Service of the namespace, unless `enableServiceLinks` is false."""


def env_name(cls: type[BaseSettings], field: str) -> str:
    """Return the environment variable of a field."""
    alias = cls.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def load_settings(cls: type[S]) -> S:
    """Load the settings. Raises StartupError, with a line for each missing, invalid or unknown variable."""
    secrets, problems = _read_secret_files(cls)
    problems = _find_unclean_variables(cls) | _find_unknown_variables(cls) | problems
    try:
        settings = cls(**secrets)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            variable, problem = _describe(cls, detail)
            problems.setdefault(variable, problem)
    if problems:
        raise StartupError(
            [f"{variable}: {problem}" if variable else problem for variable, problem in problems.items()]
        )
    return settings


def list_secrets(settings: BaseSettings) -> list[str]:
    """Return the secrets in the settings: of a URL, its passwords."""
    values = [getattr(settings, name) for name in type(settings).model_fields]
    texts = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    return [secret for text in texts for secret in (_list_passwords(text) if "://" in text else [text])]


def _list_passwords(url: str) -> list[str]:
    """Return the passwords of a URL, also those among its parameters, as they are written and decoded."""
    parts = urlsplit(url)
    parameters = [parameter.partition("=") for parameter in parts.query.split("&")]
    in_query = [value for name, _, value in parameters if name.endswith("password")]
    return [form for each in (parts.password, *in_query) if each for form in (each, unquote(each))]


def _known_variables(cls: type[BaseSettings]) -> set[str]:
    names = {env_name(cls, field) for field in cls.model_fields}
    return names | {f"{env_name(cls, field)}_FILE" for field in cls.model_fields if _is_secret(cls, field)}


def _is_secret(cls: type[BaseSettings], field: str) -> bool:
    annotation = cls.model_fields[field].annotation
    return SecretStr in (annotation, *get_args(annotation))


def _is_json(cls: type[BaseSettings], field: str) -> bool:
    types = get_args(cls.model_fields[field].annotation)  # Json[...] | None
    return any(Json in (each, type(each)) for type_ in types for each in getattr(type_, "__metadata__", ()))


def _find_unclean_variables(cls: type[BaseSettings]) -> dict[str, str]:
    known = _known_variables(cls)
    json_variables = {env_name(cls, field) for field in cls.model_fields if _is_json(cls, field)}
    problems: dict[str, str] = {}
    for name, value in os.environ.items():
        if name.upper() in known:
            problem = _find_unclean(value, is_json=name.upper() in json_variables)
            problems |= {name: problem} if problem else {}
    return problems


def _find_unclean(value: str, *, is_json: bool = False) -> str:
    """Return what is wrong with a value, whatever its meaning; empty if nothing is."""
    # JSON is checked when it is parsed, and may have blanks around it.
    rules = _RULES[: _RULES_OF_JSON if is_json else None]
    return next((problem for is_wrong, problem in rules if is_wrong(value)), "")


def _is_unicode(value: str) -> bool:
    """Return whether a variable is UTF-8. Other bytes are lone surrogates in Python, which do not encode."""
    return value.isascii() or value.encode(errors="replace").decode() == value


_RULES: Sequence[tuple[Callable[[str], bool], str]] = (
    (lambda value: not value.strip(), "is empty: remove the variable, or set a value"),
    (lambda value: not _is_unicode(value), "is not UTF-8 text"),
    (lambda value: value.startswith("\ufeff"), "begins with a byte order mark: remove it"),
    (lambda value: value != value.strip(), "has blanks or line breaks around it: remove them"),
    (lambda value: value[0] in _QUOTES or value[-1] in _QUOTES, "has quotes around it: remove them"),
    (
        lambda value: not value.isprintable(),
        "has a line break or another invisible character in it: remove it",
    ),
)
"""What a value must not be, and the problem if it is. The first rule that applies is used."""
_RULES_OF_JSON = 3


def _find_unknown_variables(cls: type[BaseSettings]) -> dict[str, str]:
    known = SETTINGS | OTHER_VARIABLES | _known_variables(cls)
    names = {name: name.upper() for name in os.environ if name.upper() not in known}
    problems: dict[str, str] = {}
    for name, upper in names.items():
        meant = _find_meant(upper)
        if (meant or upper.startswith(PREFIX)) and not _KUBERNETES_SERVICE.fullmatch(upper):
            problems[name] = f"is not known; is {meant} meant?" if meant else "is not known"
    return problems


def _find_meant(name: str) -> str | None:
    """Return the setting of which a name is probably a misspelling."""
    if not name.startswith(PREFIX):
        return next(iter(get_close_matches(name, SETTINGS, 1, _SIMILAR_NAME_AND_PREFIX)), None)
    settings = {variable.removeprefix(PREFIX): variable for variable in sorted(SETTINGS)}
    similar = get_close_matches(name.removeprefix(PREFIX), settings, 1)
    with_ending = (variable for variable in sorted(SETTINGS) if variable.startswith(f"{name}_"))
    return next(with_ending, None) or (settings[similar[0]] if similar else None)


def _read_secret_files(cls: type[BaseSettings]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the secrets that were read from files, by field; and the problems with files, by variable."""
    secrets: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name in cls.model_fields:
        variable = env_name(cls, name)
        path = os.environ.get(f"{variable}_FILE")
        if not path or not _is_secret(cls, name):
            continue
        try:
            secrets[name] = _read_secret_file(path, is_also_set=bool(os.environ.get(variable)))
        except ValueError as error:
            problems[f"{variable}_FILE"] = str(error)
            secrets[name] = SecretStr("-")  # so that it is not reported as missing too
    return secrets, problems


def _read_secret_file(path: str, *, is_also_set: bool) -> SecretStr:
    if is_also_set:
        raise ValueError("set either this or the variable without _FILE, not both")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError("the file is not text") from None
    secret = text.removesuffix("\n").removesuffix("\r")
    if not secret.strip():
        raise ValueError("the file is empty")
    if problem := _find_unclean(secret):
        raise ValueError(f"the text in the file {problem}")
    return SecretStr(secret)


_MESSAGES = {
    "missing": "is required",
    "bool_parsing": "must be on or off",
    "json_invalid": "must be JSON",
}


def _describe(cls: type[BaseSettings], detail: ErrorDetails) -> tuple[str, str]:
    """Return the variable and the problem. If settings contradict each other, the variable is empty."""
    problem = _MESSAGES.get(detail["type"]) or detail["msg"].removeprefix("Value error, ").replace(
        "Input should", "must"
    )
    if not detail["loc"]:
        return "", problem
    field, *inner = map(str, detail["loc"])
    variable = env_name(cls, field) if field in cls.model_fields else field
    return variable, ": ".join([*inner, problem])

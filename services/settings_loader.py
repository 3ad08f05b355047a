"""Settings out of environment variables, for the services and for the operator's command.

A field `app_key` is NATIONALSITE_APP_KEY; an empty variable is one that is not set. A SecretStr can also come
from the file that `..._FILE` names. A setting that is a JSON object is declared `Json[...]`.
"""

import os
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.errors import StartupError

PREFIX = "NATIONALSITE_"
SETTINGS_CONFIG = SettingsConfigDict(
    env_prefix=PREFIX,
    env_ignore_empty=True,
    enable_decoding=False,  # a Json field that does not parse is then a problem like any other
    extra="ignore",
    frozen=True,
    populate_by_name=True,
)
"""The configuration of every class of settings."""

S = TypeVar("S", bound=BaseSettings)


def _is_text(name: str, value: str) -> bool:
    """Whether a variable of ours holds text: bytes that are none arrive as lone surrogates."""
    return not name.startswith(PREFIX) or value.isascii() or value.encode(errors="replace").decode() == value


def env_name(cls: type[BaseSettings], field: str) -> str:
    """The environment variable of a field."""
    alias = cls.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def load_settings(cls: type[S]) -> S:
    """The settings of this process. Raises StartupError with a line for each that is missing or bad."""
    if no_text := [name for name, value in os.environ.items() if not _is_text(name, value)]:
        raise StartupError([f"{name}: is not UTF-8 text" for name in no_text])
    secrets, problems = _secrets_from_files(cls)
    try:
        settings = cls(**secrets)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            variable, text = _problem(cls, detail)
            problems.setdefault(variable, text)
    if problems:
        lines = [f"{variable}: {text}" if variable else text for variable, text in problems.items()]
        raise StartupError(lines)
    return settings


def _secrets_from_files(cls: type[BaseSettings]) -> tuple[dict[str, Any], dict[str, str]]:
    """The secrets that come as files, by field, and what is wrong with them, by variable."""
    secrets: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, field in cls.model_fields.items():
        variable = env_name(cls, name)
        path = os.environ.get(f"{variable}_FILE")
        if not path or SecretStr not in (field.annotation, *get_args(field.annotation)):
            continue
        try:
            secrets[name] = _secret_from_file(path, given_directly=bool(os.environ.get(variable)))
        except ValueError as error:
            problems[f"{variable}_FILE"] = str(error)
            secrets[name] = SecretStr("-")  # given, if badly: not to be told of as missing too
    return secrets, problems


def _secret_from_file(path: str, *, given_directly: bool) -> SecretStr:
    if given_directly:
        raise ValueError("given both here and directly, without _FILE")
    try:
        text = Path(path).read_text().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return SecretStr(text)


_WORDS = {
    "missing": "is required",
    "bool_parsing": "must be on or off",
    "json_invalid": "must be JSON",
}


def _problem(cls: type[BaseSettings], detail: ErrorDetails) -> tuple[str, str]:
    """The variable, empty where several are at odds, and what is wrong with it."""
    text = _WORDS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ").replace(
        "Input should", "must"
    )
    if not detail["loc"]:
        return "", text
    field, *inner = map(str, detail["loc"])
    variable = env_name(cls, field) if field in cls.model_fields else field
    return variable, ": ".join([*inner, text])

"""Loads settings from environment variables, for the services and for the adapter command line.

The field `app_key` is NATIONALSITE_APP_KEY. An empty variable counts as unset. A SecretStr can also be in a
file, whose path is in `..._FILE`. The type of a setting that is a JSON object is `Json[...]`.
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
    enable_decoding=False,  # otherwise an invalid Json field would not be reported with the other problems
    extra="ignore",
    frozen=True,
    populate_by_name=True,
)
"""The model_config of every settings class."""

S = TypeVar("S", bound=BaseSettings)


def _is_valid_text(value: str) -> bool:
    """Return whether a variable is UTF-8: Python decodes invalid bytes to lone surrogates."""
    return value.isascii() or value.encode(errors="replace").decode() == value


def env_name(cls: type[BaseSettings], field: str) -> str:
    """Return the environment variable of a field."""
    alias = cls.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def load_settings(cls: type[S]) -> S:
    """Load the settings. Raises StartupError, with a line for each missing or invalid variable."""
    variables = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    if invalid := [name for name, value in variables.items() if not _is_valid_text(value)]:
        raise StartupError([f"{name}: is not UTF-8 text" for name in invalid])
    secrets, problems = _read_secret_files(cls)
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


def _read_secret_files(cls: type[BaseSettings]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the secrets in files by field, and the problems with files by variable."""
    secrets: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, field in cls.model_fields.items():
        variable = env_name(cls, name)
        path = os.environ.get(f"{variable}_FILE")
        if not path or SecretStr not in (field.annotation, *get_args(field.annotation)):
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
        text = Path(path).read_text().rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not text") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return SecretStr(text)


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

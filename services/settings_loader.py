"""Loads settings from environment variables, for the services and for the adapter command line.

The field `app_key` is read from NATIONALSITE_APP_KEY. A secret (SecretStr) can also be read from a file:
NATIONALSITE_APP_SECRET_FILE holds the path of the file with the app secret. The type of a setting that is a
JSON object is `Json[...]`. An empty variable is an error, and for a service also one that is probably a
misspelt setting: it may be meant to restrict access.
"""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import SecretStr, ValidationError
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

S = TypeVar("S", bound=BaseSettings)

# How similar a name must be to that of a setting to count as a misspelling of it. No setting of one service
# is so similar to one of another service.
_SIMILAR_NAME = 0.8
_SIMILAR_NAME_AND_PREFIX = 0.9


def _is_valid_text(value: str) -> bool:
    """Return whether a variable is UTF-8. Other bytes are lone surrogates in Python, which do not encode."""
    return value.isascii() or value.encode(errors="replace").decode() == value


def env_name(cls: type[BaseSettings], field: str) -> str:
    """Return the environment variable of a field."""
    alias = cls.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field.upper()


def load_settings(cls: type[S], *, reject_misspelt: bool = False) -> S:
    """Load the settings. Raises StartupError, with a line for each missing or invalid variable.

    `reject_misspelt`: the class has all settings of a service, so a variable that is similar to one of them
    is an error. A command has only some of these settings.
    """
    variables = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    if invalid := [name for name, value in variables.items() if not _is_valid_text(value)]:
        raise StartupError([f"{name}: is not UTF-8 text" for name in invalid])
    secrets, problems = _read_secret_files(cls)
    problems = _find_empty_variables(cls) | problems
    if reject_misspelt:
        problems |= _find_misspelt_variables(cls)
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


def find_unknown_variables(cls: type[BaseSettings]) -> list[str]:
    """Return the variables with the prefix that are no settings of the class.

    They may be those of another service.
    """
    known = _known_variables(cls)
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def _known_variables(cls: type[BaseSettings]) -> set[str]:
    names = {env_name(cls, field) for field in cls.model_fields}
    return names | {f"{env_name(cls, field)}_FILE" for field in cls.model_fields if _is_secret(cls, field)}


def _is_secret(cls: type[BaseSettings], field: str) -> bool:
    annotation = cls.model_fields[field].annotation
    return SecretStr in (annotation, *get_args(annotation))


def _find_empty_variables(cls: type[BaseSettings]) -> dict[str, str]:
    known = _known_variables(cls)
    empty = [name for name, value in os.environ.items() if name.upper() in known and not value.strip()]
    return dict.fromkeys(empty, "is empty: remove the variable, or set a value")


def _find_misspelt_variables(cls: type[BaseSettings]) -> dict[str, str]:
    known = _known_variables(cls)
    meant = {name: _find_meant(name.upper(), known) for name in os.environ if name.upper() not in known}
    return {name: f"is not known here; is {setting} meant?" for name, setting in meant.items() if setting}


def _find_meant(name: str, known: set[str]) -> str | None:
    """Return the setting of which a name is probably a misspelling."""
    if not name.startswith(PREFIX):
        return next(iter(get_close_matches(name, known, 1, _SIMILAR_NAME_AND_PREFIX)), None)
    settings = {variable.removeprefix(PREFIX): variable for variable in known}
    similar = get_close_matches(name.removeprefix(PREFIX), settings, 1, _SIMILAR_NAME)
    without_ending = (variable for variable in sorted(known) if variable.startswith(f"{name}_"))
    return settings[similar[0]] if similar else next(without_ending, None)


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

"""The command line of a service with a store: it starts the server, or runs a command on the store."""

import sys
from collections.abc import Callable
from typing import TypeVar

from services.errors import StartupError
from services.server import ServerSettings, ServiceDefinition, build_parser, run
from services.settings_loader import load_settings
from services.store import CreationCommands, StoreSettings, add_commands, run_command

S = TypeVar("S", bound=ServerSettings)
T = TypeVar("T", bound=StoreSettings)


def main(
    package: str,
    service: ServiceDefinition[S],
    store_settings: type[T],
    build_creation_commands: Callable[[T], CreationCommands] | None = None,
) -> None:
    """Start the server, or run a command on the store if the arguments name one.

    `package` is the name that follows `python -m` in the usage text.
    """
    parser = build_parser(package, service)
    add_commands(parser, has_creations=build_creation_commands is not None)
    options = parser.parse_args()
    if options.command is None:
        run(service)
        return
    try:
        settings = load_settings(store_settings)
        url = settings.database_url.get_secret_value()
        creations = build_creation_commands(settings) if build_creation_commands else None
        sys.exit(run_command(options, url, creations))
    except StartupError as error:
        error.exit()

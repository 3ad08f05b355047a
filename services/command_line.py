"""The command line of a service with a store: serves, or runs a command on the store."""

import sys
from typing import TypeVar

from services.errors import StartupError
from services.server import ServerSettings, ServiceDefinition, run
from services.settings_loader import load_settings
from services.store import StoreSettings, run_command

S = TypeVar("S", bound=ServerSettings)


def main(package: str, service: ServiceDefinition[S], store_settings: type[StoreSettings]) -> None:
    """Serve, or run `migrate` or `erase` on the store. `package`: the argument of `python -m`."""
    if len(sys.argv) == 1:
        run(service)
        return
    try:
        url = load_settings(store_settings).database_url.get_secret_value()
        sys.exit(run_command(f"python -m {package}", sys.argv[1:], url))
    except StartupError as error:
        error.exit()

"""Serves AccountService, or works on its store: `python -m services.account [migrate | erase ...]`."""

import sys

from services.account.service import ACCOUNT, AccountStore
from services.errors import StartupError
from services.server import read_settings, run
from services.store import run_command

if __name__ == "__main__":
    if len(sys.argv) == 1:
        run(ACCOUNT)
    else:
        try:
            url = read_settings(AccountStore).database_url.get_secret_value()
            sys.exit(run_command("python -m services.account", sys.argv[1:], url))
        except StartupError as problem:
            problem.exit()

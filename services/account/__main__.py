"""Serves AccountService: `python -m services.account`."""

from services.account.service import ACCOUNT
from services.serving import run

if __name__ == "__main__":
    run(ACCOUNT)

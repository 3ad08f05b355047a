"""Serves OrderSyncService, or runs a store command: `python -m tests.durability.next_release [migrate]`."""

import sys
from pathlib import Path

from sqlalchemy import Column, Text

from services.command_line import main as run_command_line
from services.order_sync.service import ORDER_SYNC, OrderSyncStoreSettings
from services.store.database import migration_scripts, schema
from tests.durability import fast_timeouts
from tests.durability.next_release import RELEASE


def main() -> None:
    """Run the service, or the command in the arguments."""
    versions = Path(__file__).parent / "versions"
    fast_timeouts.replace(migration_scripts, "VERSIONS", (*migration_scripts.VERSIONS, versions))
    fast_timeouts.replace(schema, "SCHEMA_REVISION", f"9998_{schema.SCHEMA_REVISION[-4:]}")
    schema.messages.append_column(Column("received_by", Text, default=RELEASE))
    if sys.argv[1:]:
        run_command_line("tests.durability.next_release", ORDER_SYNC, OrderSyncStoreSettings)
    else:
        fast_timeouts.main()


if __name__ == "__main__":
    main()

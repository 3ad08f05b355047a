"""Only their owner can read SQLite's files."""

import os
import stat

import pytest

from services.store import open_store, single_process_lock


def get_modes(directory):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


PRIVATE = {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777], ids=oct)
async def test_new_files_and_directories_are_private(tmp_path, umask):
    directory = tmp_path / "new" / "store"
    previous = os.umask(umask)
    try:
        url = f"sqlite+aiosqlite:///{directory}/store.db"
        async with single_process_lock(url), open_store(url):
            assert get_modes(directory) == PRIVATE | {"store.db-lock": 0o600 & ~umask}
    finally:
        os.umask(previous)
    assert get_modes(tmp_path) == {"new": 0o700}
    assert get_modes(directory.parent) == {"store": 0o700}


async def test_permissions_of_others_are_removed_and_logged(tmp_path, capsys):
    url = f"sqlite+aiosqlite:///{tmp_path}/store.db"
    async with open_store(url):
        for path in tmp_path.iterdir():
            path.chmod(0o644)
        tmp_path.chmod(0o755)
        capsys.readouterr()
        async with open_store(url):
            assert get_modes(tmp_path) == PRIVATE
    logged = capsys.readouterr().out
    assert logged.count("store_file_made_private") == 3
    assert "644" in logged
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755

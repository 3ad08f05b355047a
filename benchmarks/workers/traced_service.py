"""Runs a service. Between two signals SIGUSR1, the C library writes each allocation to a file.

Arguments: the module of the service, and a file. Each signal creates this file when it was handled. The
variables that this needs are in scenarios/call_counts.py. This module is run by its path, with the
interpreter and in the directory of the checkout that is measured, so it imports nothing of its own checkout.
"""

import ctypes
import os
import runpy
import signal
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

_SYMBOL_VERSION = b"GLIBC_2.2.5"


def main(module: str, file: Path) -> None:
    """Run the service."""
    actions = cycle((_find_function("mtrace"), _find_function("muntrace")))

    def act(_number: int, _frame: object) -> None:
        next(actions)()
        file.touch()

    signal.signal(signal.SIGUSR1, act)
    sys.argv, sys.path[0] = [module], os.getcwd()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _find_function(name: str) -> Callable[[], None]:
    """Return a function of the preloaded library. Without its version, a stub of libc would be found."""
    library = ctypes.CDLL(os.environ["LD_PRELOAD"])
    find = ctypes.CDLL(None).dlvsym
    find.restype, find.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)
    address = find(library._handle, name.encode(), _SYMBOL_VERSION)
    if address is None:
        sys.exit(f"{library._name} has no {name} of {_SYMBOL_VERSION.decode()}, which is that of x86-64")
    return ctypes.CFUNCTYPE(None)(address)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

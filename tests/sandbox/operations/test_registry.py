import importlib
import sys
from pathlib import Path

import pytest

from services.sandbox.operations.registry import TRADE, load_operations

MODULE = """
from services.sandbox.http import envelopes
from services.sandbox.operations.registry import trade_operation

@trade_operation("{name}", envelopes.NESTED, required=("orderId",))
async def get_example(context, arguments):
    return {{}}
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An empty package of operations, to which a test adds modules."""
    folder = tmp_path / "example_operations"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(folder.name)
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


def add_module(package, module, operation):
    write_module(package, module, MODULE.format(name=operation))


def write_module(package, module, source):
    (folder,) = package.__path__
    Path(folder, f"{module}.py").write_text(source)
    importlib.invalidate_caches()


def test_operations_of_all_modules_are_found(package):
    add_module(package, "first", "alibaba.example.first")
    add_module(package, "second", "alibaba.example.second")
    operations = load_operations(package)
    assert set(operations) == {(TRADE, "alibaba.example.first"), (TRADE, "alibaba.example.second")}
    assert operations[TRADE, "alibaba.example.first"].dialects[0].required == ("orderId",)


def test_two_operations_of_one_name(package):
    add_module(package, "first", "alibaba.example")
    add_module(package, "second", "alibaba.example")
    with pytest.raises(ValueError, match=r"alibaba\.example is declared twice"):
        load_operations(package)


def test_an_imported_operation_is_found_once(package):
    add_module(package, "first", "alibaba.example")
    write_module(package, "second", "from example_operations.first import get_example\n")
    assert len(load_operations(package)) == 1

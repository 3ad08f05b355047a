"""Declares operations, and finds all that are declared."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import ModuleType

from services.sandbox import operations
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.envelopes import Envelope
from services.sandbox.http.operation import DialectSpec, Handler, Operation

CROSS_BORDER = "com.alibaba.fenxiao.crossborder"
TRADE = "com.alibaba.trade"
LOGISTICS = "com.alibaba.logistics"


def operation(
    name: str,
    *dialects: DialectSpec,
    namespace: str = CROSS_BORDER,
    protocols: frozenset[str] = frozenset({"param2"}),
    requires_signature: bool = True,
    requires_token: bool = True,
    rejects_other_dialects: bool = False,
) -> Callable[[Handler], Operation]:
    """Declare the operation that the decorated handler runs."""

    def declare(handler: Handler) -> Operation:
        return Operation(
            namespace=namespace,
            name=name,
            handler=handler,
            dialects=dialects,
            protocols=protocols,
            requires_signature=requires_signature,
            requires_token=requires_token,
            rejects_other_dialects=rejects_other_dialects,
        )

    return declare


def trade_operation(
    name: str,
    envelope: Envelope,
    *,
    required: tuple[str, ...] = (),
    wrapper: str | None = None,
    invalid_argument: tuple[str, str] | None = None,
    namespace: str = TRADE,
) -> Callable[[Handler], Operation]:
    """Declare an operation of orders, which has the same form in both dialects."""
    spec = DialectSpec(
        dialect=Dialect.BOTH,
        envelope=envelope,
        wrapper=wrapper,
        required=required,
        invalid_argument=invalid_argument,
    )
    return operation(name, spec, namespace=namespace)


def load_operations(package: ModuleType = operations) -> Mapping[tuple[str, str], Operation]:
    """Import the modules of a package and return their operations by namespace and name.

    Raises ValueError if two operations have the same name.
    """
    found: dict[tuple[str, str], Operation] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, Operation):
                key = (value.namespace, value.name)
                if found.setdefault(key, value) is not value:
                    raise ValueError(f"{value.namespace}/{value.name} is declared twice")
    return found

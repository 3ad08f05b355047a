"""What a row of the benchmark says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.measuring import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that was measured."""

    unit: str
    spread: Spread

    def __str__(self) -> str:
        """Such as `412 (398..455) us`."""
        return f"{self.spread} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A row: what was measured, and what was wanted of it."""

    row: str
    title: str
    figures: Mapping[str, Figure]
    found: float | None = None
    """The number that is compared with the wanted one; None: there is none."""
    wanted: float | None = None
    at_least: bool = False
    """Whether the wanted one is a least; else it is a most."""
    unit: str = "times"
    points: Mapping[str, list[tuple[float, float]]] = field(default_factory=dict)
    """Curves to plot, by name."""
    axes: tuple[str, str] = ("", "")

    @classmethod
    def ratio(cls, row: str, title: str, figures: Mapping[str, Figure], peer: str, wanted: float) -> "Result":
        """Compare the suite with a peer by their medians."""
        shown = {name: figures[name] for name in ("suite", peer)}
        found = figures["suite"].spread.median / figures[peer].spread.median
        return cls(row=row, title=title, figures=shown, found=found, wanted=wanted)

    @property
    def holds(self) -> bool | None:
        """Whether it is as wanted."""
        if self.found is None or self.wanted is None:
            return None
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted

    def as_json(self) -> dict[str, Any]:
        """Everything, for machines."""
        return asdict(self) | {"holds": self.holds}

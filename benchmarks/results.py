"""Results of measurements: series with one value per round, and comparisons of two series."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.cpu_cost import CpuCost, ServerCpuCost
from benchmarks.load_client import LoadClient, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A quantity, measured once per round."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A quantity as a function of another, for a plot."""

    x_label: str
    y_label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one row."""

    subject: Series
    reference: Series | None = None
    figure: Series
    """The compared quantity: ratio or difference of subject and reference by round, or the subject itself."""
    details: tuple[Series, ...] = ()
    """Other quantities measured at the same time."""
    curves: Mapping[str, Curve] | None = None
    """Curves of one plot, by name."""


def ratio(
    subject: Series,
    reference: Series,
    *,
    details: Sequence[Series] = (),
    curves: Mapping[str, Curve] | None = None,
) -> Result:
    """Compare two series by their ratio in each round."""
    values = tuple(a / b for a, b in zip(subject.values, reference.values, strict=True))
    figure = Series(name=f"{subject.name} / {reference.name}", unit="x", values=values)
    return Result(subject=subject, reference=reference, figure=figure, details=tuple(details), curves=curves)


def difference(subject: Series, reference: Series) -> Result:
    """Compare two series by their difference in each round."""
    values = tuple(a - b for a, b in zip(subject.values, reference.values, strict=True))
    figure = Series(name=f"{subject.name} - {reference.name}", unit=subject.unit, values=values)
    return Result(subject=subject, reference=reference, figure=figure)


def absolute(subject: Series, *, details: Sequence[Series] = ()) -> Result:
    """Return a result without a reference."""
    return Result(subject=subject, figure=subject, details=tuple(details))


def measure_servers(
    client: LoadClient,
    targets: Mapping[str, Target],
    calls: int,
    *,
    in_flight: int,
    warm_up_calls: int,
    rounds: int,
) -> dict[str, Series]:
    """Warm up gRPC servers, and measure the CPU cost of a call of each."""
    subjects: dict[str, CpuCost] = {
        name: ServerCpuCost(client=client, target=target, in_flight=in_flight)
        for name, target in targets.items()
    }
    for subject in subjects.values():
        subject(warm_up_calls)
    return measure_cpu_costs(subjects, calls, rounds=rounds)


def measure_cpu_costs(subjects: Mapping[str, CpuCost], calls: int, *, rounds: int) -> dict[str, Series]:
    """Measure the CPU cost of each subject once per round, so that disturbances affect all of them."""
    return measure_rounds({name: partial(cost, calls) for name, cost in subjects.items()}, "us", rounds)


def measure_rounds(measures: Mapping[str, Callable[[], float]], unit: str, rounds: int) -> dict[str, Series]:
    """Call each measure once per round, in turn."""
    values: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            values[name].append(measure())
    return {name: Series(name=name, unit=unit, values=tuple(series)) for name, series in values.items()}

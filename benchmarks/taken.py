"""What measures yield: series of values, one of each round, and what a row makes of two of them."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One quantity, measured once in each round."""

    what: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How a quantity goes with another."""

    x: str
    y: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one row of the table was measured as."""

    subject: Series
    reference: Series | None = None
    figure: Series
    """What is judged: a ratio or a difference of the two, round by round, or the subject itself."""
    parts: tuple[Series, ...] = ()
    """What else was seen."""
    curves: Mapping[str, Curve] | None = None
    """What is drawn, by name; of one kind."""


def ratio(
    subject: Series,
    reference: Series,
    *,
    parts: Sequence[Series] = (),
    curves: Mapping[str, Curve] | None = None,
) -> Taken:
    """Compare by how many times, round by round."""
    values = tuple(one / other for one, other in zip(subject.values, reference.values, strict=True))
    figure = Series(what=f"{subject.what} / {reference.what}", unit="x", values=values)
    return Taken(subject=subject, reference=reference, figure=figure, parts=tuple(parts), curves=curves)


def difference(subject: Series, reference: Series) -> Taken:
    """Compare by how much more, round by round."""
    values = tuple(one - other for one, other in zip(subject.values, reference.values, strict=True))
    figure = Series(what=f"{subject.what} - {reference.what}", unit=subject.unit, values=values)
    return Taken(subject=subject, reference=reference, figure=figure)


def alone(subject: Series, *, parts: Sequence[Series] = ()) -> Taken:
    """Judge a quantity by itself."""
    return Taken(subject=subject, figure=subject, parts=tuple(parts))


def alternated(
    subjects: Mapping[str, Callable[[int], float]], calls: int, *, unit: str, rounds: int
) -> dict[str, Series]:
    """Let each subject make calls once a round, one after the other: what disturbs, disturbs them all."""
    return series({what: lambda make=make: make(calls) for what, make in subjects.items()}, unit, rounds)


def series(measures: Mapping[str, Callable[[], float]], unit: str, rounds: int) -> dict[str, Series]:
    """Take each measure once a round, one after the other."""
    values: dict[str, list[float]] = {what: [] for what in measures}
    for _ in range(rounds):
        for what, measure in measures.items():
            values[what].append(measure())
    return {what: Series(what=what, unit=unit, values=tuple(found)) for what, found in values.items()}

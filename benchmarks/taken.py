"""What measures yield: series of values, one of each round, and what a row makes of two of them."""

import statistics
from collections.abc import Callable, Mapping
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
class Taken:
    """What one row of the table was measured as."""

    subject: Series
    reference: Series | None = None
    figure: Series
    """What is judged: a ratio or a difference of the two, round by round, or the subject itself."""
    remarks: str = ""


def ratio(subject: Series, reference: Series, remarks: str = "") -> Taken:
    """Compare by how many times."""
    values = tuple(one / other for one, other in zip(subject.values, reference.values, strict=True))
    return Taken(
        subject=subject,
        reference=reference,
        figure=Series(what=f"{subject.what} / {reference.what}", unit="x", values=values),
        remarks=remarks,
    )


def difference(subject: Series, reference: Series, remarks: str = "") -> Taken:
    """Compare by how much more."""
    values = tuple(one - other for one, other in zip(subject.values, reference.values, strict=True))
    return Taken(
        subject=subject,
        reference=reference,
        figure=Series(what=f"{subject.what} - {reference.what}", unit=subject.unit, values=values),
        remarks=remarks,
    )


def alone(subject: Series, remarks: str = "") -> Taken:
    """Judge a quantity by itself."""
    return Taken(subject=subject, figure=subject, remarks=remarks)


def alternated(subjects: Mapping[str, Callable[[], float]], *, unit: str, rounds: int) -> dict[str, Series]:
    """Measure each subject once a round, one after the other: what disturbs, disturbs all of them."""
    values: dict[str, list[float]] = {what: [] for what in subjects}
    for _ in range(rounds):
        for what, measure in subjects.items():
            values[what].append(measure())
    return {what: Series(what=what, unit=unit, values=tuple(found)) for what, found in values.items()}

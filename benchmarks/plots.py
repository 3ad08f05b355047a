"""The plots of a run, as PNG."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt  # after the choice of what draws

from benchmarks.result import Result  # likewise

_HELD, _MISSED = "#2b7a4b", "#b5442e"


def plot(result: Result, folder: Path) -> Path:
    """Draw the curves of a row."""
    figure, axes = plt.subplots(figsize=(6, 3.5))
    for name, points in result.points.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=name, color=_HELD)
    axes.set_xlabel(result.axes[0])
    axes.set_ylabel(result.axes[1])
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_title(result.title, fontsize=9)
    axes.grid(alpha=0.3)
    return _saved(figure, folder / f"{result.row}.png")


def ratios(results: Sequence[Result], folder: Path) -> Path:
    """Draw how far each row is from what was wanted: 1 is just that, and less is better."""
    shown = [each for each in results if each.found and each.wanted]
    parts = [each.wanted / each.found if each.at_least else each.found / each.wanted for each in shown]
    figure, axes = plt.subplots(figsize=(8, 0.4 * len(shown) + 1))
    colours = [_HELD if each.holds else _MISSED for each in shown]
    axes.barh([each.row for each in shown], [max(part, 0.01) for part in parts], color=colours)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("found / wanted; left of the line is as wanted")
    axes.invert_yaxis()
    return _saved(figure, folder / "ratios.png")


def _saved(figure: "plt.Figure", path: Path) -> Path:
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path

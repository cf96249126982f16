"""The growth as a figure. By matplotlib, which comes with the competitors: a plotly figure becomes a file only with a browser beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["FIGURE", "draw"]

FIGURE = Path(__file__).parents[1] / "docs" / "performance_growth.svg"
TIME, MEMORY = "#0072B2", "#D55E00"  # told apart by the colour-blind (Okabe and Ito)


def draw(results: Mapping[str, Sequence[tuple[float, float, float]]], path: Path) -> None:
    """A panel for each of {name: (size, seconds, megabytes) of every point}, on logarithmic axes, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "sevis"
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(results), figsize=(3.2 * len(results), 3), squeeze=False, layout="constrained")
    for panel, (name, points) in zip(panels[0], results.items(), strict=True):
        sizes, seconds, megabytes = zip(*points, strict=True)
        panel.loglog(sizes, seconds, "o-", color=TIME)
        panel.set_xlabel(name)
        panel.set_ylabel("processor time (s)", color=TIME)
        beside = panel.twinx()
        beside.loglog(sizes, [max(value, 0.1) for value in megabytes], "s--", color=MEMORY)
        beside.set_ylabel("memory (MB)", color=MEMORY)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)

"""Where the marks of a chart stand: numbers for the templates that draw SVG. Units: of the view box."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 420
LABEL = 80  # half of the longest label of a mark
SHOWN_THEMES = 9
EVERYTHING_ELSE, ADJUSTMENT = "Everything else together", "Averaging and calibration of the models"
Marks = dict[str, Any]


def scale(threshold: float, *marked: tuple[str, float]) -> Marks:
    """Probabilities against the limit, from 0 to a round number above all of them."""
    most = max([2 * threshold, *(1.15 * probability for _, probability in marked)])
    top = min(1.0, math.ceil(most * 20) / 20)
    left, right = 14, WIDTH - 14

    def at(probability: float) -> float:
        """Position of a probability."""
        return round(left + (right - left) * min(probability, top) / top, 1)

    step = 0.05 if top <= 0.3 else 0.1 if top <= 0.6 else 0.2
    ticks = [step * count for count in range(round(top / step) + 1)]
    return {
        "width": WIDTH,
        "left": left,
        "right": right,
        "limit": at(threshold),
        "threshold": threshold,
        "ticks": [{"x": at(tick), "share": tick} for tick in ticks],
        "marks": [
            {"name": name, "x": at(probability), "share": probability, "anchor": _anchor(at(probability))}
            for name, probability in marked
        ],
    }


def waterfall(document: Mapping[str, Any]) -> Marks:
    """From the points of the average applicant, theme by theme, to those of the client; small themes together.

    Positions are per cent of the width: each step is a row of a table, as wide as the page allows.
    """
    themes = [theme for theme in document["themes"] if theme["points"]]
    steps = [(theme["title"], theme["points"], theme["protected"]) for theme in themes[:SHOWN_THEMES]]
    if themes[SHOWN_THEMES:]:
        rest = round(sum(theme["points"] for theme in themes[SHOWN_THEMES:]), 1)
        steps.append((EVERYTHING_ELSE, rest, False))
    steps.append((ADJUSTMENT, document["adjustment_points"], False))
    reached = [document["average_points"]]
    for _, points, _ in steps:
        reached.append(reached[-1] + points)
    ends = [*reached, document["points_at_threshold"]]
    low, high = min(ends), max(ends)

    def at(points: float) -> float:
        """Position of points."""
        return round(2 + 96 * (points - low) / max(high - low, 1e-9), 2)

    bars = []
    for row, (title, points, protected) in enumerate(steps):
        begin, end = sorted((at(reached[row]), at(reached[row + 1])))
        width = max(round(end - begin, 2), 0.5)
        bars.append({"title": title, "points": points, "protected": protected, "x": begin, "width": width})
    return {
        "bars": bars,
        "average": document["average_points"],
        "average_x": at(reached[0]),
        "points": document["points"],
        "points_x": at(reached[-1]),
        "limit": document["points_at_threshold"],
        "limit_x": at(document["points_at_threshold"]),
    }


def histogram(edges: Sequence[float], groups: Mapping[str, Sequence[float]], value: float | None) -> Marks:
    """Shares of groups by bin: the first as bars, the others as steps; where a value stands."""
    left, right, top, bottom = 42, WIDTH - 8, 24, 160
    highest = max((share for shares in groups.values() for share in shares), default=1.0) or 1.0
    low, high = edges[0], edges[-1]

    def across(number: float) -> float:
        """Position of a value; what lies beyond the bins stands at their end."""
        return round(left + (right - left) * (min(max(number, low), high) - low) / (high - low), 1)

    def up(share: float) -> float:
        """Height of a share."""
        return round(bottom - (bottom - top) * share / highest, 1)

    first, *others = groups.items()
    lines = []
    for name, shares in others:
        points = [f"{across(edges[0])},{bottom}"]
        for at, share in enumerate(shares):
            points += [f"{across(edges[at])},{up(share)}", f"{across(edges[at + 1])},{up(share)}"]
        lines.append({"group": name, "points": " ".join([*points, f"{across(edges[-1])},{bottom}"])})
    return {
        "width": WIDTH,
        "height": 190,
        "top": top,
        "bottom": bottom,
        "left": left,
        "right": right,
        "bars": [
            {"x": across(edges[at]), "width": across(edges[at + 1]) - across(edges[at]) - 1, "y": up(share)}
            for at, share in enumerate(first[1])
        ],
        "lines": lines,
        "highest": highest,
        "value": None if value is None else across(value),
        "anchor": "middle" if value is None else _anchor(across(value)),
        "ticks": [{"x": across(edge), "value": edge} for edge in edges[:: max(1, (len(edges) - 1) // 4)]],
    }


def line(x: Sequence[float], y: Sequence[float], *, marked: float | None = None, most_x: float | None = None) -> Marks:
    """A line through points; a vertical mark; both axes from 0."""
    left, right, top, bottom = 44, WIDTH - 14, 18, 180
    end, high = most_x or max(x), max(y) or 1.0

    def across(number: float) -> float:
        """Position on the horizontal axis."""
        return round(left + (right - left) * number / end, 1)

    def up(number: float) -> float:
        """Position on the vertical axis."""
        return round(bottom - (bottom - top) * number / high, 1)

    return {
        "width": WIDTH,
        "height": 222,
        "left": left,
        "right": right,
        "top": top,
        "bottom": bottom,
        "points": [{"x": across(one), "y": up(two)} for one, two in zip(x, y, strict=True)],
        "path": " ".join(f"{across(one)},{up(two)}" for one, two in zip(x, y, strict=True)),
        "marked": None if marked is None else across(marked),
        "diagonal": f"{across(0)},{up(0)} {across(min(end, high))},{up(min(end, high))}",
        "x_ticks": [{"x": across(end * part / 5), "value": end * part / 5} for part in range(6)],
        "y_ticks": [{"y": up(high * part / 4), "value": high * part / 4} for part in range(5)],
    }


def _anchor(x: float) -> str:
    return "start" if x < LABEL else "end" if x > WIDTH - LABEL else "middle"

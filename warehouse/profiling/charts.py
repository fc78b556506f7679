"""Charts as inline SVG, coloured by the style of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from warehouse.profiling.markup import Html, html, percent
from warehouse.profiling.rates import DefaultRate

ROW, BAR = 22, 12
LABEL, VALUE = 258, 66
STRIP_WIDTH, STRIP_HEIGHT, STRIP_MARGIN = 122, 16, 6


@dataclass(frozen=True)
class Bar:
    """One bar: its length, and the number written beside it."""

    label: str
    value: float
    shown: str


@dataclass(frozen=True)
class Scale:
    """Axis that several charts share: from `low` to `high`; bars start at `origin`."""

    low: float
    high: float
    origin: float = 0.0

    def position(self, value: float, width: float) -> float:
        """Distance from the left end of an axis that is `width` wide."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.0
        return round(width * min(max(share, 0.0), 1.0), 1)


def bar_chart(title: str, bars: Sequence[Bar], scale: Scale, width: int = 540, label: int = LABEL) -> Html:
    """Horizontal bars from the origin of the scale to the right."""
    height = ROW * len(bars) + 4
    plot = width - label - VALUE
    origin = label + scale.position(scale.origin, plot)
    parts = [f'<line class="axis" x1="{origin}" x2="{origin}" y1="0" y2="{height}"/>']
    for number, bar in enumerate(bars):
        middle = ROW * number + ROW / 2 + 2
        end = label + scale.position(bar.value, plot)
        length = max(end - origin, 0.5)
        parts.append(
            f"<g><title>{html(bar.label)}: {html(bar.shown)}</title>"
            f'<text class="label" x="{label - 8}" y="{middle + 4}">{html(_shortened(bar.label, label // 7))}</text>'
            f'<rect class="bar" x="{origin}" y="{middle - BAR / 2}" width="{length:.1f}" height="{BAR}" rx="2"/>'
            f'<text class="value" x="{origin + length + 6:.1f}" y="{middle + 4}">{html(bar.shown)}</text></g>'
        )
    return _svg(title, width, height, parts)


def share_bar(title: str, parts: Sequence[tuple[str, float]], width: int = 1144) -> Html:
    """One bar cut into shares, the first in the accent colour."""
    drawn, left = [], 0.0
    for number, (label, share) in enumerate(parts):
        length = round(width * share, 1)
        kind = "bar" if number == 0 else "bar rest"
        drawn.append(
            f'<g><title>{html(label)}</title><rect class="{kind}" x="{left}" y="0" width="{length}" height="34"/>'
            f'<text class="{"value" if number == 0 else "inside"}" x="{left + (0 if number == 0 else 10)}" '
            f'y="{52 if number == 0 else 22}">{html(label)}</text></g>'
        )
        left = round(left + length, 1)
    return _svg(title, width, 60, drawn)


def interval_strip(group: DefaultRate, overall: float, scale: Scale) -> Html:
    """Default rate of one group with its 95 % interval, and the overall rate as a line."""
    plot = STRIP_WIDTH - 2 * STRIP_MARGIN
    low, high, rate, middle = (
        STRIP_MARGIN + scale.position(value, plot) for value in (*group.interval, group.rate, overall)
    )
    y = STRIP_HEIGHT / 2
    ends = " to ".join(percent(end) for end in group.interval)
    title = f"{group.label}: {group.defaults:,} of {group.applications:,}, {ends}"
    return _svg(
        title,
        STRIP_WIDTH,
        STRIP_HEIGHT,
        [
            f'<line class="overall" x1="{middle}" x2="{middle}" y1="-2" y2="{STRIP_HEIGHT + 2}"/>',
            f'<line class="interval" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>',
            f'<circle class="dot" cx="{rate}" cy="{y}" r="4"/>',
        ],
    )


def strip_axis(scale: Scale) -> Html:
    """Heading of a column of strips: what its two ends mean."""
    y = STRIP_HEIGHT - 4
    low, high = f"{100 * scale.low:.0f} %", f"{100 * scale.high:.0f} %"
    texts = [
        f'<text class="tick" text-anchor="start" x="0" y="{y}">{low}</text>',
        f'<text class="tick" text-anchor="end" x="{STRIP_WIDTH}" y="{y}">{high}</text>',
    ]
    return _svg(f"from {low} to {high}", STRIP_WIDTH, STRIP_HEIGHT, texts)


def _svg(title: str, width: int, height: float, parts: Sequence[str]) -> Html:
    return Html(
        f'<svg role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>{html(title)}</title>{''.join(parts)}</svg>"
    )


def _shortened(label: str, longest: int) -> str:
    return label if len(label) <= longest else label[: longest - 1] + "…"

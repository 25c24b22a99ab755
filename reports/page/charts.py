"""Where the shapes of the page's charts stand, in percent of their picture. Pure; the templates draw them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr_actions.journal.timeline import Timeline

# Where the objective stands in the bar of a copy's age: what is beyond it has room, what is far beyond is cut.
TARGET_AT = 60.0
# An objective that is further off would squeeze the phases into nothing.
_FAR = 2.0
_LEAST = 0.6  # a bar of less cannot be seen


@dataclass(frozen=True, slots=True)
class PhaseBar:
    """A phase or a wait of a run: its place in percent; ``seconds`` is None where its end was not recorded."""

    name: str
    kind: str
    at: float
    width: float
    seconds: float | None
    start: datetime | None
    end: datetime | None


def age_width(seconds: float, target_s: float) -> float:
    """The width of the bar of a copy's age."""
    return 100.0 if not target_s else max(_LEAST, min(100.0, TARGET_AT * seconds / target_s))


def shares(counts: Sequence[int]) -> list[tuple[float, float]]:
    """Place and width of each part of one bar."""
    total, at, placed = sum(counts) or 1, 0.0, []
    for count in counts:
        width = 100.0 * count / total
        placed.append((at, width))
        at += width
    return placed


def lengths(seconds: Sequence[float | None]) -> list[float]:
    """The width of each bar where the longest is as wide as its picture; none where it was not measured."""
    # All may be 0 s, or unmeasured: nothing is divided by that.
    longest = max((taken for taken in seconds if taken is not None), default=0.0) or 1.0
    return [0.0 if taken is None else 100.0 * taken / longest for taken in seconds]


def phase_bars(timeline: Timeline) -> tuple[PhaseBar, ...]:
    """The phases of a run, then what a person was waited for, on one scale; the objective of one that ended is last.

    The scale is the run's, with the objective where it is at most twice as far: else the phases would be no bars.
    """
    spans = [("phase", str(phase), span) for phase, span in timeline.phases.items()]
    spans += [("wait", f"waited for: {wait.message}", wait.span) for wait in timeline.waits]
    moments = [moment for _, _, span in spans for moment in (span.start, span.end) if moment]
    if not moments:
        return ()
    start = min(moments)
    due = (timeline.since or start) + timedelta(seconds=timeline.objective_s)
    whole_s = max((max(moments) - start).total_seconds(), 1.0)
    due_s = (due - start).total_seconds()
    is_judged = timeline.recovers and timeline.reached_s
    whole_s = due_s if is_judged and whole_s < due_s <= _FAR * whole_s else whole_s

    def place(moment: datetime | None) -> float:
        return 0.0 if moment is None else 100.0 * (moment - start).total_seconds() / whole_s

    bars = [
        PhaseBar(
            name,
            kind,
            place(span.start),
            max(_LEAST, place(span.end) - place(span.start)) if span.end else 0.0,
            span.seconds,
            span.start,
            span.end,
        )
        for kind, name, span in spans
    ]
    if is_judged:
        bars.append(PhaseBar("objective", "objective", place(due), 0.0, timeline.objective_s, due, None))
    return tuple(bars)


def polyline(values: Sequence[float], width: float = 120.0, height: float = 28.0) -> str:
    """The points of a small curve over ``values``, the oldest left, with room for its dots."""
    low, high = min(values), max(values)
    span, step = (high - low) or 1.0, (width - 8) / max(len(values) - 1, 1)
    return " ".join(
        f"{4 + number * step:.1f},{height - 4 - (height - 8) * (value - low) / span:.1f}"
        for number, value in enumerate(values)
    )

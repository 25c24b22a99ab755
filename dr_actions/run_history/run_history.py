"""The history of runs in the control table: one record a run, written once at its end.

It needs no fence: a record is added and never changed, and doing it twice is doing it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dr_actions.control_table.control import ControlStore
from dr_actions.control_table.table import Put
from dr_actions.journal.entries import Entry
from dr_actions.journal.timeline import timelines
from dr_actions.run_history.durations import durations, sample
from dr_estate.model.run_records import RunRecord, to_item


def write_record(control: ControlStore, record: RunRecord) -> None:
    """Write the record. What the sender raises passes through."""
    control.table.put(Put(to_item(record)))


def measurements_of(entries: Sequence[Entry], goal: str, run: str) -> dict[str, Any]:
    """What a journal measured of its last way to ``goal``, as fields of the record of ``run``.

    Recovery time and phases are the whole way's, over all its runs; steps are those of this run, for each run has a
    record of its own. Empty before a plan began.
    """
    ways = [line for line in timelines(entries, 0) if line.goal == goal]
    if not ways:
        return {}
    spans = {phase.value: span.seconds for phase, span in ways[-1].phases.items()}
    begun, ended = ways[-1].runs[0].span.start, ways[-1].runs[-1].span.end
    return {
        "rto_s": ways[-1].reached_s,
        "duration_s": (ended - begun).total_seconds() if begun and ended else None,
        "phases": {name: taken_s for name, taken_s in spans.items() if taken_s is not None},
        "steps": {action: sample(taken) for action, taken in durations(entries, run).items()},
    }

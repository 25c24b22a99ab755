"""What a person is asked for, on record: whoever watches the run from elsewhere is shown the same command. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dr_actions.journal.entries import Entry
from dr_actions.model.plan import Step


def wait_data(step: Step, shown: Step) -> dict[str, Any]:
    """What the record has of the wait for the plan's ``step``, of which a person is ``shown`` the call as of now."""
    differs = shown.call is not None and shown.call != step.call
    return {"says": step.says} | ({"params": dict(shown.planned_call.params)} if differs else {})


def shown_step(step: Step, entry: Entry) -> Step:
    """The plan's ``step`` as the person was shown it, by the wait's ``entry``."""
    params = entry.data.get("params")
    return replace(step, call=step.call_with(params)) if step.call and isinstance(params, Mapping) else step

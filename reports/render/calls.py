"""Rendering of the API calls of an observation: a table to read, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dr_estate.snapshot.call_growth import NO_BATCH_READ, CallPlan

_FORM = "aws-dr-manager/calls/1"


def render_calls(plan: CallPlan, form: str) -> str:
    """The table as text, or as JSON where ``form`` is json."""
    if form != "json":
        return "\n".join(_lines(plan))
    return json.dumps(
        {
            "schema": _FORM,
            "tenants": plan.tenants,
            "calls": dict(sorted(plan.calls.items())),
            "cached": plan.cached,
            "unseen_parts": plan.unseen,
            "estimate": {
                "tenants": plan.number,
                "calls": dict(sorted(plan.estimate.items())),
                "total": sum(plan.estimate.values()),
                "total_again": plan.again,
                "seconds_at_least": round(plan.seconds, 1),
                "seconds_at_least_again": round(plan.seconds_again, 1),
            },
        },
        indent=2,
    )


def _lines(plan: CallPlan) -> Iterator[str]:
    yield f"API calls of one observation, of {plan.tenants} tenants now and of {plan.number} as estimated:\n"
    yield f"{'operation':48} {'now':>6} {'then':>7}  AWS's rate in a region"
    # The most frequent first: they decide how long an observation takes.
    for name, count in sorted(plan.estimate.items(), key=lambda pair: (-pair[1], pair[0])):
        why = f"  ({NO_BATCH_READ[name]})" if name in NO_BATCH_READ else ""
        yield f"{name:48} {plan.calls[name]:6,} {count:7,}  {plan.rate(name)}{why}".rstrip()
    yield f"{'in all':48} {sum(plan.calls.values()):6,} {sum(plan.estimate.values()):7,}"
    if plan.cached:
        yield f"\nOf those now, {plan.cached:,} were not made: this evidence has their answers from an earlier look."
    if plan.unseen:
        yield f"\n{plan.unseen} parts were not seen: the calls that follow from them are missing here."
    yield f"\nAt AWS's default rates that takes {plan.seconds:.0f} s or longer."
    yield (
        f"A second `status` of live AWS on the same day (UTC) makes {plan.again:,} calls in {plan.seconds_again:.0f} s "
        "or longer: task definition revisions never change, and the policy of a secret that has not changed since is "
        "known that day."
    )

"""review PACK: the post-incident review of an evidence pack, offline and without an environment file."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from dr_actions.journal.entries import read_chain
from dr_estate.config.given_file import bytes_of
from dr_estate.model.invocation import Command
from dr_estate.model.recovery_document import RefusedStart
from reports.evidence.pack import members_of
from reports.evidence.verification import JOURNAL, REFUSED_START, verify
from reports.incident.review import review_of
from reports.terminal import console
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import NextStep, invocation_of
from utils.aws_mgmt.app.options import ReviewOptions

_RTO_MINUTES = 240.0  # of rules that name none
_MOST_MINUTES = 60 * 24 * 366.0


def review_command(options: ReviewOptions) -> Exit:
    """Print the review as this tool writes it from the pack's journal. Returns 0, or 3 where the pack is not as made.

    Raises UsageError where the file is no pack, or holds no journal.
    """
    try:
        raw = bytes_of(options.file)
    except OSError as unreadable:
        raise UsageError(f"{options.file}: cannot be read: {unreadable.strerror or unreadable}.") from unreadable
    verdict = verify(raw)
    for fault in verdict.faults:
        console.complain(f"FAULT: {fault}")
    environment, incident = (str(verdict.about.get(name) or "") for name in ("environment", "incident"))
    members = members_of(raw) if verdict.about else {}
    if JOURNAL not in members or not incident:
        raise UsageError(f"{options.file} holds no journal of an incident. Name a pack that `evidence` made of one.")
    chain = read_chain(members[JOURNAL], environment, incident)
    # First: the review names commands, which mean the environment that the pack is of.
    console.begin(invocation_of(replace(options, environment=options.environment or environment)))
    source, refusal = f"{options.file}, {JOURNAL}", _refusal(members)
    console.result(review_of(chain, environment, incident, _rto_minutes(members), source, refusal), "markdown")
    code = Exit.COULD_NOT_SEE if verdict.faults or chain.fault else Exit.READY
    state = "NOT as it was made" if verdict.faults else "every byte is as it was made"
    answer = f"{incident}: {state}, exit {code}"
    check = NextStep(Command(("evidence", "verify", str(options.file))), "shows who signed it")
    console.conclude(options.format, answer, str(check), beside=True)
    return code


def _refusal(members: dict[str, bytes]) -> RefusedStart | None:
    """The last start that was refused, as the pack has it."""
    try:
        return TypeAdapter(RefusedStart).validate_json(members[REFUSED_START])
    except (KeyError, ValueError):
        return None


def _rto_minutes(members: dict[str, bytes]) -> float:
    """The recovery time objective of the rules in the pack; the usual one where they name none within a year."""
    try:
        rules: dict[str, Any] = json.loads(members["rules.json"])["environment"]
        minutes = float(rules.get("objectives", {}).get("rto_minutes", _RTO_MINUTES))
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return _RTO_MINUTES
    return minutes if 0 < minutes < _MOST_MINUTES else _RTO_MINUTES

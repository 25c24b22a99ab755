"""Whether the shift of traffic has taken effect, its records being as wanted: judged by Route 53 and by answers. Pure.

Route 53 says INSYNC where this run made the change (API_GetChange, T02); the id of a person's change is not known, and
the records read back stand for it. Then every server that can be asked answers with the DR load balancer, so health is
on its side, too (T05, T07): TestDNSAnswer, the resolvers, the zone's own name servers. Where no DNS server can be
reached from here, that says nothing of the change. An answer that points elsewhere is waited for until the change had
its time: the pin, which comes next, fixes what health causes, and the validation fails on what remains.
"""

from __future__ import annotations

from collections.abc import Sequence

from dr_actions.actions.traffic.share_gate import SETTLES
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Step
from dr_checks.derived.record_pairs import leads_to
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.readers import dns_answers, dns_canary_polls
from dr_estate.readers.dns_canary_polls import IN_SYNC, LOST, DnsChange


def effect_status(step: Step, context: PlanContext, change: DnsChange | None) -> StepStatus:
    """IN_PROGRESS or DONE, for a step whose records are as wanted."""
    return _pending(step, context, change) or _answered(step, context, change)


def change_of(step: Step, context: PlanContext) -> DnsChange | None:
    """What Route 53 says of the step's change; None where its id is not known, or Route 53 was not heard of it."""
    try:
        followed = context.snapshot.get(dns_canary_polls.changes, Side.GLOBAL)
    except DataUnavailable:
        return None
    wanted = context.changes.get(step.id)
    return next((change for change in followed if isinstance(change, DnsChange) and change.id == wanted), None)


def _pending(step: Step, context: PlanContext, change: DnsChange | None) -> StepStatus | None:
    """IN_PROGRESS while Route 53 may not have the change on all its servers; None from then on."""
    wanted = context.changes.get(step.id)
    if change is None and wanted and not _had_its_time(step, context):
        return StepStatus(StepState.IN_PROGRESS, f"change {wanted} is not seen to be {IN_SYNC} yet")
    if change and change.status not in (IN_SYNC, LOST):
        return StepStatus(StepState.IN_PROGRESS, f"change {change.id} is {change.status}", progress=(change.status,))
    return None


def _had_its_time(step: Step, context: PlanContext) -> bool:
    since = context.sent_at.get(step.id)
    return since is not None and context.snapshot.taken_at - since > SETTLES


def _answered(step: Step, context: PlanContext, change: DnsChange | None) -> StepStatus:
    """The records are as wanted: what do those say who can be asked from here?"""
    heard, unseen = _answers(step, context)
    wanted, door = leads_to(step.after["records"]), _load_balancer(context)
    judged = [answer for answer in heard if door is not None or points_to_dr(answer, (), wanted)]
    stale = [answer for answer in judged if not points_to_dr(answer, door or (), wanted)]
    late = ""
    if stale:
        values = ", ".join(stale[0].values or stale[0].chain) or stale[0].code
        late = f"{stale[0].asked} still answers {stale[0].name} with {values}"
        if not _had_its_time(step, context):
            return StepStatus(StepState.IN_PROGRESS, late)
    in_sync = change is not None and change.status == IN_SYNC
    by = [f"Route 53 ({change.id} is {change.status})" if change and in_sync else "its records, read back"]
    by += sorted({answer.asked for answer in judged if answer not in stale})
    message = f"{step.subject} leads to {context.env.region(Side.DR)}; said so by: {', '.join(by)}"
    message += f"; {late}, which is no reason to wait longer" if late else ""
    if not judged:
        message += f"; its answers cannot be seen from here{f': {unseen}' if unseen else ''}"
    facts = tuple((f"{answer.asked} {answer.name}", " ".join(answer.values)) for answer in judged)
    return StepStatus(StepState.DONE, message.rstrip("."), facts)


def _answers(step: Step, context: PlanContext) -> tuple[list[DnsAnswer], str]:
    """Return every answer for the step's names, and why a source could not be asked, "" where all could.

    The zone's own servers are asked for the traffic name alone.
    """
    names = {str(record["Name"]).removesuffix(".") for record in step.after["records"]}
    heard: list[DnsAnswer] = []
    reason = ""
    for reader in (dns_answers.tested, dns_answers.resolved, dns_answers.authorities):
        try:
            found = context.snapshot.get(reader, Side.GLOBAL)
        except DataUnavailable as error:
            reason = error.unavailable.why
            continue
        heard += [a for a in found if isinstance(a, DnsAnswer) and a.name in names and a.type in ("A", "CNAME")]
        reason = next((a.why for a in found if not isinstance(a, DnsAnswer)), reason)
    return heard, reason


def _load_balancer(context: PlanContext) -> tuple[str, ...] | None:
    """The addresses of the DR region's load balancer; None where they cannot be seen from here."""
    try:
        return context.snapshot.get(dns_answers.door, Side.DR)
    except DataUnavailable:
        return None


def points_to_dr(answer: DnsAnswer, door: Sequence[str], targets: Sequence[str]) -> bool:
    """Whether the answer leads to the DR load balancer: by an address of its ``door`` today, or by its name."""
    named = {link.removesuffix(".") for link in (*answer.values, *answer.chain)}
    return bool(named & set(targets)) or any(value in door for value in answer.values)

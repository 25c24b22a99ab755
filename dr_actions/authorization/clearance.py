"""Says no to a person: pure rules with ids. Only here is a Clearance made, and it is bound to one plan's digest.

A rule's refusal can be overridden by its id alone, with a name, a reason and an expiry; never all at once, and those of
``NEVER_OVERRIDDEN`` not at all: the stop switch, the ticket, the two people, and that primary data is never deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dr_actions.authorization.people import is_approver, own_name, person_of, same_person, same_principal
from dr_actions.authorization.rules import RULE, EffectiveRules, PinnedRules, differences
from dr_actions.model.gates import Gate, Override, Refusal, accepted_gates, is_judged_in_run
from dr_actions.model.plan import Plan
from dr_estate.config.environment import Environment
from dr_estate.config.recovery_settings import PEOPLE_TAG
from dr_estate.model.invocation import Command
from dr_estate.model.visible import LONGEST_LINE, is_one_line
from dr_estate.readers.control_table import RequiredPeople

NEVER_OVERRIDDEN = (
    "authority.paused",
    "authority.ticket",
    "authority.two-people",
    "authority.approval",
    "authority.irreversible",
    RULE,
    "authority.people",
    "guard.never-delete",
)


APPROVE = Command(("approve", "--incident", "TICKET"))
PEOPLE = "authority.people"
PIN = Command(("approve", "--rules"))


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approver wrote into the control table, under a key only that caller may write. Times are UTC.

    ``rules`` is the digest of the rules that it was given under, "" where it names none: it counts under no rules then.
    ``points`` are what the approver saw at the question: answer, loss, and what cannot be undone. ``overrides`` are
    those that the approver agreed to: a run upon it sets aside no other gate.
    """

    incident: str
    digest: str
    environment: str
    arn: str
    userid: str
    at: datetime
    expires_at: datetime
    rules: str = ""
    points: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True)
class AuthorizationRequest:
    """Everything a decision is made upon. ``paused`` says who stopped all runs and why, "" where nobody did.

    ``operator`` is the caller's ARN, ``operator_userid`` the unique id that AWS gives with it.
    ``confirmed`` are the irreversible steps confirmed beforehand; ``at_terminal`` whether a person can be asked then.
    ``approve_with`` is the command by which a second person approves the plan. ``rules`` are those that it is judged by
    here, ``pins`` what approvers pinned. ``people`` is how many the account itself asks for, where that was looked up.
    """

    plan: Plan
    incident: str
    operator: str
    operator_userid: str
    approvals: Sequence[Approval]
    gates: Sequence[Gate]
    overrides: Sequence[Override]
    now: datetime
    rules: EffectiveRules
    pins: Sequence[PinnedRules] = ()
    people: RequiredPeople | None = None
    paused: str = ""
    confirmed: frozenset[str] = frozenset()
    at_terminal: bool = False
    approve_with: Command = APPROVE


@dataclass(frozen=True, slots=True)
class Clearance:
    """Leave to run one plan: who runs it, who approved it, until when, and which gates were overridden.

    ``approved_at`` is when the second person did, None where nobody had to. ``rules`` is the digest of all that it was
    judged by.
    """

    environment: str
    incident: str
    operator: str
    approver: str
    digest: str
    expires_at: datetime | None
    overrides: tuple[Override, ...]
    approved_at: datetime | None = None
    rules: str = ""


def decide(request: AuthorizationRequest, env: Environment) -> Clearance | tuple[Refusal, ...]:
    """A Clearance for exactly ``request.plan``, or every refusal there is."""
    refusals = [*unusable_overrides(request.overrides, request.now), *_refusals(request, env)]
    if refusals:
        return tuple(refusals)
    approval = _good_approval(request, env)
    # An override of a gate that is met goes into no clearance: the record says what was really set aside.
    used = {gate.id for gate in request.gates if not gate.met and not gate.relaxed}
    overrides = tuple(o for o in request.overrides if o.gate in used or is_judged_in_run(o.gate))
    return Clearance(
        environment=env.name,
        incident=request.incident,
        operator=request.operator,
        approver=approval.arn if approval else "",
        digest=request.plan.digest,
        expires_at=approval.expires_at if approval else None,
        overrides=overrides,
        approved_at=approval.at if approval else None,
        rules=request.rules.digest_with(overrides),
    )


def decide_trial(request: AuthorizationRequest, env: Environment) -> Clearance | tuple[Refusal, ...]:
    """A Clearance for a trial or a clean-up: no ticket and no second person, for neither touches what the estate holds.

    The guard confines both to what bears a drill's name. Stop switch, gates and overrides hold as for any run.
    """
    ours = env.model_copy(update={"approvals": env.approvals.model_copy(update={"people": 1, "ticket": False})})
    return decide(request, ours)


def extended_clearance(
    clearance: Clearance, overrides: Sequence[Override], now: datetime
) -> Clearance | tuple[Refusal, ...]:
    """The clearance of a run that goes on, with what is overridden now beside it; or every override that cannot be."""
    refusals = tuple(unusable_overrides(overrides, now))
    return refusals or replace(clearance, overrides=(*clearance.overrides, *overrides))


def ticket_is_well_formed(incident: str, env: Environment) -> bool:
    """Whether ``incident`` is of the pattern the environment asks for, such as INC-123 or INC-20260107-001."""
    return re.fullmatch(env.approvals.ticket_pattern, incident, re.ASCII) is not None


def pause_refusal(paused: str) -> Refusal:
    """The refusal of a run while somebody stopped all: ``paused`` says who, and why."""
    return Refusal("authority.paused", f"All runs are stopped: {paused}. `dr_cli.py unpause` lets them run again.")


def _refusals(request: AuthorizationRequest, env: Environment) -> Iterator[Refusal]:
    if request.paused:
        yield pause_refusal(request.paused)
    if env.approvals.ticket and not ticket_is_well_formed(request.incident, env):
        message = f"'{request.incident}' is no incident ticket" if request.incident else "no incident ticket was given"
        yield Refusal("authority.ticket", f"{message}: name it with --incident INC-123 (or INC-20260107-001).")
    yield from rules_refusals(request, env)
    yield from people_refusals(request, env)
    yield from gate_refusals(request.gates, request.overrides, request.now)
    if env.approvals.people > 1 and _good_approval(request, env) is None:
        yield Refusal("authority.two-people", _approval_refusal(request, env))
    missing = [s.id for s in request.plan.steps if s.danger == "irreversible" and s.id not in request.confirmed]
    # At a terminal each is asked for right before its call, when its effect is in view.
    if missing and not request.at_terminal:
        words = " ".join(f"--confirm {step}" for step in missing)
        yield Refusal("authority.irreversible", f"irreversible steps need a confirmation each: {words}.")


def rules_refusals(request: AuthorizationRequest, env: Environment) -> Iterator[Refusal]:
    """A refusal where the rules here are not those that another person than the operator pinned last.

    Where nobody pinned any, an approval of the plan under these very rules is what a second person says of them.
    """
    others = [pin for pin in request.pins if not pin.digest or not _is_own(pin, request, env)]
    if not others:
        if request.pins and env.approvals.people == 1:
            yield Refusal(RULE, f"nobody but the operator pinned rules for {env.name}. An approver runs: {PIN}.")
        return
    # Rules are one set for all: the last approver's word holds, and the earlier ones are replaced by it.
    newest = max(others, key=lambda pin: pin.at)
    if not newest.digest:
        message = f"the rules that {newest.userid} pinned for {env.name} cannot be read. The same approver runs: {PIN}."
        yield Refusal(RULE, message)
    elif newest.digest != request.rules.digest:
        yield Refusal(
            RULE,
            f"these are not the rules that are pinned for {env.name} by {newest.person} ({newest.at:%Y-%m-%d %H:%M} "
            f"UTC): {'; '.join(differences(request.rules, newest))}. Run it with the pinned rules, or an approver pins "
            f"these: {PIN}.",
        )


def people_refusals(request: AuthorizationRequest, env: Environment) -> Iterator[Refusal]:
    """A refusal where the environment file asks for fewer people than the account, whose tag no operator may write."""
    required, here = request.people, env.approvals.people
    # A tag that cannot be read as a number is refused: it may ask for more.
    if required is None or (required.count is not None and required.count <= here):
        return
    yield Refusal(
        PEOPLE,
        f"the tag {PEOPLE_TAG} of {required.name} asks for {required.tag} people, and approvals.people of {env.name} "
        f"is {here}. Run it with the environment file that asks for as many, or the administrator of the control stack "
        f"changes the tag.",
    )


def _is_own(pin: PinnedRules, request: AuthorizationRequest, env: Environment) -> bool:
    """Whether the operator pinned it, under whichever name."""
    return same_person(pin.arn, request.operator, env) or _is_forged(pin.userid, pin.arn, request)


def gate_refusals(gates: Sequence[Gate], overrides: Sequence[Override], now: datetime) -> Iterator[Refusal]:
    """A refusal of each gate that is neither met nor relaxed nor overridden."""
    overridden = accepted_gates(overrides, now)
    for gate in gates:
        if not gate.met and not gate.relaxed and gate.id not in overridden:
            override = f'--override {gate.id} "WHO" UNTIL "REASON"'
            yield Refusal(gate.id, f"{gate.says} To go on all the same, override it by name: {override}.")


def unusable_overrides(overrides: Sequence[Override], now: datetime) -> Iterator[Refusal]:
    """A refusal of each override that cannot be: of a rule that never is, without a name or a reason, or expired."""
    for override in overrides:
        if override.gate in NEVER_OVERRIDDEN:
            yield Refusal(override.gate, "this rule cannot be overridden.")
        elif not (_is_filled_in(override.by, "WHO") and _is_filled_in(override.why, "REASON")):
            yield Refusal(override.gate, "an override names who overrides and why.")
        elif not all(map(is_one_line, (override.gate, override.by, override.why))):
            message = f"an override is a line of at most {LONGEST_LINE} characters without gaps"
            yield Refusal(override.gate, f"{message}, so that an approver sees it whole.")
        # An override ends by itself, so that one for last year's outage does not open a gate today.
        elif override.until <= now:
            yield Refusal(override.gate, f"its override expired at {override.until:%Y-%m-%d %H:%M} UTC.")


def _is_filled_in(text: str, printed: str) -> bool:
    """Whether a person wrote the word, and did not leave it as the command was ``printed``."""
    return text.strip() not in ("", printed)


def _good_approval(request: AuthorizationRequest, env: Environment) -> Approval | None:
    """The approval that the run goes by: it counts, and agrees to each override."""
    # An approver may have approved without an override that the operator gives now: another's may have it.
    counting = (a for a in request.approvals if not fault_of(a, request, env))
    return next((a for a in counting if not missing_overrides(request.overrides, [a])), None)


def _approval_refusal(request: AuthorizationRequest, env: Environment) -> str:
    if not request.approvals:
        return f"nobody approved this plan. Another person runs: {request.approve_with}."
    # Every approval with its fault: who approved sees which of them is about the own one.
    faults = "; ".join(
        f"{person_of(a.arn, env)}: {fault_of(a, request, env) or _missing_override_reason(request.overrides, a)}"
        for a in request.approvals
    )
    return f"no approval counts ({faults}). Another person than the operator runs: {request.approve_with}."


def _missing_override_reason(overrides: Sequence[Override], approval: Approval) -> str:
    return f"it was given without the override of {', '.join(missing_overrides(overrides, [approval]))}"


def fault_of(approval: Approval, request: AuthorizationRequest, env: Environment) -> str:
    """Why an approval does not count for ``request``; "" where it does. Overrides are weighed apart."""
    if fault := mismatch_of(approval, request, env):
        return fault
    # A clock of the future would make an approval that never expires.
    if approval.at > request.now:
        return f"it was made at {approval.at:%Y-%m-%d %H:%M:%S} UTC, after {request.now:%Y-%m-%d %H:%M:%S} UTC"
    if approval.expires_at <= request.now:
        return f"it expired at {approval.expires_at:%Y-%m-%d %H:%M} UTC"
    return ""


def mismatch_of(approval: Approval, request: AuthorizationRequest, env: Environment) -> str:
    """Why an approval is not another person's of this plan under these rules, whenever it was given; "" where it is."""
    if not is_approver(approval.arn, env):
        return f"{person_of(approval.arn, env)} is not among the approvers"
    if _is_forged(approval.userid, approval.arn, request):
        return "it was written under another caller's key"
    if same_person(approval.arn, request.operator, env):
        return "the operator's own approval does not count as a second person's"
    if (approval.environment, approval.incident) != (env.name, request.incident):
        return f"it is for {approval.incident} in {approval.environment}"
    if approval.digest != request.plan.digest:
        digests = f"{approval.digest[:12]}, now {request.plan.digest[:12]}"
        return f"it is for another plan ({digests}): the estate changed since"
    if approval.rules != request.rules.digest:
        given = f"other rules ({approval.rules[:12]}, now {request.rules.digest[:12]})" if approval.rules else "none"
        return f"it was given under {given}: approve with the rules that the run is to be judged by"
    return ""


def missing_overrides(overrides: Iterable[Override], approvals: Iterable[Approval]) -> tuple[str, ...]:
    """The gates of the overrides that are in none of the approvals, word for word."""
    # Word for word: another reason or a later end is another override, and nobody agreed to it.
    agreed = {override.words for approval in approvals for override in approval.overrides}
    return tuple(dict.fromkeys(override.gate for override in overrides if override.words not in agreed))


def _is_forged(userid: str, arn: str, request: AuthorizationRequest) -> bool:
    """Whether the ARN that the writer gives cannot be that of the user id AWS vouches for.

    An assumed role's id is ``ROLEID:session``, a user's has no session. One principal has one id: who writes under the
    operator's is the operator. Source: IAM User Guide, "Principal key values" of aws:userid.
    """
    principal, _, session = userid.partition(":")
    # Only an assumed role's user id has a session behind the colon.
    if bool(session) != (":sts:" in arn):
        return True
    if session and own_name(arn) != session.partition("@")[0].casefold():
        return True
    same_id = principal == request.operator_userid.partition(":")[0]
    return same_id != same_principal(arn, request.operator)

"""Checks of a recovery's prerequisites: credentials, opt-in, control table, runbook, contacts and permissions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from dr_checks.core.model import BOTH, GLOBAL, Area, Finding, NothingToJudge, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived import role_limits
from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import PEOPLE_TAG
from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, denial_of
from dr_estate.iam.simulation_requests import REGION
from dr_estate.model import states
from dr_estate.model.durations import duration
from dr_estate.model.playbook import COPIED, FAILBACK_WRITES, FORBIDDEN
from dr_estate.model.session_life import Coverage, coverage_of
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import account_regions, iam_simulation, runbook, sts_identity
from dr_estate.readers import control_table as control
from dr_estate.readers.store_policies import table_arn

# Of an opt-in region, and of one that every account has (API_GetRegionOptStatus).
_USABLE = {"ENABLED", "ENABLED_BY_DEFAULT"}
_CONTROL_KEYS = ("pk", "sk")
# A step writes its intent, its outcome and an entry of the log for each, beside the lock's heartbeat.
_UNITS = 5
_CONTROL_CALLS = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem")


@check("the credentials are accepted by the STS endpoint of each region")
@weigh(Severity.BLOCKER, Area.PREREQUISITES, BOTH)
@cite("T15", "StsRegionalEndpoint", "NIST CP-2")
def credentials_work(view: View) -> Iterator[Finding]:
    """Each region's own STS knows the caller, in the environment's account; a recovery's session lasts long enough.

    As long as the plan takes, or else the recovery time objective, or its keys are renewed; keys of unknown end count
    for an hour (T59). Source: STS GetCallerIdentity, T15.
    """
    caller = view.get(sts_identity.caller)
    # One session serves both regions: it is judged once.
    if caller.session and view.side is Side.DR:
        objective_s, plan_s = view.env.objectives.rto_minutes * 60, view.snapshot.plan_s
        covered = coverage_of(caller.session, view.now, objective_s if plan_s is None else plan_s)
        if covered.coverage in (Coverage.ENDS, Coverage.UNKNOWN) and not covered.is_enough:
            ends_at = caller.session.ends_at
            ends = (
                f"ends in {duration((ends_at - view.now).total_seconds())}" if ends_at else "does not say when it ends"
            )
            measured = f"{ends}, and is not renewed"
            reason = "a run that takes longer is refused, or waits for a new login in the middle"
            needed = f"{duration(objective_s)} (the objective)" if plan_s is None else f"{duration(plan_s)} (the plan)"
            wanted = f"{needed}, or renewed"
            yield view.warn("this session", measured, wanted, reason, covered.remedy)
    if caller.account == view.env.account:
        yield view.ok(view.region, caller.arn, view.env.account, "this region's STS accepts the credentials")
    else:
        reason = "this region reports the caller in another account"
        remedy = "Use one session for both regions, with AWS_STS_REGIONAL_ENDPOINTS=regional."
        yield view.gap(view.region, caller.account, view.env.account, reason, remedy)


@check("both regions are enabled for the account")
@weigh(Severity.BLOCKER, Area.PREREQUISITES, GLOBAL)
@cite("T16", "T17", "RegionOptIn")
def opted_in(view: View) -> Iterator[Finding]:
    """Both regions are enabled; opting out pauses EFS replication. Source: Account GetRegionOptStatus, T16."""
    for region in view.get(account_regions.opt_in):
        if region.status in _USABLE:
            yield view.ok(region.region, region.status, "ENABLED", "the region can be used")
        else:
            reason = "nothing can be run or replicated in a region the account is not opted into"
            remedy = Remedy(
                "Enable the region: it takes minutes to hours.",
                (view.command("account", "EnableRegion", RegionName=region.region),),
            )
            yield view.gap(region.region, region.status, "ENABLED", reason, remedy)


@check("the control table is active in the DR region")
@weigh(Severity.BLOCKER, Area.PREREQUISITES)
@cite("T40", "T42", "IncidentStoreReachable", "NIST CP-2", "ISO22301 8.4")
def control_table(view: View) -> Iterator[Finding]:
    """Locks, approvals and the incident log have their table, by the keys they go by, and its policy denies no run.

    Its key is kms.key-usable's matter. Source: DescribeTable, GetResourcePolicy, T42.
    """
    table = view.get(control.table)
    if table.status and table.keys != _CONTROL_KEYS:
        reason = "nothing can be stored by other keys: no lock, no approval and no incident log"
        remedy = f"Create aws_dynamodb_table '{table.name}' in {view.region} again (deploy/): keys cannot be changed."
        yield view.gap(table.name, f"keys {', '.join(table.keys)}", f"keys {', '.join(_CONTROL_KEYS)}", reason, remedy)
    # UPDATING takes writes too: only a table that is created or deleted does not.
    elif states.TABLE[table.status or "absent"].takes_writes:
        good = "locks, approvals and the incident log can be stored"
        yield (
            _refusal(view, table) or _capacity_warning(view, table) or view.ok(table.name, table.status, "ACTIVE", good)
        )
    else:
        reason = "without it there is no lock, no approval and no incident log while the primary region is unavailable"
        remedy = f"Create aws_dynamodb_table '{table.name}' in {view.region} (deploy/)."
        yield view.gap(table.name, table.status or "absent", "ACTIVE", reason, remedy)


def _capacity_warning(view: View, table: control.ControlTable) -> Finding | None:
    """A warning where the table takes fewer requests a second than a run makes, None where it takes enough."""
    if not 0 < table.units < _UNITS:
        return None
    command = view.command("dynamodb", "UpdateTable", TableName=table.name, BillingMode="PAY_PER_REQUEST")
    remedy = Remedy(f"aws_dynamodb_table '{table.name}': billing_mode = \"PAY_PER_REQUEST\".", (command,))
    reason = "steps of a run wait, or end, while DynamoDB throttles what they write"
    return view.warn(table.name, f"{table.units} a second", f"{_UNITS} a second, or on demand", reason, remedy)


def _refusal(view: View, table: control.ControlTable) -> Finding | None:
    """The finding where the table's own policy stops a recovery, None where it does not."""
    if isinstance(table.policy, Unavailable):
        return view.unknown(table.name, "a policy that lets runs write", table.policy)
    account, role = view.env.account, view.env.acting_role_arn
    known = (
        (REGION, view.region),
        ("aws:SecureTransport", "true"),
        ("aws:PrincipalAccount", account),
        *moment_keys(view.now),
    )
    # A statement about the account is one about each of its principals (IAM guide, Principal element).
    principals, wanted = (role, f"arn:aws:iam::{account}:root"), "its policy denies no run"
    arn = table_arn(account, view.region, table.name)
    requests = [
        PolicyRequest(principals, action, arn, (*known, ("aws:PrincipalArn", role))) for action in _CONTROL_CALLS
    ]
    answers = {request.action: denial_of(table.policy, request) for request in requests}
    if refused := [action for action, answer in answers.items() if answer is PolicyAnswer.DENIED]:
        reason = "no lock, no approval and no incident log can be written: every run is refused"
        remedy = f"aws_dynamodb_resource_policy of '{table.name}' in {view.region}: deny nothing to {role}."
        return view.gap(table.name, f"its policy denies {', '.join(refused)}", wanted, reason, remedy)
    if PolicyAnswer.UNDECIDED in answers.values():
        reason, whose = "It denies upon a condition that only AWS evaluates.", f"the policy of table {table.name}"
        return view.undecided(table.name, wanted, reason, whose)
    return None


@check("every item that stands in the control table can be read")
@weigh(Severity.BLOCKER, Area.PREREQUISITES)
@cite("T42", "IncidentStoreReachable", "NIST SI-10")
def control_items(view: View) -> Iterator[Finding]:
    """Lock, stop switch, open incident and overrides are of a version's shape: what is not holds as if it stood.

    Source: Query (dr_estate/model/control_items.py).
    """
    state, name = view.get(control.standing), view.env.named(view.env.names.control_table)
    if state.reason:
        raise NothingToJudge(name, "there is no table: see prerequisites.control-table")
    for item in state.unreadable:
        unseen = Unavailable(UnavailableKind.UNREADABLE, item.says, view.region, control.standing.name)
        yield view.unknown(item.name, "an item as a version writes it", unseen, remedy=item.remedy)
    if not state.unreadable:
        yield view.ok(name, "every item", "every item", "no item holds up a run unread")


@check("the control table can itself be recovered, and is not deleted by mistake")
@weigh(Severity.NORMAL, Area.PREREQUISITES)
@cite("dynamodb-pitr-enabled", "NIST CP-9")
def control_table_recoverable(view: View) -> Iterator[Finding]:
    """Point-in-time recovery and deletion protection are on, and no item of it expires.

    Source: DescribeContinuousBackups, DescribeTable, DescribeTimeToLive.
    """
    table = view.get(control.table)
    if table.status is None:
        yield view.none_expected(table.name, "there is no table: see prerequisites.control-table")
    # TTL deletes in the background within days, without a trace in the table: a lock would end by itself.
    elif table.expiry_attribute:
        setting = {"Enabled": False, "AttributeName": table.expiry_attribute}
        off = view.command("dynamodb", "UpdateTimeToLive", TableName=table.name, TimeToLiveSpecification=setting)
        remedy = Remedy(f"aws_dynamodb_table '{table.name}': no ttl block.", (off,))
        reason = "DynamoDB deletes items by it: a lock, an open incident or its log would vanish"
        yield view.gap(table.name, f"items expire by {table.expiry_attribute}", "no item expires", reason, remedy)
    elif table.recoverable and table.protected:
        yield view.ok(table.name, "on", "on", "an overwritten incident log can be restored")
    elif table.recoverable:
        protect = view.command("dynamodb", "UpdateTable", TableName=table.name, DeletionProtectionEnabled=True)
        remedy = Remedy(f"aws_dynamodb_table '{table.name}': deletion_protection_enabled = true.", (protect,))
        yield view.gap(table.name, "may be deleted", "protected", "a clean-up takes lock and incidents", remedy)
    else:
        remedy = Remedy(
            f"aws_dynamodb_table '{table.name}': point_in_time_recovery {{ enabled = true }}.",
            (
                view.command(
                    "dynamodb",
                    "UpdateContinuousBackups",
                    TableName=table.name,
                    PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
                ),
            ),
        )
        yield view.gap(table.name, "off", "on", "a lost incident log leaves an audit without evidence", remedy)


@check("the control table asks for as many people as the environment file")
@weigh(Severity.CRITICAL, Area.PREREQUISITES)
@cite("NIST AC-5", "SOC2 CC6.1")
def people(view: View) -> Iterator[Finding]:
    """The table's tag holds a run to two people whatever an environment file says. Source: ListTagsOfResource."""
    required, here = view.get(control.people), view.env.approvals.people
    if required is None:
        name = view.env.named(view.env.names.control_table)
        yield view.none_expected(name, "there is no table: see prerequisites.control-table")
    elif required.count == here:
        yield view.ok(required.name, required.tag, str(here), "no environment file lets fewer people run a plan")
    # No tag asks for nothing, which is what one person needs.
    elif required.count == 0 and here == 1:
        yield view.none_expected(required.name, "one person may run a plan here, and the table asks for no more")
    # The tag counts, whatever the file says: a file is edited in a branch, the tag by an administrator only.
    elif required.count is not None and required.count > here:
        reason, remedy = "no plan runs by this environment file", f"approvals.people = {required.count} in it."
        yield view.gap(required.name, required.tag, str(here), reason, f"Set {remedy}")
    else:
        arn = f"arn:aws:dynamodb:{view.region}:{view.env.account}:table/{required.name}"
        tags = [{"Key": PEOPLE_TAG, "Value": str(here)}]
        command = view.command("dynamodb", "TagResource", ResourceArn=arn, Tags=tags)
        reason = "an edited environment file could let one person run a plan"
        healing = Remedy("Tag the table, as an administrator: no operator may (deploy/).", (command,))
        yield view.gap(required.name, required.tag or "no tag", str(here), reason, healing)


@check("an approver has pinned the rules by which a plan runs")
@weigh(Severity.CRITICAL, Area.PREREQUISITES)
@cite("NIST AC-5", "SOC2 CC6.1")
def rules_pinned(view: View) -> Iterator[Finding]:
    """Where two people are asked, an approver pinned environment file and exceptions. Source: the control table."""
    name = view.env.named(view.env.names.control_table)
    if view.env.approvals.people == 1:
        raise NothingToJudge(name, "one person may run a plan here, by rules that nobody else has to know")
    pins = view.get(control.pins)
    if pins is None:
        raise NothingToJudge(name, "there is no table: see prerequisites.control-table")
    # A pin of anybody else counts for nothing: who edits the file could pin it too.
    found = [pin for pin in pins if pin.person in view.env.approvals.approvers]
    if found:
        pin = found[0]
        yield view.ok(name, f"{pin.person}, {pin.at:%Y-%m-%d}", "an approver", "no run goes by an edited file")
    else:
        reason = "a run could go by an edited environment file, or by exceptions that no approver has seen"
        remedy = "An approver compares them and pins them: `dr_cli.py approve --rules`."
        yield view.gap(name, "nobody pinned any", "an approver", reason, remedy)


@check("the recovery runbook can be read without the primary region, and was reviewed recently")
@weigh(Severity.CRITICAL, Area.PREREQUISITES)
@cite("T40", "REL13-BP02", "NIST CP-2", "ISO22301 8.4", "SOC2 A1.3")
def runbook_current(view: View) -> Iterator[Finding]:
    """It is there, not in the primary region, and its line ``Reviewed: YYYY-MM-DD`` is within document_age_days."""
    found, days = view.get(runbook.runbook), view.env.thresholds.document_age_days
    wanted = f"reviewed within {days} days"
    if found.text is None or found.reviewed is None:
        measured = "absent" if found.text is None else "no line 'Reviewed: YYYY-MM-DD'"
        reason = "the recovery steps are not written down, or may be out of date"
        remedy = f"Put the reviewed runbook at {found.place}."
        if not view.env.people.runbook:
            remedy = f"Write it, and name its place as people.runbook in {view.env.name}.toml."
        yield view.gap(found.place, measured, wanted, reason, remedy)
    elif found.region == view.env.regions.primary:
        reason = "nobody can read it while that region is unavailable"
        remedy = f"Put it into a bucket of {view.region}, and name that as people.runbook in {view.env.name}.toml."
        yield view.gap(found.place, f"in {found.region}", f"outside {found.region}", reason, remedy)
    elif view.now.date() - found.reviewed > timedelta(days=days):
        reason = "a runbook that was not reviewed may describe an outdated estate"
        remedy = f"Review it, and write 'Reviewed: {view.now.date()}' into {found.place}."
        yield view.gap(found.place, f"reviewed {found.reviewed}", wanted, reason, remedy)
    else:
        yield view.ok(found.place, f"reviewed {found.reviewed}", wanted, "the runbook exists and is current")


@check("every role of the playbook has a contact")
@weigh(Severity.CRITICAL, Area.PREREQUISITES, GLOBAL)
@cite("NIST CP-2", "ISO22301 8.4")
def contacts_named(view: View) -> Iterator[Finding]:
    """people.contacts of the environment file names somebody for each of people.roles."""
    contacts = view.env.people.contacts
    for role in view.env.people.roles:
        if contacts.get(role, "").strip():
            yield view.ok(role, contacts[role], "a contact", "the role has a contact")
        else:
            remedy = f'Add a contact: people.contacts."{role}" in {view.env.name}.toml.'
            yield view.gap(role, "nobody", "a contact", "a step of the playbook has no owner to call", remedy)


@check("the operator's role is allowed every call of the playbooks")
@weigh(Severity.BLOCKER, Area.PREREQUISITES, GLOBAL)
@cite("T14", "NIST CP-2", "REL13-BP02")
def operator_allowed(view: View) -> Iterator[Finding]:
    """Somebody may assume it, and IAM's simulator allows each action a step needs, in its region, on its resources.

    A role that has no permission of the failback lacks a policy that a team may attach in an incident: that is a
    warning, and a failback waits for it. Source: API_SimulatePrincipalPolicy, T14.
    """
    operator = view.get(iam_simulation.operator)
    remedy = (
        f"Attach the generated operator policy to the role {operator.role} now: IAM cannot be changed during a run."
    )
    if operator.decisions is None:
        yield view.gap(operator.role, "no such role", "a role", "no role can run a recovery", remedy)
        return
    yield from _assumable(view, operator)
    denied = [d for d in operator.decisions if d.decision != "allowed" and d.action not in FORBIDDEN]
    of_failback = [
        d for d in operator.decisions if d.region == view.env.regions.primary and d.action in FAILBACK_WRITES | COPIED
    ]
    # All of them or none: a policy that is attached later has none of these rights, a faulty one has some.
    if of_failback and all(d in denied and not d.hangs_on_organization for d in of_failback):
        denied = [d for d in denied if d not in of_failback]
        yield _cannot_fail_back(view, operator.role, len(of_failback))
    yield from _undecided_findings(view, operator.role, [d for d in denied if d.hangs_on_organization])
    for decision in (decision for decision in denied if not decision.hangs_on_organization):
        reason = "a step of the playbook would be denied in the middle of a recovery"
        found = f"{decision.decision} on {decision.on}"
        if decision.missing:
            found += f"; simulated without {', '.join(decision.missing)}, which is known only during a run"
        remedy_found = _policy_remedy(view, operator.role, decision) or remedy
        yield view.gap(f"{decision.action} in {decision.region}", found, "allowed", reason, remedy_found)
    for unseen in operator.unseen:
        yield view.unknown("tenants' own things and the roles of their tasks", "allowed", unseen)
    if not denied and not operator.unseen:
        number = len({d.action for d in operator.decisions if d.action not in FORBIDDEN and d.decision == "allowed"})
        yield view.ok(operator.role, f"{number} actions allowed", "all", "every step can be taken")


def _assumable(view: View, operator: iam_simulation.Operator) -> Iterator[Finding]:
    """A finding where nobody whom a recovery is run by may assume the role."""
    by_aws = view.env.automation.enabled
    wanted = f"trusts {iam_simulation.TASKS}" if by_aws else "trusts a person's role, user or identity provider"
    subject = f"trust policy of {operator.role}"
    if isinstance(operator.let_in, Unavailable):
        yield view.unknown(subject, wanted, operator.let_in)
    elif operator.let_in is not None:
        usable = [who for who in operator.let_in if (who == iam_simulation.TASKS if by_aws else _is_of_people(who))]
        if not usable:
            measured = ", ".join(operator.let_in) or "trusts nobody"
            remedy = f"aws_iam_role '{operator.role}': assume_role_policy. IAM cannot be changed during a run."
            yield view.gap(subject, measured, wanted, "nobody can run a recovery as this role", remedy)


def _is_of_people(principal: str) -> bool:
    # Cognito signs people in; any other service acts by itself.
    return not principal.endswith(".amazonaws.com") or principal.startswith("cognito-identity.")


def _policy_remedy(view: View, role: str, decision: iam_simulation.SimulatedDecision) -> str:
    """What lets the operator where the generated policy does not, which is no help against a deny or a boundary."""
    if remedy_found := role_limits.stronger(role, decision):
        return remedy_found
    passed = decision.on.partition(", ")[0]
    of_tasks = decision.action == iam_simulation.PASS and iam_simulation.TASKS in decision.on
    known = passed.partition(":role/")[2].startswith(f"{view.env.name}-") or passed in view.env.mapped_roles
    if not of_tasks or known:
        return ""
    named = f"the generated policy names {view.env.name}-* and the map's roles alone"
    return f"aws_iam_role_policy of '{role}': {decision.action} on {passed} to {iam_simulation.TASKS}; {named}."


def _undecided_findings(
    view: View, role: str, decisions: Sequence[iam_simulation.SimulatedDecision]
) -> Iterator[Finding]:
    """One finding for each region in which rights hang on the organization: nobody knows before the day."""
    for region in sorted({decision.region for decision in decisions}):
        mine = [decision for decision in decisions if decision.region == region]
        names = ", ".join(decision.action for decision in mine[:3])
        reason = f"{len(mine)} actions (such as {names}) are denied: {role_limits.hangs_on(mine, 'a run')}."
        yield view.undecided(f"{role} in {region}", "allowed", reason, role_limits.to_compare(role, mine))


def _cannot_fail_back(view: View, role: str, number: int) -> Finding:
    region = view.env.regions.primary
    policy = f"{view.env.name}-dr-operator-home"
    reason = f"a failback writes in {region}: it waits until this is allowed"
    remedy = f"Attach {policy} to the role {role} before the failback: IAM cannot be changed during a run."
    return view.warn(policy, f"none of {number} actions in {region} allowed", "attached", reason, remedy)


@check("the operator's role cannot delete primary data")
@weigh(Severity.CRITICAL, Area.PREREQUISITES, GLOBAL)
@cite("NIST AC-6", "SOC2 CC6.1")
def operator_cannot_delete(view: View) -> Iterator[Finding]:
    """IAM's simulator denies the deletion of databases, file systems, tables and buckets."""
    operator = view.get(iam_simulation.operator)
    decisions = {d.action: d.decision for d in operator.decisions or ()}
    unproven = _unproven(operator.decisions or ())
    view.need(decisions, operator.role, "there is no such role: see prerequisites.operator-allowed")
    for action in FORBIDDEN:
        if action in {decision.action for decision in unproven}:
            mine = [decision for decision in unproven if decision.action == action]
            reason = f"It may be allowed all the same: {role_limits.hangs_on(mine, 'a run')}."
            yield view.undecided(action, "denied", reason, role_limits.to_compare(operator.role, mine))
        elif decisions.get(action) != "allowed":
            measured = decisions.get(action, "not simulated")
            yield view.ok(action, measured, "denied", "primary data is safe from this role")
        else:
            reason = "a mistake in a recovery could destroy the only good copy"
            yield view.gap(action, "allowed", "denied", reason, f"Deny {action} on the role {operator.role}.")


def _unproven(decisions: Sequence[iam_simulation.SimulatedDecision]) -> list[iam_simulation.SimulatedDecision]:
    """The denials of deletions that may not hold on the day: they hang on a key, or on what stops a recovery too."""
    stops_all = any(d.of_organization for d in decisions if d.action not in FORBIDDEN)
    doubtful = [d for d in decisions if d.action in FORBIDDEN and d.is_doubtful]
    return [d for d in doubtful if stops_all or not d.of_organization]

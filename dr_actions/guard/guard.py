"""The last check before a call is sent: rules that hold whatever was planned, approved or overridden. Pure.

Rules: ``guard.no-iam`` (T14), ``guard.wrong-region``, ``guard.terraform-state``, ``guard.drill-confined``,
``guard.never-delete``, ``guard.health-check`` (T03, T04), ``guard.denied-zone`` (T12) and ``guard.undeclared``, checked
in this order: the most severe is reported first. No override and no approval reaches this module: it sees the call and
one frozen context, so that a plan that is wrong, forged or approved by mistake cannot send what no run may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from fnmatch import fnmatchcase
from typing import Any

from dr_actions.guard import automation_exemptions, backup_first, drill_exemptions, failback_exemptions
from dr_actions.guard.context import GuardContext
from dr_actions.guard.destructive_operations import WEIGHED, destruction, is_read
from dr_actions.model.gates import Refusal
from dr_actions.model.plan import Call
from dr_estate.config.environment import Environment, Side
from dr_estate.iam import scopes
from dr_estate.readers import s3

# Their control planes have no region of their own: a call from anywhere reaches them.
GLOBAL_SERVICES = frozenset({"account", "cloudfront", "iam", "organizations", "route53"})
IDENTITY = frozenset(
    {"account", "iam", "identitystore", "organizations", "rolesanywhere", "sso", "sso-admin", "sso-oidc"}
)

# All that a recovery may take away, in the DR region, where its action declares it.
DR_REMOVALS = {
    "efs:DeleteReplicationConfiguration": "an EFS replica becomes writable by it; the files of both regions stay (T27)",
    "rds:StopDBInstanceAutomatedBackupsReplication": "what was replicated stays until it expires (T24)",
    "secretsmanager:StopReplicationToReplica": "a replica becomes a secret of its own by it; both values stay (T18)",
}
_EXEMPTIONS = (failback_exemptions, drill_exemptions, automation_exemptions)
_ROLES = ("taskRoleArn", "executionRoleArn", "IamRoleArn")
_DELEGATING = frozenset({"NS", "SOA"})
_CUT_OVER = frozenset({"A", "AAAA", "CNAME"})


def judge(call: Call, context: GuardContext) -> str | None:
    """Why ``call`` must not leave, the rule's id first; None where it may. The mutating client asks before each."""
    refused = (
        refusal(call, context) or backup_first.refusal(call, context) or backup_first.freeze_refusal(call, context)
    )
    return f"{refused.rule}: {refused.message}" if refused else None


def refusal(call: Call, context: GuardContext) -> Refusal | None:
    """Why ``call`` must not leave by the rules of this module, or None."""
    env = context.env
    found: list[Iterator[Refusal]] = [
        _identity(call),
        _role_refusals(call, env),
        _region(call, env),
        _terraform_state(call, env),
        drill_exemptions.drill_refusals(call, context),
        _removal(call, context),
        _health_check(call),
        _zones(call, context),
        _unknown_call_refusals(call, env),
        _undeclared_refusals(call, context.allowed),
    ]
    return next((refused for rule in found for refused in rule), None)


def _identity(call: Call) -> Iterator[Refusal]:
    if call.service in IDENTITY and not is_read(call.operation):
        yield Refusal("guard.no-iam", f"{call.name}: no run changes identities, accounts or permissions (T14).")


def _role_refusals(call: Call, env: Environment) -> Iterator[Refusal]:
    """What is handed a role of the control stack has a recovery's rights for as long as it lives."""
    # A task that is given a recovery's role keeps its rights after session, lock and approval have ended.
    stack = [arn.rpartition("/")[2] for arn in scopes.stack_roles(env)]
    given = [call.params, call.params.get("overrides") or {}]
    for role in (str(params[name]).rpartition("/")[2] for params in given for name in _ROLES if params.get(name)):
        if any(fnmatchcase(role, pattern) for pattern in stack):
            yield Refusal("guard.no-iam", f"{call.name}: it passes {role} on, which may change the estate.")


def _region(call: Call, env: Environment) -> Iterator[Refusal]:
    known = [env.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL)]
    if call.region not in known:
        message = f"{call.name} in {call.region or 'no region'}: only {', '.join(known)} are touched."
        yield Refusal("guard.wrong-region", message)


def _terraform_state(call: Call, env: Environment) -> Iterator[Refusal]:
    # S3 takes an ARN in the place of a bucket's name, and it ends in the name.
    bucket = call.text("Bucket").rpartition(":")[2]
    if call.service == "s3" and not is_read(call.operation) and bucket in s3.state_pair(env):
        yield Refusal("guard.terraform-state", f"{call.name} into {bucket}: Terraform alone writes its state.")


def _removal(call: Call, context: GuardContext) -> Iterator[Refusal]:
    env, home = context.env, _reaches_primary(call, context.env)
    reason = destruction(call, home) or _overwrites_primary_files(call, env)
    # An exemption never widens what the action declared: both must allow it.
    exempt = any(room.exempt(call, context) for room in _EXEMPTIONS)
    if not reason or (call.name in context.allowed and (exempt or (not home and call.name in DR_REMOVALS))):
        return
    where = "the DR region" if not home else "a global service or the primary region"
    message = f"{call.name} in {call.region} ({where}): {reason}. No run may, whatever is said."
    yield Refusal("guard.never-delete", message)


def _reaches_primary(call: Call, env: Environment) -> bool:
    """Whether the call reaches the primary region or a global service."""
    return call.region != env.region(Side.DR) or call.service in GLOBAL_SERVICES


def _unknown_call_refusals(call: Call, env: Environment) -> Iterator[Refusal]:
    """What nobody weighed is refused whatever declares it; what destroys was refused, or exempted, before."""
    if is_read(call.operation) or call.name in WEIGHED or destruction(call, _reaches_primary(call, env)):
        return
    yield Refusal("guard.never-delete", f"{call.name} in {call.region}: no run was ever meant to make this call.")


def _overwrites_primary_files(call: Call, env: Environment) -> str:
    """Replication onto a file system that exists discards all that was written there (T28)."""
    if call.name != "efs:CreateReplicationConfiguration":
        return ""
    for destination in call.params.get("Destinations", ()):
        if destination.get("FileSystemId") and destination.get("Region") != env.region(Side.DR):
            return f"it overwrites the files of {destination['FileSystemId']}"
    return ""


def _health_check(call: Call) -> Iterator[Refusal]:
    if call.name == "route53:CreateHealthCheck":
        yield Refusal("guard.health-check", "a new health check starts healthy: never in a run (T04).")
    if call.name == "route53:UpdateHealthCheck":
        if call.params.get("Disabled"):
            yield Refusal("guard.health-check", "a disabled health check counts as healthy: never in a run (T03).")
        if call.params.get("ResetElements"):
            yield Refusal("guard.health-check", "a run never resets a health check's settings to their defaults.")


def _zones(call: Call, context: GuardContext) -> Iterator[Refusal]:
    """Where the zone of traffic.zone is not known, none is changed."""
    env = context.env
    if call.service != "route53" or is_read(call.operation):
        return
    # Ids come with and without "/hostedzone/": compared as they come, one zone would look like two.
    zone, customer_ids = _zone_of(call), {_without_prefix(zone_id) for zone_id in context.customer_zones}
    # An empty id is a zone that is not known: it must match no call.
    if zone is not None and zone not in ({_without_prefix(context.traffic_zone)} | customer_ids) - {""}:
        reason = f"hosted zone {zone or '(none)'} is not the one of {env.traffic.zone}, nor a customer's"
        yield _zone_refusal(call, reason)
    for record in _records(call.params):
        name, kind = record.get("Name"), record.get("Type")
        # Only what leads visitors: an NS, MX or TXT record written by mistake outlives the incident.
        if str(kind or "").upper() in _DELEGATING:
            yield _zone_refusal(call, f"{name} delegates a zone: {kind} records are never touched")
        elif str(kind or "").upper() not in _CUT_OVER:
            yield _zone_refusal(call, f"{name} leads no visitor: {kind} records are never touched")
    for changed_name in _names(call.params):
        if reason := _name_refusal(changed_name, env, zone in customer_ids):
            yield _zone_refusal(call, f"{changed_name} {reason}")
    host = call.text("FullyQualifiedDomainName")
    if _nearest_zone(host, env) in _denied_zones(env):
        yield _zone_refusal(call, f"{host} is in a denied zone (traffic.denied_zones)")


def _zone_of(call: Call) -> str | None:
    """The hosted zone a call changes, None where it names none."""
    given = call.params.get("HostedZoneId")
    if given is None and "HostedZone" in call.operation:
        given = call.params.get("Id", "")
    return None if given is None else _without_prefix(str(given))


def _without_prefix(zone_id: str) -> str:
    return zone_id.rpartition("/")[2]


def _records(params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for change in params.get("ChangeBatch", {}).get("Changes", ()):
        yield change.get("ResourceRecordSet", {})


def _names(params: Mapping[str, Any]) -> Iterator[str]:
    for record in _records(params):
        yield str(record.get("Name", ""))
    if "Name" in params:
        yield str(params["Name"])


def _name_refusal(name: str, env: Environment, in_customer_zone: bool) -> str:
    """Why a record of that name is not touched."""
    host, nearest = plain(name), _nearest_zone(name, env)
    if nearest in _denied_zones(env):
        return f"is in the denied zone {nearest} (traffic.denied_zones)"
    if nearest and not in_customer_zone:
        return ""
    customers = {plain(customer_host) for hosts in env.traffic.customer_hosts.values() for customer_host in hosts}
    return "" if host in customers else f"is neither in {env.traffic.zone} nor one of traffic.customer_hosts"


def _denied_zones(env: Environment) -> set[str]:
    return {plain(zone) for zone in env.traffic.denied_zones}


def _nearest_zone(name: str, env: Environment) -> str:
    """The longest of the denied zones and the traffic's own that holds ``name``, "" where none does."""
    host, known = plain(name), _denied_zones(env) | {plain(env.traffic.zone)}
    return max((zone for zone in known if f".{host}".endswith(f".{zone}")), key=len, default="")


def plain(name: str) -> str:
    """Return a DNS name in lower case, without its last dot.

    The asterisk, which Route 53 returns as ``\\052``, is restored.
    """
    return name.replace("\\052", "*").rstrip(".").lower()


def _zone_refusal(call: Call, reason: str) -> Refusal:
    return Refusal("guard.denied-zone", f"{call.name}: {reason}.")


def _undeclared_refusals(call: Call, allowed: Set[str]) -> Iterator[Refusal]:
    if call.name not in allowed:
        yield Refusal("guard.undeclared", f"{call.name} is not among the calls that the current action declared.")

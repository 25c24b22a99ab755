"""Which tenants the DR region is certain to serve after a failover, by the failed checks of what serving needs. Pure.

A blocker stops a tenant, unless it is about how much would be lost; of the critical checks those that follow an edge
from a tenant to its pages, and of any check a finding that stops one. One that names no tenant is about all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dr_checks.core.model import BOTH, Area, CheckResult, Finding, Severity, Status
from dr_estate.config.environment import Environment, Side

# Blockers by what would be lost: who loses more than was promised is served all the same.
LOSSES = frozenset(
    {
        "backup-plan.worst-case",
        "copy-roles.may-replicate",
        "efs.last-replicated",
        "rds-copy.age",
        "rds-replica.lag",
        "rds.retention",
        "rpo.met",
        "s3-lag.latency",
        "s3-protection.encrypted-objects",
        "s3.replication-rule",
        "s3.versioning",
    }
)
# Critical checks without which a tenant's pages, or what its visitors write, may not be served.
STOPS = frozenset(
    {
        "cloudfront-origins.bucket-filled",
        "cloudfront-visitors.posts-admitted",
        "definitions.parity",
        "dynamodb-parity.indexes-active",
        "dynamodb-parity.schema-parity",
        "ecs.deployment-sound",
        "ecs.desired-and-running",
        "efs-access.point-parity",
        "efs-policy.admits-alike",
        "elbv2-routing.healthy-targets",
        "elbv2-web-acl.alike",
        "elbv2.listener-certificates",
        "endpoints.admit-stores",
        "quotas.database",
        "quotas.load-balancer",
        "quotas.network-interfaces",
        "rds-parity.engine-version",
        "rds-parity.option-group",
        "rds-parity.parameter-group",
        "rds-storage.room",
        "rds.serves",
        "roles.store-keys-allowed",
        "roles.stores-allowed",
        "secret-values.alike",
        "secrets.in-sync",
        "secrets.regional-fields",
        "sites.edge-agrees",
        "sites.handshake-accepted",
        "tenants.unique-hosts",
        "variables.alike",
        "variables.buckets",
        "variables.schema",
        "vpc-reach.attached-groups",
    }
)
_UNMET = (Status.FAIL, Status.EXCEPTED)


@dataclass(frozen=True, slots=True)
class Served:
    """Of ``tenants`` those that may not be served, and the checks that say so. None of either: all are."""

    region: str
    tenants: int
    stopped: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How many would be served, "" where it is all of them."""
        if not self.stopped:
            return ""
        whole, few = len(self.stopped) == self.tenants, 5
        certain = self.tenants - len(self.stopped)
        shown = ", ".join(self.stopped[:few]) + (f" and {len(self.stopped) - few} more" if self.stopped[few:] else "")
        lost = "" if whole else f", not {shown}"
        reasons = ", ".join(self.checks[:few]) + (" ..." if self.checks[few:] else "")
        return f"{certain} of {self.tenants} tenants are certain to be served in {self.region}{lost}: {reasons}."


def serving_estimate(results: Iterable[CheckResult], tenants: Iterable[str], env: Environment) -> Served:
    """Weigh the unmet findings of what serving in the DR region needs."""
    known = tuple(tenants)
    stopped, checks = set[str](), list[str]()
    for result in (result for result in results if result.area is not Area.VALIDATION):
        # Whether each of its gaps stops somebody, not only those that stop one by themselves.
        blocks = result.severity is Severity.BLOCKER and not any(finding.stops for finding in result.findings)
        all_count = (blocks and result.check not in LOSSES) or result.check in STOPS
        # An accepted gap counts: an exception changes the report, not what visitors get (T49).
        unmet_findings = (
            f for f in result.findings if f.status in _UNMET and f.side is not Side.PRIMARY and (all_count or f.stops)
        )
        names = {name for finding in unmet_findings for name in _about(finding, known, env)}
        stopped |= names
        checks += [result.check] * bool(names)
    order = tuple(name for name in known if name in stopped)
    return Served(env.regions.dr, len(known), order, tuple(dict.fromkeys(checks)))


def _about(finding: Finding, tenants: tuple[str, ...], env: Environment) -> set[str]:
    """The tenants that a finding is about: its own, those whose definitions it lists, or all."""
    if finding.tenant:
        return {finding.tenant} & {*tenants}
    families = {env.on(side).named(env.names.task_family, tenant=tenant): tenant for side in BOTH for tenant in tenants}
    listed = {families[member] for member in finding.members if member in families}
    # Members that are not all of tenants: nobody knows whom the rest stops, so it may be everybody.
    return listed if listed and families.keys() >= set(finding.members) else {*tenants}

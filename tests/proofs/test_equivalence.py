"""The judgement is right when the recovery agrees: a blocker is reported exactly where the strict world does not serve.

Single and double faults of the DR region, drawn by Hypothesis: those that somebody thought of, any field of a
resource that plain boto3 changes (mutations.py), and any field of botocore's model of five services
(field_mutations.py). After each, the sandbox's own routines say whether a task of every service would start in each of
its subnets and be reached, and whether the database's planned restore is taken.
``DR_FULL_EQUIVALENCE=1`` plays 500 single and 200 double faults.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_actions.model.plan import Goal
from dr_actions.planning.planner import context_of, make_plan
from dr_checks.core.model import Severity, Status
from dr_checks.derived.need_kinds import NeedKind
from dr_checks.derived.served import LOSSES
from dr_checks.posture.posture import posture_of
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.engines import ENGINES, engine_of
from dr_estate.snapshot.snapshot import Snapshot
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault
from tests.proofs.faults import FAULTS
from tests.proofs.faults_of_network import _network, _subnets
from tests.proofs.field_mutations import FIELDS
from tests.proofs.mutations import MUTATIONS
from tests.proofs.rig import rig
from tests.proofs.watching import Watch, judged, watch
from tests.sampling import SEED, every
from tests.utils.running import ROOT
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = [pytest.mark.proof, pytest.mark.apart]
FULL = os.environ.get("DR_FULL_EQUIVALENCE") == "1"
TENANTS = 2
BEFORE = "before the fault"
OBJECTIVES = LOSSES | {"backup.key-usable"}
"""Checks of how much would be lost, and of copies that are the fallback here: visitors are served all the same."""
OPENS = ("RestoreDBInstanceToPointInTime", "RestoreDBInstanceFromDBSnapshot", "PromoteReadReplica")
# Another engine on each day: three days see all.
ENGINE = tuple(ENGINES.values())[SEED % len(ENGINES)]

_OWN, _GONE, _PRIMARY, _INTERNET = "10.20.9.9", "10.20.9.8", "10.10.0.2", "9.9.9.9"


def forwarding(domain: str, *servers: str) -> Callable[[Aws], object]:
    """Associate a rule with the VPC that sends a domain to these servers; ``_OWN`` is borne by an interface."""

    def make(aws: Aws) -> object:
        ec2, vpc = _network(aws)
        resolver, subnets = aws.client("route53resolver", Side.DR), _subnets(aws, "private")
        rows = ec2.describe_subnets(SubnetIds=subnets[:2])["Subnets"]
        inside = [{"Name": "vpc-id", "Values": [vpc]}]
        group = ec2.describe_security_groups(Filters=inside)["SecurityGroups"][0]["GroupId"]
        if _OWN in servers:
            ec2.create_network_interface(SubnetId=subnets[0], PrivateIpAddress=_OWN)
        out = resolver.create_resolver_endpoint(
            CreatorRequestId=domain,
            SecurityGroupIds=[group],
            Direction="OUTBOUND",
            IpAddresses=[{"SubnetId": row["SubnetId"], "Ip": str(ip_network(row["CidrBlock"])[-2])} for row in rows],
        )["ResolverEndpoint"]["Id"]
        rule = resolver.create_resolver_rule(
            CreatorRequestId=domain,
            Name="rule",
            RuleType="FORWARD",
            DomainName=aws.env.named(domain.replace("{dr}", aws.env.regions.dr)),
            TargetIps=[{"Ip": server, "Port": 53} for server in servers],
            ResolverEndpointId=out,
        )["ResolverRule"]["Id"]
        return resolver.associate_resolver_rule(ResolverRuleId=rule, Name="rule", VPCId=vpc)

    return make


_AWS = "{dr}.amazonaws.com"
_RULES: dict[str, Callable[[Aws], object]] = {
    "rule of all names to the primary": forwarding(".", _PRIMARY),
    "rule of all names to nobody": forwarding(".", _GONE, _PRIMARY),
    "rule of all names to one's own": forwarding(".", _GONE, _OWN),
    "rule of AWS to the internet": forwarding("amazonaws.com", _INTERNET),
    "rule of the registry to the internet": forwarding(f"ecr.{_AWS}", _INTERNET),
    "rule of files to the internet": forwarding(f"efs.{_AWS}", _INTERNET),
    "rule of secrets to the primary": forwarding(f"secretsmanager.{_AWS}", _PRIMARY),
    "rule of queues to the primary": forwarding(f"sqs.{_AWS}", _PRIMARY),
    "rule of another region": forwarding("af-south-1.amazonaws.com", _PRIMARY),
    "rule of an office": forwarding("corp.example", _PRIMARY),
    "rule of the database to the primary": forwarding("{env}.internal", _PRIMARY),
    "rule above the private zone": forwarding("internal", _PRIMARY),
}
NAMES = tuple(Fault(name, NeedKind.RESOLVER, ("route53resolver", "ec2"), make) for name, make in _RULES.items())
EVERY = (*FAULTS, *NAMES, *MUTATIONS)
PLAYED = (*EVERY, *FIELDS) if FULL else (*every(4, EVERY), *every(24, FIELDS))
"""Those that are each played by name; of a field that is not set, no change comes."""
FAULT, NUMBER = st.sampled_from((*EVERY, *FIELDS)), st.integers(0, TENANTS - 1)


@dataclass(frozen=True)
class StrictWorld:
    """A healthy world, kept as ``BEFORE``, that is broken again and again, and restored after each time."""

    watch: Watch
    tenants: tuple[str, ...]

    def aws(self, tenant: str) -> Aws:
        """Plain clients, with the names of the DR region: faults are made there."""
        world = self.watch.world
        return Aws(world.url, world.people["admin"], self.watch.environment.on(Side.DR), tenant)

    def disagreement(self, faults: Sequence[Fault], tenant: str) -> str:
        """What the judgement and the recovery say where they contradict each other, "" where they agree."""
        blockers, failures = self.outcome(faults, tenant)
        contrast, names = f"told {blockers}, failed {failures}", ", ".join(fault.name for fault in faults)
        return "" if bool(blockers) == bool(failures) else f"{names} ({tenant}): {contrast}"

    def outcome(self, faults: Sequence[Fault], tenant: str) -> tuple[list[str], list[str]]:
        """The blockers after the faults, and what fails in the recovery from there."""
        world = self.watch.world
        self.watch.renew()
        try:
            for fault in faults:
                fault.make(self.aws(tenant))
            touched = {service for fault in faults for service in fault.touches}
            snapshot = self.watch.again(
                touched | {"backup"}
            )  # the schedule goes on: an older look names a copy that is gone
            blockers = self.blockers(snapshot)
            world.inject("primary-dark")
            return blockers, self.failures(snapshot)
        finally:
            world.return_to(BEFORE)

    def blockers(self, snapshot: Snapshot) -> list[str]:
        """The blockers that fail, without those of what would be lost."""
        results = judged(snapshot, self.watch.environment)
        return sorted(
            name
            for name, result in results.items()
            if result.status is Status.FAIL and name not in OBJECTIVES and result.severity is Severity.BLOCKER
        )

    def failures(self, snapshot: Snapshot) -> list[str]:
        """Why the recovery of ``snapshot`` would not serve every tenant."""
        opened = self.opened(snapshot)
        there = self.watch.environment.on(Side.DR)
        starts, services = self.watch.world.starts(), [there.named(there.names.service, name) for name in self.tenants]
        lost = [f"{service}: {starts.get(service, 'absent')}" for service in services if starts.get(service, "absent")]
        return [*([opened] if opened else []), *lost]

    def opened(self, snapshot: Snapshot) -> str:
        """Send the plan's restore or promotion of the database, where there is one; return why it is not taken."""
        env = self.watch.environment
        if not env.names.database:
            return ""
        plan = make_plan(context_of(env, snapshot, Goal.FAILOVER), posture_of(snapshot, env).name)
        call = next((s.call for s in plan.steps if s.call and s.call.operation in OPENS), None)
        if call is None:
            return "nothing opens the database"
        rds = self.aws("").client("rds", Side.DR)
        try:
            database = rds._make_api_call(call.operation, dict(call.params))["DBInstance"]
        except ClientError as refused:
            return str(refused)
        group = database["DBParameterGroups"][0]["DBParameterGroupName"]
        values = rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"]
        pairs = ((row["ParameterName"], row.get("ParameterValue", "")) for row in values)
        on = engine_of(database["Engine"]).refuses_writes(pairs)
        return f"{group} makes the opened database read-only" if on else ""


@pytest.fixture(scope="module")
def strict() -> Iterator[StrictWorld]:
    env = load_environment(ROOT / "environments", "sit")
    with borrowed(env, TENANTS, ENGINE) as world:
        world.keep(BEFORE)
        yield StrictWorld(watch(world, env), tuple(world.state()["tenants"]))


def test_the_healthy_world_has_no_blocker_and_recovers(strict: StrictWorld) -> None:
    assert strict.disagreement((), strict.tenants[0]) == ""
    assert strict.failures(strict.watch.healthy) == []
    strict.watch.world.return_to(BEFORE)


@pytest.mark.parametrize("fault", PLAYED, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_blocker_is_reported_exactly_where_the_recovery_serves_not_all(fault: Fault, strict: StrictWorld) -> None:
    assert strict.disagreement((fault,), strict.tenants[-1]) == ""


@settings(max_examples=500 if FULL else 12)
@given(fault=FAULT, number=NUMBER)
def test_it_is_so_for_any_tenant(strict: StrictWorld, fault: Fault, number: int) -> None:
    assert strict.disagreement((fault,), strict.tenants[number]) == ""


@settings(max_examples=200 if FULL else 12)
@given(pair=st.lists(FAULT, min_size=2, max_size=2, unique_by=lambda fault: fault.edge), number=NUMBER)
def test_two_faults_hide_each_other_no_more_than_one_does(strict: StrictWorld, pair: list[Fault], number: int) -> None:
    assert strict.disagreement(pair, strict.tenants[number]) == ""


@pytest.mark.parametrize(
    ("broken", "check", "serves"),
    [
        ("", "", True),
        ("dr-parameter-group-missing", "rds.parameter-group", False),
    ],
)
def test_a_whole_failover_ends_as_the_blockers_had_it(broken: str, check: str, serves: bool, tmp_path: Path) -> None:
    env = load_environment(ROOT / "environments", "sit")
    with borrowed(env, 1) as world:
        whole = watch(world, env)
        touched = world.inject(broken) if broken else []
        assert ([check] if check else []) == StrictWorld(whole, ()).blockers(whole.again(touched))
    with rig(tmp_path, *([broken] if broken else []), "primary-dark") as due:
        run = due.run("run")
        assert serves is (run.wait() == Exit.READY), run.said

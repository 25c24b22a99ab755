"""A remedy's commands do what the finding needs, in the right order, and none is made of what was not read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_checks.core.model import Finding, Status, View
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.readers import (
    control_table,
    ecs,
    efs_mounts,
    elbv2,
    iam_store_roles,
    iam_task_roles,
    kms,
    rds_groups,
    route53,
    route53_health_checks,
    secretsmanager,
    store_policies,
    vpc,
)
from dr_estate.readers.control_table import ControlState, Incident
from tests.dr_checks.databases import PARAMETERS, database
from tests.dr_checks.edges import DR_BALANCER, PRIMARY, PRIMARY_BALANCER, SECONDARY, traffic
from tests.dr_checks.estates import healthy
from tests.dr_checks.examples.kms import ARRIVING as KEY
from tests.dr_checks.examples.roles import ASKS, CLOSED, KEPT_OUT, READS, ROLE, USES
from tests.dr_checks.examples.secrets import HERE, ONE, THERE
from tests.dr_checks.network import PLACES, PUBLIC, PUBLIC_OUT, TASKS_OUT, connected, services, subnets
from tests.dr_checks.traffic import balanced, groups, rule, rules
from tests.dr_checks.worlds import DENIED, NOW, SIT, Values, service, world

ALL, PORTS = "0.0.0.0/0", (0, 65535)
HOME, AWAY = SIT.regions.primary, SIT.regions.dr
REPLICATED = (
    f"aws secretsmanager replicate-secret-to-regions --region {HOME} --secret-id {ONE} "
    f"""--add-replica-regions '[{{"Region":"{AWAY}"}}]'"""
)
RESTORED = "aws secretsmanager restore-secret --region {region} --secret-id arn:" + ONE
DELETED_HERE = tuple(replace(secret, deleted_at=NOW) if secret.name == ONE else secret for secret in HERE)
DELETED_THERE = tuple(replace(secret, deleted_at=NOW) if secret.name == ONE else secret for secret in THERE)
BLOCKED = "block-bidirectional"
WITHOUT = tuple(secret for secret in THERE if secret.name != ONE)


def failed(check: str, values: Values) -> Finding:
    """The one gap that the check finds."""
    (gap,) = [f for f in judge(checks()[check], world(values), SIT).findings if f.status is Status.FAIL]
    return gap


@pytest.mark.parametrize(
    ("here", "there", "commands"),
    [
        (HERE, WITHOUT, [REPLICATED]),
        (HERE, DELETED_THERE, [RESTORED.format(region=AWAY)]),
        (DELETED_HERE, WITHOUT, [RESTORED.format(region=HOME), REPLICATED]),
        (DENIED, WITHOUT, []),
        (WITHOUT, WITHOUT, []),
    ],
    ids=["absent", "deleted there", "deleted here, too", "the primary unread", "nowhere"],
)
def test_a_deleted_secret_is_restored_before_it_is_replicated(here: Any, there: Any, commands: list[str]) -> None:
    secrets = secretsmanager.secrets
    gap = failed("secrets.secret-exists", {(secrets, Side.PRIMARY): here, (secrets, Side.DR): there})
    assert list(gap.commands) == commands


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (CLOSED, "Resource with the ARNs"),
        (replace(CLOSED, decision="explicitDeny"), "Take the Deny"),
        (replace(CLOSED, bounded=True), "a permissions boundary that allows"),
        (KEPT_OUT, "The policies of these keys"),
    ],
)
def test_what_denies_a_role_is_what_is_to_be_changed(decision: Any, words: str) -> None:
    gap = failed("roles.tasks-allowed", {(iam_task_roles.roles, Side.GLOBAL): (replace(ROLE, decisions=(decision,)),)})
    assert words in gap.remedy


def test_a_default_parameter_group_needs_nobody_to_make_it() -> None:
    names = SIT.names.model_copy(update={"db_parameter_group": "default.mysql8.0"})
    env = SIT.model_copy(update={"names": names})
    judged = judge(checks()["rds.parameter-group"], world({(rds_groups.parameter_groups, Side.DR): ()}), env)
    assert judged.status is Status.PASS


@pytest.mark.parametrize(
    ("standing", "number"),
    [(ControlState(), 1), (ControlState(incident=Incident("INC-1", "failover", "done", NOW, None)), 0), (DENIED, 0)],
    ids=["no incident", "a failover in force", "unread"],
)
def test_a_pin_that_may_be_of_a_failover_is_not_taken_away_by_a_command(standing: Any, number: int) -> None:
    seen = healthy()
    (first, *others) = seen.parts[route53_health_checks.checks.name, Side.GLOBAL].value
    values: Values = {
        (route53_health_checks.checks, Side.GLOBAL): (replace(first, inverted=True), *others),
        (route53.records, Side.GLOBAL): seen.parts[route53.records.name, Side.GLOBAL].value,
        (control_table.standing, Side.DR): standing,
    }
    assert len(failed("health-checks.not-inverted", values).commands) == number


@pytest.mark.parametrize(
    ("state", "operations", "words"),
    [
        ("Disabled", ["enable-key"], "Enable the key"),
        ("PendingDeletion", ["cancel-key-deletion", "enable-key"], "Cancel the deletion"),
        ("PendingReplicaDeletion", ["cancel-key-deletion", "enable-key"], "Cancel the deletion"),
        ("PendingImport", [], "import-key-material"),
        ("Unavailable", [], "connect-custom-key-store"),
    ],
)
def test_a_key_is_made_usable_by_what_its_state_admits(state: str, operations: list[str], words: str) -> None:
    key = replace(KEY, state=state)
    gap = failed("kms.key-usable", {(kms.keys, Side.DR): (key,), (kms.replica_keys, Side.DR): ()})
    assert [command.split()[2] for command in gap.commands] == operations
    assert words in gap.remedy


@pytest.mark.parametrize(
    ("check", "shut", "changes", "operations"),
    [
        ("vpc-reach.way-out", PUBLIC, {}, ["create-vpc-block-public-access-exclusion"]),
        ("vpc-reach.way-out", PLACES, {(vpc.nat_gateways, Side.DR): ()}, []),
        ("vpc-reach.way-in", PUBLIC, {}, ["create-vpc-block-public-access-exclusion"]),
        ("vpc-reach.way-in", PLACES, {(vpc.internet_gateways, Side.DR): ()}, []),
    ],
)
def test_public_access_is_opened_only_for_what_it_stops(
    check: str, shut: tuple[str, ...], changes: Values, operations: list[str]
) -> None:
    open_ones = tuple(row for row in subnets() if row.id not in shut)
    rows = (vpc.Subnet(name, "ab"[n], "available", f"10.0.{n}.0/24", 9, BLOCKED) for n, name in enumerate(shut))
    network = {(vpc.subnets, Side.DR): (*open_ones, *rows), **changes}
    found = judge(checks()[check], connected(network), SIT).findings
    gaps = [finding for finding in found if finding.status is Status.FAIL]
    assert gaps
    for gap in gaps:
        assert [command.split()[2] for command in gap.commands] == operations
        assert ("exclusion" in gap.remedy) is bool(operations)


@pytest.mark.parametrize(("interval_s", "changed"), [(30, ""), (5, "--health-check-interval-seconds 10")])
def test_a_health_check_with_a_longer_timeout_gets_a_longer_interval(interval_s: int, changed: str) -> None:
    mine = groups(Side.DR, check_timeout_s=4, check_interval_s=interval_s)
    found = judge(checks()["elbv2-routing.target-groups"], balanced({(elbv2.target_groups, Side.DR): mine}), SIT)
    (command,) = next(f.commands for f in found.findings if f.status is Status.WARN)
    assert "--health-check-timeout-seconds 5" in command
    assert changed in command
    assert ("interval" in command) is bool(changed)


def test_a_right_on_a_copy_that_a_boundary_or_a_deny_keeps_is_opened_there() -> None:
    def remedy(*rights: Any) -> str:
        row = replace(USES, rights=rights)
        values: Values = {(iam_store_roles.rights, Side.GLOBAL): (row,), (store_policies.policies, Side.DR): ()}
        return failed("roles.stores-allowed", values).remedy

    assert "permissions boundary" in remedy(replace(READS, bounded=True))
    both = remedy(READS, ASKS)
    assert "ARNs of the copies" in both
    assert "Take the Deny" in both


def test_no_command_leads_a_subnet_of_the_databases_to_the_internet() -> None:
    """The tasks' subnets get a route to the NAT gateway, unless those of the databases share their table."""
    bare = (replace(TASKS_OUT, default="", state=""), PUBLIC_OUT)

    def commands(databases: tuple[str, ...] | None) -> set[str]:
        row = rds_groups.SubnetGroup(SIT.named(SIT.names.db_subnet_group), "Complete", "vpc-1", databases or (), ())
        changed: dict[Any, Any] = {(vpc.route_tables, Side.DR): bare, (vpc.endpoints, Side.DR): ()}
        changed |= {(rds_groups.subnet_groups, Side.DR): DENIED if databases is None else (row,)}
        found = judge(checks()["vpc-reach.way-out"], connected(changed), SIT).findings
        return {command for finding in found if finding.status is Status.FAIL for command in finding.commands}

    (routed,) = commands(("data-1", "data-2"))
    assert routed.startswith("aws ec2 create-route")
    assert "nat-1" in routed
    assert commands(PLACES[:1]) == set(), "the table is theirs too"
    assert commands(None) == set(), "which subnets are the databases' was not read"


@pytest.mark.parametrize(
    ("changes", "operations"),
    [
        ({}, ["modify-rule"]),
        ({"hosts": ("tenant2.wpsit.kimmyai.io", "other.example.org")}, []),
        ({"arn": ""}, []),
    ],
    ids=["its own", "another host's too", "not named by AWS"],
)
def test_the_only_rule_of_a_host_is_led_to_its_own_group(changes: Any, operations: list[str]) -> None:
    first, second = rules(Side.DR)
    astray = rule(Side.DR, "tenant2", priority=2, to="tenant1", others=second.others)
    listed = (first, replace(astray, **{"arn": "arn:rule/2", **changes}))
    found = judge(checks()["elbv2-routing.host-rules"], balanced({(elbv2.rules, Side.DR): listed}), SIT).findings
    (gap,) = [finding for finding in found if finding.status is Status.FAIL]
    assert [command.split()[2] for command in gap.commands] == operations


@pytest.mark.parametrize(
    ("others", "paths", "changed"),
    [("source-ip  1", (), ["--conditions"]), ("path-pattern  1", ("/shop/*",), [])],
    ids=["an address", "a path"],
)
def test_a_rule_to_its_own_group_loses_its_source_address_condition(
    others: str, paths: tuple[str, ...], changed: list[str]
) -> None:
    narrow = replace(rule(Side.DR, "tenant2", priority=2, others=(others,)), arn="arn:rule/2", paths=paths)
    theirs = tuple(rule(Side.PRIMARY, tenant) for tenant in ("tenant1", "tenant2"))
    estate = balanced({(elbv2.rules, Side.DR): (rule(Side.DR, "tenant1"), narrow), (elbv2.rules, Side.PRIMARY): theirs})
    found = judge(checks()["elbv2-routing.host-rules"], estate, SIT).findings
    (gap,) = [finding for finding in found if finding.status is Status.FAIL]
    assert [command.partition("arn:rule/2 ")[2].split()[0] for command in gap.commands] == changed


@pytest.mark.parametrize(
    ("before", "number", "commands"),
    [(PLACES, 60, ["59"]), ((*PLACES, "data-1"), 60, []), (PLACES, 1, [])],
    ids=["of tasks", "of the databases too", "of the first number"],
)
def test_an_acl_is_opened_before_tasks_alone_below_the_rule_that_closes_it(
    before: tuple[str, ...], number: int, commands: list[str]
) -> None:
    others = (vpc.AclRule(50, False, False, "198.51.100.0/24", (0, 65535)), vpc.AclRule(100, True, True, ALL, PORTS))
    denies = vpc.AclRule(number, False, False, ALL, PORTS)
    acl = vpc.NetworkAcl("acl-1", before, (*others, denies), ((False, number), (False, 50), (True, 100)))
    row = rds_groups.SubnetGroup(SIT.named(SIT.names.db_subnet_group), "Complete", "vpc-1", ("data-1",), ())
    changed: dict[Any, Any] = {(vpc.network_acls, Side.DR): (acl,), (rds_groups.subnet_groups, Side.DR): (row,)}
    changed |= {
        (vpc.nat_gateways, Side.DR): (),
        (efs_mounts.mount_targets, Side.DR): (),
        (elbv2.listeners, Side.DR): (),
    }
    found = judge(checks()["vpc-acls.admit-traffic"], connected(changed), SIT).findings
    (gap,) = [finding for finding in found if finding.subject == "tasks to AWS"]
    assert [command.split("--rule-number ")[1].split()[0] for command in gap.commands] == commands


def test_what_was_read_whole_is_not_to_be_made_readable() -> None:
    found = View("a.b", Side.DR, SIT, healthy()).unknown("it", "wanted", "Nothing of AWS says it.")
    assert found.remedy.startswith("All that AWS says was read")
    assert View("a.b", Side.DR, SIT, healthy()).unknown("it", "wanted", DENIED).remedy.startswith("Make it readable")


@pytest.mark.parametrize(("moved", "lines"), [(1, 1), (2, 0)], ids=["one service", "every service"])
def test_a_service_in_balancer_subnets_moves_to_those_of_the_others(moved: int, lines: int) -> None:
    """A route to a NAT gateway in the balancer's own subnet would cut off every visitor."""
    placed = tuple(
        replace(row, public_ip="DISABLED", subnets=PUBLIC[:1] if number < moved else PLACES)
        for number, row in enumerate(services(Side.DR))
    )
    snapshot = connected({(ecs.services, Side.DR): placed, (rds_groups.subnet_groups, Side.DR): ()})
    (gap,) = [f for f in judge(checks()["vpc-reach.way-out"], snapshot, SIT).findings if f.status is Status.FAIL]
    assert (gap.subject, "leave its route" in gap.remedy) == (PUBLIC[0], True), gap
    assert len(gap.commands) == lines
    for line in gap.commands:
        assert f"aws ecs update-service --region {AWAY}" in line
        assert f'"subnets":["{PLACES[0]}"' in line
        assert PUBLIC[0] not in line


def test_no_remedy_sets_read_only_on_the_database_that_serves() -> None:
    fenced = replace(PARAMETERS, parameters=(*PARAMETERS.parameters, ("max_connections", "9"), ("read_only", "1")))
    gap = failed("rds-parity.parameter-group", database(parameter_groups_primary=(fenced,)))
    assert "max_connections" in gap.measured
    assert "read_only" not in f"{gap.measured} {gap.commands}"


@pytest.mark.parametrize("incident", [Incident("INC-7", "failover", "fenced", NOW, None), None])
def test_services_that_a_fence_stopped_are_started_again_by_the_failback(incident: Incident | None) -> None:
    stopped = {
        (ecs.services, Side.PRIMARY): (service("sit-tenant-1-service", 0, 0),),
        (control_table.standing, Side.DR): ControlState(incident=incident),
    }
    found = judge(checks()["primary.services-running"], world(stopped, tenants=("tenant1",)), SIT).findings
    assert [gap.until_failback for gap in found] == [incident is not None]


@pytest.mark.parametrize("incident", [Incident("INC-7", "failover", "on DR", NOW, None), None])
def test_a_failover_pair_that_a_failover_turned_is_left_to_the_failback(incident: Incident | None) -> None:
    turned = (replace(PRIMARY, alias_target=DR_BALANCER), replace(SECONDARY, alias_target=PRIMARY_BALANCER))
    changed: dict[Any, Any] = {(control_table.standing, Side.DR): ControlState(incident=incident)}
    gaps = judge(checks()["dns.own-load-balancer"], world({**traffic(records=turned), **changed}), SIT).findings
    assert [gap.until_failback for gap in gaps] == [incident is not None] * 2
    assert all(gap.remedy.startswith("After a failover") is (incident is not None) for gap in gaps)
    assert "a load balancer of eu-west-1" in gaps[0].because


def test_a_turned_pair_is_known_while_the_primary_region_cannot_be_read() -> None:
    turned = (replace(PRIMARY, alias_target=DR_BALANCER), replace(SECONDARY, alias_target=PRIMARY_BALANCER))
    changed = {
        (control_table.standing, Side.DR): ControlState(incident=Incident("INC-7", "failover", "on DR", NOW, None))
    }
    seen = world({**traffic(records=turned, primary_balancer=DENIED), **changed})
    (gap,) = [f for f in judge(checks()["dns.own-load-balancer"], seen, SIT).findings if f.status is Status.FAIL]
    assert (gap.until_failback, "af-south-1" in gap.because) == (True, True), gap

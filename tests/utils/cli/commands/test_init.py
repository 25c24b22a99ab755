"""init describes the sandbox's estate as the shipped file does: the same account is judged the same."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.endpoint import Endpoint
from tests.sandbox.conftest import client_of
from tests.utils.pseudo_terminal import at_terminal
from tests.utils.running import ROOT, at_endpoint, signed_in
from utils.aws_mgmt.app.exit_codes import Exit

NAMES = 8
REST = 15  # the questions from the zone to what is to be lost at most


@pytest.mark.proof
def test_the_estate_is_judged_by_the_written_file_as_by_the_shipped_one(
    sandbox_world: Endpoint, tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    written = at_endpoint(sandbox_world, tmp_path, f"-e sit --config {rules} init --yes --region af-south-1")
    assert (written.code, "\n  python utils/aws_mgmt/dr_cli.py -e sit" in written.out) == (0, True), written.err
    own = at_endpoint(sandbox_world, tmp_path, f"-e sit --config {rules} status --format json")
    shipped = at_endpoint(sandbox_world, tmp_path, "-e sit status --format json")
    differing = {check for check, _ in own.statuses().items() ^ shipped.statuses().items()}
    # whom to call is held by no account, and beside the shipped file stands no map
    assert differing == {"prerequisites.contacts-named", "estate-map.as-mapped"}
    assert (own.report["posture"], own.report["tenants"]) == ("NORMAL", shipped.report["tenants"])


@pytest.mark.proof
def test_every_value_is_asked_and_enter_takes_what_was_found(sandbox_world: Endpoint, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    variables = {**signed_in(sandbox_world, "reader"), "AWS_REGION": "eu-west-1"}
    with at_terminal(f"-e sit --config {rules} init", tmp_path, variables) as terminal:
        terminal.until('names.cluster (name of the ECS cluster; {env}, {tenant} are filled in) ["{env}-cluster"]: ')
        terminal.press(b"\n" * NAMES)
        terminal.until('account (STS GetCallerIdentity) ["815856636111"]: ')
        for key in ("regions.primary", "regions.dr", "traffic.zone"):
            terminal.press(b"\n")
            terminal.until(f"{key} (")
        terminal.press(b"\n" * REST)
        terminal.until("objectives.rpo_minutes (")
        terminal.press(b"soon\n")
        terminal.until("Type it as 60 is written.")
        terminal.press(b"15\n")
        terminal.until("objectives.rto_minutes (")
        terminal.press(b"\n+27 21 555 0100\n\n\n\n")
        assert terminal.wait() == 0, terminal.shown
    settings = tomllib.loads((rules / "sit.toml").read_text())
    assert (settings["names"]["cluster"], len(settings["names"])) == ("{env}-cluster", NAMES)
    assert settings["people"]["contacts"] == {"Platform Admin": "+27 21 555 0100"}
    assert (settings["objectives"], settings["regions"]["dr"]) == ({"rpo_minutes": 15, "rto_minutes": 240}, "eu-west-1")


def test_what_could_not_be_loaded_is_not_left_behind(sandbox_world: Endpoint, tmp_path: Path) -> None:
    variables = {**signed_in(sandbox_world, "reader"), "AWS_REGION": "eu-west-1"}
    with at_terminal(f"-e sit --config {tmp_path} init", tmp_path, variables) as terminal:
        terminal.until("names.cluster (")
        terminal.press(b"\n" * (NAMES + 1))
        terminal.until("regions.primary (")
        terminal.press(b"eu-west-1\n" + b"\n" * (REST + 10))
        assert terminal.wait() == 2, terminal.shown
    assert not (tmp_path / "sit.toml").exists()


def test_an_environment_named_unlike_its_resources_uses_the_map(sandbox_world: Endpoint, tmp_path: Path) -> None:
    ran = at_endpoint(sandbox_world, tmp_path, f"-e mine --config {tmp_path} init --yes --region af-south-1")
    assert Exit.READY == ran.code, ran.err
    mine, shipped = load_environment(tmp_path, "mine"), load_environment(ROOT / "environments", "sit")
    services = {shipped.named(shipped.names.service, tenant=tenant) for tenant in sandbox_world.state()["tenants"]}
    assert services == {mine.named(mine.names.service, tenant=tenant) for tenant in mine.mapped_workloads}
    for key in ("database", "db_subnet_group", "db_parameter_group", "db_security_group", "backup_plan"):
        assert shipped.named(getattr(shipped.names, key)) == getattr(mine.names, key), f"{key}: as the database has it"
    assert () == mine.names.topics, "no name of a base that fits nothing here"


@pytest.fixture
def altered_world(sandbox_world: Endpoint) -> Iterator[Endpoint]:
    """The world that all tests share, given back as it was."""
    sandbox_world.keep("healthy")
    yield sandbox_world
    sandbox_world.return_to("healthy")


@pytest.mark.proof
def test_the_key_of_database_copies_comes_from_them_without_an_alias(altered_world: Endpoint, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    altered_world.inject("kms-copy-alias-deleted")
    ran = at_endpoint(altered_world, tmp_path, f"-e sit --config {rules} init --yes --region af-south-1")
    assert Exit.READY == ran.code, ran.err
    assert load_environment(rules, "sit").names.db_copy_key_alias.startswith("arn:aws:kms:eu-west-1:")
    command = f"-e sit --config {rules} status --check rds-copy.key-usable --format json"
    judged = at_endpoint(altered_world, tmp_path, command)
    assert {"pass"} == set(judged.statuses().values())


def _other_groups(rds: Any, sit: Environment) -> list[str]:
    """Subnet and parameter group of other names in the place of the DR region's own; returns their names."""
    old = [sit.named(name) for name in (sit.names.db_subnet_group, sit.names.db_parameter_group)]
    (subnets,) = rds.describe_db_subnet_groups(DBSubnetGroupName=old[0])["DBSubnetGroups"]
    (parameters,) = rds.describe_db_parameter_groups(DBParameterGroupName=old[1])["DBParameterGroups"]
    set_there = rds.describe_db_parameters(DBParameterGroupName=old[1], Source="user")["Parameters"]
    rds.delete_db_subnet_group(DBSubnetGroupName=old[0])
    rds.delete_db_parameter_group(DBParameterGroupName=old[1])
    ids = [row["SubnetIdentifier"] for row in subnets["Subnets"]]
    rds.create_db_subnet_group(DBSubnetGroupName="far-1", DBSubnetGroupDescription="x", SubnetIds=ids)
    family = parameters["DBParameterGroupFamily"]
    rds.create_db_parameter_group(DBParameterGroupName="far-2", DBParameterGroupFamily=family, Description="x")
    rows = [{key: row[key] for key in ("ParameterName", "ParameterValue", "ApplyMethod")} for row in set_there]
    if rows:
        rds.modify_db_parameter_group(DBParameterGroupName="far-2", Parameters=rows)
    return ["far-1", "far-2"]


@pytest.mark.proof
def test_the_groups_of_a_restore_are_those_of_the_region_by_any_name(altered_world: Endpoint, tmp_path: Path) -> None:
    sit, rules, found = load_environment(ROOT / "environments", "sit"), tmp_path / "rules", {}
    for side in (Side.PRIMARY, Side.DR):
        ec2, named = client_of(altered_world, "ec2", sit.region(side)), sit.named(sit.names.db_security_group)
        (old,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [named]}])["SecurityGroups"]
        found[side] = f"{named}-{side.name}"
        new = ec2.create_security_group(GroupName=found[side], Description="Database", VpcId=old["VpcId"])["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=new, IpPermissions=old["IpPermissions"])
        if side is Side.PRIMARY:
            client_of(altered_world, "rds", sit.region(side)).modify_db_instance(
                DBInstanceIdentifier=sit.named(sit.names.database), VpcSecurityGroupIds=[new], ApplyImmediately=True
            )
        ec2.delete_security_group(GroupId=old["GroupId"])
    groups_in_dr = _other_groups(client_of(altered_world, "rds", sit.regions.dr), sit)
    checks = "vpc-reach.security-groups rds.subnet-group rds.parameter-group rds-parity.parameter-group"
    command = f"-e sit {{}}status --check {checks.replace(' ', ' --check ')} --format json"
    assert {"fail"} == set(at_endpoint(altered_world, tmp_path, command.format("")).statuses().values())
    ran = at_endpoint(altered_world, tmp_path, f"-e sit --config {rules} init --yes --region af-south-1")
    assert Exit.READY == ran.code, ran.err
    written = load_environment(rules, "sit")
    groups = {side: written.named(written.on(side).names.db_security_group) for side in found}
    assert found == groups
    assert groups_in_dr == [written.on(Side.DR).names.db_subnet_group, written.on(Side.DR).names.db_parameter_group]
    judged = at_endpoint(altered_world, tmp_path, command.format(f"--config {rules} "))
    assert {"pass"} == set(judged.statuses().values()), judged.out


def test_a_file_that_is_there_is_never_written_over(sandbox_world: Endpoint, tmp_path: Path) -> None:
    path = tmp_path / "sit.toml"
    path.write_text("name = 'mine'\n")
    ran = at_endpoint(sandbox_world, tmp_path, f"-e sit --config {tmp_path} init --yes --region af-south-1")
    assert (ran.code, "is there already" in ran.err) == (2, True)
    assert path.read_text() == "name = 'mine'\n"


def test_where_nobody_can_be_asked_the_way_without_questions_is_named(sandbox_world: Endpoint, tmp_path: Path) -> None:
    ran = at_endpoint(sandbox_world, tmp_path, f"-e sit --config {tmp_path} init --region af-south-1")
    assert (ran.code, "init --yes` takes every value" in ran.err) == (2, True)
    assert not (tmp_path / "sit.toml").exists()

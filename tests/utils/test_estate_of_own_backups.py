"""An estate whose backup plan, vaults and role are called as nothing else is: plain boto3 made them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Side, load_environment
from dr_estate.iam.statements import document, statement
from dr_estate.readers import backup
from sandbox.client.endpoint import Endpoint
from tests.dr_estate.scan.acme import AWAY, DATABASE, HOME, REPLICA, build, build_tool
from tests.hosting import hosted
from tests.proofs.changes import Aws
from tests.utils.running import ROOT, Ran, at_endpoint
from tests.utils.test_estate_of_paths import PEOPLE
from utils.aws_mgmt.app.exit_codes import Exit

PLAN, ROLE = "Every Hour", "vaulter"
VAULTS = {Side.PRIMARY: "Strongroom", Side.DR: "strongroom-in-ireland"}

pytestmark = pytest.mark.proof


def _run(world: Endpoint, home: Path, words: str) -> Ran:
    return at_endpoint(world, home, f"-e acme --config {home / 'own'} {words}", "admin")


def _back_up(aws: Aws) -> None:
    """A plan that copies the database into the other region each hour, and a plan of somebody else's."""
    iam, arns = aws.client("iam", Side.PRIMARY), dict[Side, str]()
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "backup.amazonaws.com"}}
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(document([trust])))
    may = document([statement("All", "Allow", ["*"], ["*"], {})])
    iam.put_role_policy(RoleName=ROLE, PolicyName="own", PolicyDocument=json.dumps(may))
    for side, name in VAULTS.items():
        kms, vaults = aws.client("kms", side), aws.client("backup", side)
        key = kms.create_key(Description="vault")["KeyMetadata"]
        kms.enable_key_rotation(KeyId=key["KeyId"])
        created = vaults.create_backup_vault(BackupVaultName=name, EncryptionKeyArn=key["Arn"])
        arns[side] = created["BackupVaultArn"]
        vaults.put_backup_vault_lock_configuration(BackupVaultName=name, MinRetentionDays=7)
        vaults.create_backup_vault(BackupVaultName="of-another-team")
    rds, backups = aws.client("rds", Side.PRIMARY), aws.client("backup", Side.PRIMARY)
    (database,) = rds.describe_db_instances(DBInstanceIdentifier=DATABASE)["DBInstances"]
    lifecycle = {"Lifecycle": {"DeleteAfterDays": 35}}
    hourly = {
        "RuleName": "hourly",
        "TargetBackupVaultName": VAULTS[Side.PRIMARY],
        "ScheduleExpression": "cron(0 * * * ? *)",
        "StartWindowMinutes": 60,
        "CompletionWindowMinutes": 120,
        **lifecycle,
    }
    copied = {**hourly, "CopyActions": [{"DestinationBackupVaultArn": arns[Side.DR], **lifecycle}]}
    role = f"arn:aws:iam::{aws.env.account}:role/{ROLE}"
    for plan, rule, resource in (
        ("Another team", {**hourly, "TargetBackupVaultName": "of-another-team"}, "arn:aws:dynamodb:*:*:table/theirs"),
        (PLAN, copied, database["DBInstanceArn"]),
    ):
        id_ = backups.create_backup_plan(BackupPlan={"BackupPlanName": plan, "Rules": [rule]})["BackupPlanId"]
        selection = {"SelectionName": "own", "IamRoleArn": role, "Resources": [resource]}
        backups.create_backup_selection(BackupPlanId=id_, BackupSelection=selection)


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path]]:
    """Eight services upon PostgreSQL, its backups, the tool's own resources, and the settings that `init` wrote."""
    home, sit = tmp_path_factory.mktemp("orders"), load_environment(ROOT / "environments", "sit")
    with hosted(sit, 0, seeded=False) as world:
        admin = world.people["admin"]
        keys = (world.url, admin.access_key_id, admin.secret_access_key, world.account)
        build(*keys, database=True)
        _back_up(Aws(world.url, admin, sit, tenant=""))
        written = _run(world, home, f"init --yes --region {HOME}")
        assert Exit.READY == written.code, written.err
        file = home / "own" / "acme.toml"
        file.write_text(file.read_text(encoding="utf-8") + PEOPLE, encoding="utf-8")
        build_tool(*keys, _run(world, home, "iam operator").report)
        yield world, home


def test_scan_names_the_vault_that_the_plan_copies_to(orders: tuple[Endpoint, Path]) -> None:
    found = at_endpoint(*orders, "scan --format json", "admin").report
    (database,) = (store for store in found["stores"] if store["kind"] == "database")
    pairs = {(row["thing"]["kind"], row["thing"]["name"], row["thing"]["region"]) for row in database["counterparts"]}
    assert ("backup vault", VAULTS[Side.DR], AWAY) in pairs
    assert [] == found["gaps"]


def test_init_takes_plan_and_vaults_by_what_they_hold(orders: tuple[Endpoint, Path]) -> None:
    env = load_environment(orders[1] / "own", "acme")
    assert (PLAN, VAULTS) == (env.names.backup_plan, {side: backup.vault_name(env, side) for side in VAULTS})


def test_a_healthy_one_is_judged_and_lacks_a_restore_alone(orders: tuple[Endpoint, Path]) -> None:
    ran = _run(*orders, "status --format json")
    statuses = ran.statuses()
    red = {check for check, status in statuses.items() if status in ("fail", "unknown")}
    assert ("NORMAL", {"backup-jobs.restore-test-age"}) == (ran.report["posture"], red), ran.err
    judged = ("backup.vault-exists", "backup.vault-lock", "backup-plan.copies-to-dr", "backup-plan.covers-stores")
    assert {"pass"} == {statuses[check] for check in judged}


def test_a_run_may_pass_the_role_of_the_plan_alone(orders: tuple[Endpoint, Path]) -> None:
    """A failback backs up the database as the role of its copies, else of the plan."""
    world, home = orders
    admin, env = world.people["admin"], load_environment(home / "own", "acme")
    as_admin = Aws(world.url, admin, env, tenant="")
    credentials = as_admin.client("sts", Side.PRIMARY).assume_role(
        RoleArn=f"arn:aws:iam::{env.account}:role/{env.named(env.names.operator_role)}", RoleSessionName="run"
    )["Credentials"]
    backups = boto3.client(
        "backup",
        HOME,
        endpoint_url=world.url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    (database,) = as_admin.client("rds", Side.PRIMARY).describe_db_instances()["DBInstances"]

    def error_of(role: str) -> str:
        """The error of a backup that the operator's role starts, "" where it is taken."""
        arn = f"arn:aws:iam::{env.account}:role/{role}"
        try:
            backups.start_backup_job(
                BackupVaultName=VAULTS[Side.PRIMARY], ResourceArn=database["DBInstanceArn"], IamRoleArn=arn
            )
        except ClientError as refused:
            return str(refused.response["Error"]["Code"])
        return ""

    world.enforce_iam(True)
    try:
        assert {ROLE: "", "somebody": "AccessDeniedException"} == {role: error_of(role) for role in (ROLE, "somebody")}
    finally:
        world.enforce_iam(False)


def test_an_estate_of_backups_alone_relies_on_them(orders: tuple[Endpoint, Path]) -> None:
    """Last: the replica goes. No failed check of a mechanism it never had stops a recovery, or ends one invalid."""
    world, home = orders
    rds = Aws(world.url, world.people["admin"], load_environment(home / "own", "acme"), tenant="").client(
        "rds", Side.DR
    )
    rds.modify_db_instance(DBInstanceIdentifier=REPLICA, DeletionProtection=False, ApplyImmediately=True)
    rds.delete_db_instance(DBInstanceIdentifier=REPLICA, SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(
        DBInstanceIdentifier=REPLICA, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    written = at_endpoint(world, home, f"-e acme --config {home / 'alone'} init --yes --region {HOME}", "admin")
    assert Exit.READY == written.code, written.err
    assert ("backup-copy",) == load_environment(home / "alone", "acme").replication.database

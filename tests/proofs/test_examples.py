"""Each estate of examples/ is applied by the real Terraform to an empty sandbox, read, failed over and back.

No name is typed: what `scan`, `init` and the plans speak of is held against the ids in Terraform's state.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import load_environment
from dr_estate.config.map_file import map_path
from dr_estate.snapshot.observer import observe
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import HURRIED
from tests.dr_estate.scan.acme import AWAY, HOME, build_tool
from tests.hosting import hosted
from tests.proofs.faults_of_definitions import DEFINITIONS
from tests.proofs.mutations import MUTATIONS
from tests.proofs.test_equivalence import BEFORE, StrictWorld
from tests.proofs.watching import Watch, reader_of
from tests.real_terraform import find_provider, write_terraform
from tests.sampling import EXHAUSTIVE, every
from tests.utils.running import ROOT, Ran, at_endpoint, signed_in
from tests.utils.test_estate_of_paths import OF_THE_TOOL, PEOPLE, WAITING_SPEED
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = [pytest.mark.proof, pytest.mark.judge("terraform"), pytest.mark.judge("awscli")]

EXAMPLES, UNCHANGED = ROOT / "examples", 0
"""UNCHANGED: the exit code of `terraform plan -detailed-exitcode` without a difference."""
FAULTS = (*MUTATIONS, *(fault for fault in DEFINITIONS if fault.edge is NeedKind.LISTENER))
PLAYED = FAULTS if EXHAUSTIVE else every(3, FAULTS)


@dataclass(frozen=True)
class Example:
    """An estate of examples/: the environment it is given, its tenants, and the addresses of what stands for what.

    ``first`` is what comes before the whole is applied, ``untried`` what people accept until they have tried it.
    """

    folder: str
    environment: str
    tenants: int
    stores: tuple[tuple[str, str], ...]
    first: str = ""
    untried: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.folder


PATHS = Example(
    "paths",
    "parcel",
    8,
    (
        ("aws_dynamodb_table.orders", "aws_dynamodb_table.orders"),
        ("aws_dynamodb_table.baskets", "aws_dynamodb_table.baskets"),
        ("aws_s3_bucket.media", "aws_s3_bucket.media_copy"),
    ),
)

POSTGRES = Example("postgres", "harbor", 4, (("aws_db_instance.this", "aws_db_instance.replica"),))

BBWS = Example(
    "bbws",
    "bbws",
    3,
    (
        ('aws_dynamodb_table.this["tenant-state"]', 'aws_dynamodb_table.this["tenant-state"]'),
        ('aws_dynamodb_table.this["transaction-log"]', 'aws_dynamodb_table.this["transaction-log"]'),
        ("aws_s3_bucket.assets", "aws_s3_bucket.assets_copy"),
        ("aws_db_instance.this", "module.dr.aws_backup_vault.this"),
        ("module.primary.aws_efs_file_system.this", "module.dr.aws_efs_file_system.this"),
        ("module.primary.aws_efs_file_system.this", "module.dr.aws_backup_vault.this"),
        ("module.primary.aws_ecr_repository.this", "module.dr.aws_ecr_repository.this"),
    ),
    first="terraform apply -auto-approve -input=false -no-color -target=aws_ecr_replication_configuration.this; "
    "aws ecr put-image --region af-south-1 --repository-name bbws-wordpress --image-tag 6.6.2 "
    "--image-manifest file://image.json",
    untried=frozenset({"backup-jobs.restore-test-age"}),
)
"""The image is pushed before its services start, to registries that replicate."""


class Applied:
    """A folder in which Terraform applies an example to a world, and the settings that `init` writes beside it."""

    def __init__(self, example: Example, world: Endpoint, home: Path) -> None:
        self.example, self.world, self.home = example, world, home
        self.folder, self.words = home / example.folder, f"-e {example.environment} --config {home / 'own'}"
        mirror = home / "mirror" / "registry.terraform.io" / "hashicorp" / "aws"
        mirror.mkdir(parents=True)
        shutil.copy(find_provider(), mirror)
        write_terraform(home)
        (home / "rc").write_text(f'provider_installation {{ filesystem_mirror {{ path = "{home}/mirror" }} }}')
        shutil.copytree(EXAMPLES / example.folder, self.folder)
        sandbox = EXAMPLES / "sandbox"
        for file in (*sandbox.glob("*.tf"), *sandbox.glob(f"{example.folder}/*")):
            shutil.copy(file, self.folder)

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line in the folder as the admin of the world, with Terraform and the AWS CLI on the path."""
        variables = {
            **signed_in(self.world, "admin"),
            "TF_VAR_sandbox": self.world.url,
            "TF_CLI_CONFIG_FILE": str(self.home / "rc"),
            "CHECKPOINT_DISABLE": "1",
            "HOME": str(self.home),
            "PATH": f"{self.home}:{ROOT / '.tools' / 'awscli' / 'bin'}:/usr/bin:/bin",
        }
        return subprocess.run(
            ["/bin/sh", "-ec", command], cwd=self.folder, env=variables, capture_output=True, text=True, check=False
        )

    def terraform(self, words: str) -> str:
        """Run Terraform, which succeeds. Returns what it printed."""
        ran = self.shell(f"terraform {words}")
        assert 0 == ran.returncode, (ran.stdout + ran.stderr)[-3000:]
        return ran.stdout

    def ids(self) -> dict[str, str]:
        """The id of each resource of the state by its address."""
        state = json.loads(self.terraform("show -json"))["values"]["root_module"]
        modules = [state, *state.get("child_modules", ())]
        return {row["address"]: str(row["values"].get("id")) for module in modules for row in module["resources"]}

    def await_accelerated_recovery(self) -> None:
        """Route 53 switches it on some time after it was asked (T02): `status` is red until then."""
        zone, until = self.ids()["aws_route53_zone.this"], time.monotonic() + 120
        words = (
            f"aws route53 get-hosted-zone --region us-east-1 --id {zone} "
            "--query HostedZone.Features.AcceleratedRecoveryStatus"
        )
        while "ENABLED" not in self.shell(words).stdout:
            assert time.monotonic() < until, self.shell(words)
            time.sleep(1)

    def await_targets(self) -> None:
        """Tasks are healthy behind the load balancer some time after their services were made."""
        groups = [
            id_ for address, id_ in self.ids().items() if address.startswith("module.primary.aws_lb_target_group.")
        ]
        until = time.monotonic() + 240
        for group in groups:
            words = f"aws elbv2 describe-target-health --region {HOME} --target-group-arn {group}"
            while '"healthy"' not in self.shell(words).stdout:
                assert time.monotonic() < until, self.shell(words)
                time.sleep(1)

    def tool(self, words: str) -> Ran:
        """Run the tool on the example's environment."""
        return at_endpoint(self.world, self.home, f"{self.words} {words}", "admin")

    def execute(self, words: str) -> Ran:
        """Run a plan, which succeeds, with the confirmations of irreversible steps that its refusal prints."""
        ran = self.tool(f"{words} --execute --incident INC-1")
        if ran.code == Exit.REFUSED:
            confirmed = " ".join(re.findall(r"--confirm [\w/:*-]+", ran.out + ran.err))
            ran = self.tool(f"{words} --execute --incident INC-1 {confirmed}")
        assert Exit.READY == ran.code, ran.out + ran.err
        return ran


@pytest.fixture(scope="module", params=[PATHS, POSTGRES, BBWS], ids=str)
def applied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    example: Example = request.param
    with hosted(load_environment(ROOT / "environments", "sit"), 0, seeded=False) as world:
        found = Applied(example, world, tmp_path_factory.mktemp(example.folder))
        found.terraform("init -input=false -no-color")
        first = found.shell(example.first)
        assert 0 == first.returncode, first.stderr
        found.terraform("apply -auto-approve -input=false -no-color")
        settings = found.shell("terraform output -raw settings | sh -e")
        assert 0 == settings.returncode, settings.stderr
        found.await_accelerated_recovery()
        found.await_targets()
        yield found


def test_each_is_well_formatted(tmp_path: Path) -> None:
    write_terraform(tmp_path)
    ran = subprocess.run(
        [str(tmp_path / "terraform"), "fmt", "-check", "-recursive", "-diff", str(EXAMPLES)],
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("", 0) == (ran.stdout + ran.stderr, ran.returncode)


def test_a_second_plan_finds_nothing_to_change(applied: Applied) -> None:
    ran = applied.shell("terraform plan -input=false -no-color -detailed-exitcode")
    assert UNCHANGED == ran.returncode, ran.stdout[-3000:]


def test_scan_names_every_workload_and_store_with_its_counterpart(applied: Applied) -> None:
    ids, found = applied.ids(), at_endpoint(applied.world, applied.home, "scan --format json", "admin").report
    primary, dr = "module.primary.aws_ecs_service.", "module.dr.aws_ecs_service."
    services = {
        id_: ids[dr + address.removeprefix(primary)] for address, id_ in ids.items() if address.startswith(primary)
    }
    assert applied.example.tenants == len(services)
    assert services == {row["service"]["id"]: row["counterpart"]["thing"]["id"] for row in found["workloads"]}
    stores = {(_bare(ids[here]), _bare(ids[there])) for here, there in applied.example.stores}
    # Replicas of secrets and replicated backups are of no address in Terraform's state.
    known = {_bare(id_) for id_ in ids.values()}
    assert stores == {
        (_bare(row["thing"]["id"]), _bare(copy["thing"]["id"]))
        for row in found["stores"]
        for copy in row["counterparts"]
        if _bare(copy["thing"]["id"]) in known
    }
    assert all(row["counterparts"] for row in found["stores"])
    assert [] == found["gaps"]


def _bare(id_: str) -> str:
    """The name at the end of an ARN, which Terraform has for some resources alone."""
    return re.split("[/:]", id_)[-1]


def _red(ran: Ran) -> set[str]:
    return {check for check, status in ran.statuses().items() if status in ("fail", "unknown")}


@pytest.fixture(scope="module")
def described(applied: Applied) -> Applied:
    """The example with the settings that `init` writes, no name typed, and with what the tool asks for of its own."""
    written = applied.tool(f"init --yes --region {HOME}")
    assert Exit.READY == written.code, written.err
    assert OF_THE_TOOL | applied.example.untried == _red(applied.tool("status --format json"))
    _make_tool(applied)
    return applied


@pytest.fixture(scope="module")
def strict(described: Applied) -> StrictWorld:
    """The example as `init` described it, which can be broken and restored."""
    env = load_environment(described.home / "own", described.example.environment)
    described.world.keep(BEFORE)
    seen = observe(env, reader_of(described.world), "sandbox")
    return StrictWorld(Watch(described.world, env, seen), env.mapped_workloads)


@pytest.mark.parametrize("applied", [POSTGRES], ids=str, indirect=True)
def test_a_blocker_is_reported_exactly_where_the_recovery_serves_not_all(strict: StrictWorld) -> None:
    """As test_equivalence.py plays it of another estate: with names by region, paths on one host, and a replica."""
    assert ([], []) == strict.outcome((), "")
    played = dict[str, tuple[list[str], list[str]]]()
    for fault in PLAYED:
        # An estate without files or secrets has no fault of them.
        with suppress(ClientError, ParamValidationError, LookupError):
            played[fault.name] = strict.outcome((fault,), strict.tenants[-1])
    assert {} == {name: pair for name, pair in played.items() if bool(pair[0]) != bool(pair[1])}
    assert {True, False} == {bool(failures) for _, failures in played.values()}


def test_it_fails_over_and_back_with_no_name_typed(described: Applied) -> None:
    applied, example, world = described, described.example, described.world
    healthy = applied.tool("status --format json")
    assert set() == _red(healthy)
    assert ("NORMAL", [HOME], example.tenants) == _served(healthy.report)
    world.timing(**HURRIED)
    world.inject("primary-dark")
    applied.execute("failover")
    assert ("ON_DR", [AWAY], example.tenants) == _served(applied.tool("status --format json").report)
    world.repair("primary-dark")
    saved = map_path(applied.home / "own", example.environment)
    before = saved.read_text(encoding="utf-8")
    updated = applied.tool("init --update --yes")
    assert (Exit.USAGE, before) == (updated.code, saved.read_text(encoding="utf-8")), updated.out
    assert "stays as it is until the failback" in updated.err
    world.set_speed(WAITING_SPEED)
    applied.execute("failback --staged")
    assert ("NORMAL", [HOME], example.tenants) == _served(applied.tool("status --format json").report)


def _served(report: dict[str, Any]) -> tuple[str, list[str], int]:
    visitors = report["visitors"]
    return report["posture"], visitors["regions"], visitors["served"]


def _make_tool(applied: Applied) -> None:
    """What people write into the settings, and what deploy/ makes."""
    name, world = applied.example.environment, applied.world
    file, admin = applied.home / "own" / f"{name}.toml", world.people["admin"]
    text = file.read_text(encoding="utf-8").replace('dns_step = "manual"', 'dns_step = "automatic"')
    file.write_text(text + PEOPLE.replace("acme-runbooks", f"{name}-runbooks"), encoding="utf-8")
    until = datetime.now(UTC).date() + timedelta(days=30)
    entries = (
        f"""[[exception]]
check = "{check}"
subject = "{name}-*"
who = "a@{name}.example"
why = "the estate is new"
until = {until}
"""
        for check in applied.example.untried
    )
    (file.parent / "exceptions.toml").write_text("\n".join(entries), encoding="utf-8")
    policies = applied.tool("iam operator").report
    account = load_environment(file.parent, name).account
    build_tool(world.url, admin.access_key_id, admin.secret_access_key, account, policies, name)

"""Failover and failback where IAM is enforced: not one call is denied, and a failback that is killed goes on.

The failback is killed and resumed in the world that the failover left: every process dies at another of its calls, one
in the midst of a bake, one right after a stage was stepped back. It ends as the one nobody disturbed, with what people
wrote meanwhile. ``DR_FULL_KILLS=1`` kills it before and after each of its calls that change something, all in one world
and each in a world of its own, also where secrets and definitions that lead to the primary make more actions.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.guard.backup_first import syncs
from dr_actions.model.plan import Call
from dr_estate.config.environment import Side
from dr_estate.readers import rds, region_heartbeat
from dr_estate.readers.backup import vault_name
from dr_estate.snapshot.snapshot import Snapshot, to_json
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import KINDS, Writer, duplicates, missing
from sandbox.core.state import Outage
from tests.dr_actions.plain import with_part
from tests.proofs.conftest import HOME, Asked
from tests.proofs.dying import Make, When, at
from tests.proofs.enforced import SHORT, Enforced, Ran, Written
from tests.proofs.killing import Died, Ended, at_what_none_met, further_on, gone_on_with
from tests.proofs.processes import Process, until
from tests.proofs.rig import FULL, Rig
from tests.proofs.rough import (
    BACKING_UP,
    BACKUP,
    BEGUN,
    IN_EACH_BAKE,
    TO_THE_END,
    UNTIL_STEPPED_BACK,
    VERBS,
    WEIGHTS,
    Back,
    Death,
)
from tests.proofs.sent_home import SENT
from tests.utils.running import at_endpoint, rules
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

pytestmark = pytest.mark.proof

Seen = Callable[[Snapshot], Snapshot]
AT_ONCE = {BACKUP, "s3:CopyObject", "dynamodb:PutItem", "dynamodb:DeleteItem"}
A_DAY_S = 86400  # the lease of each process that died before is over
everywhere = pytest.mark.skipif(not FULL, reason="DR_FULL_KILLS=1 asks for it")


@dataclass
class Rough:
    """The run ``name`` of the failback that is ``due``: where its processes died, and how the last one ended."""

    of: Enforced
    due: Rig
    written: Written
    name: str = "rough"
    died: Died = field(default_factory=list)
    ended: Ended = field(init=False)

    def goes_on_until(self, where: Sequence[Death]) -> None:
        """Let its processes die there. After a death within a bake the primary region's tasks are stopped."""
        self.ended = gone_on_with(self.due, self.name, self.dies(where), self.died, self._met)
        self.died = self.ended.died

    def _met(self, process: Process) -> None:
        self.written.writer.write_one()
        when, name = process.died
        if BACKUP in name:
            self.of.world.keep(BEGUN if when is When.BEFORE else BACKING_UP)
        if self.due.goes_on(self.name, "traffic/shift_to_primary"):
            self.tasks_at_home(0)

    def dies(self, where: Sequence[Death]) -> Callable[[Died], Make]:
        """The next process dies at the next of these; the one after the last lives."""

        def next_death(died: Died) -> Make:
            if len(died) == len(where):
                return MutatingClient
            when, name, nth = where[len(died)]
            further = partial(self.due.goes_on, self.name, VERBS.get(name, ""))
            return at(nth, when, lambda call: call.name == name, further)

        return next_death

    def returned(self, state: str) -> Endpoint:
        """The world as it was kept, and none of its calls counted."""
        world = self.of.world
        world.end()
        world.return_to(state)
        world.reset_mutations()
        return world

    def synced(self) -> list[str]:
        """The calls that copied data to the primary region, or made way for that."""
        calls = (Call(m["service"], m["operation"], m["region"], m["params"]) for m in self.of.world.mutations())
        return [call.name for call in calls if syncs(call, self.of.env)]

    def tasks_at_home(self, wanted: int) -> None:
        """Somebody lets the tenant's service in the primary region run so many tasks."""
        aws, names = self.of.aws("admin"), self.of.env.names
        cluster, service = aws.named(names.cluster), aws.named(names.service)
        ecs = aws.client("ecs", Side.PRIMARY)
        ecs.update_service(cluster=cluster, service=service, desiredCount=wanted)
        ends = time.monotonic() + 600
        while ecs.describe_services(cluster=cluster, services=[service])["services"][0]["runningCount"] != wanted:
            assert time.monotonic() < ends, f"{service} does not run {wanted} tasks"
            time.sleep(0.1)

    def weights(self) -> list[int]:
        """The weights that were sent for the primary region's record, in order."""
        sent = (row for row in self.of.world.mutations() if row["operation"] == WEIGHTS.partition(":")[2])
        changes = (change for row in sent for change in row["params"]["ChangeBatch"]["Changes"])
        records = (change["ResourceRecordSet"] for change in changes)
        home = self.of.env.traffic.primary_set_identifier
        return [record["Weight"] for record in records if record["SetIdentifier"] == home]

    @property
    def besides(self) -> dict[str, int]:
        """What is sent beside an undisturbed run's: the step back and the half again, the alarm, and tasks by hand."""
        primary, dr, everywhere = (self.of.env.region(side) for side in (Side.PRIMARY, Side.DR, Side.GLOBAL))
        return {f"{everywhere} {WEIGHTS}": 2, f"{dr} sns:Publish": 1, f"{primary} ecs:UpdateService": 2}


def test_a_failover_is_run_without_one_call_denied(enforced: Enforced, away: Ran) -> None:
    assert (away.code, away.denied) == (0, []), away.said
    assert [
        mutation
        for mutation in enforced.world.mutations()
        if mutation["person"] == "operator" and not mutation["control"]
    ]


def test_the_failback_after_it_sends_each_call_where_policies_expect_it(
    scenario: Asked, enforced: Enforced, back: Back, written: Written
) -> None:
    assert (back.ran.code, back.ran.denied) == (scenario.ends, []), back.ran.said
    assert written.is_primary()
    markers = enforced.world.markers()
    assert markers[enforced.env.regions.primary] == []
    assert [store for store in markers[enforced.env.regions.dr] if "sit-mysql-before-" not in store] == []
    plan, regions = enforced.plan, enforced.env.region
    assert plan.goal == "failback"
    calls = [(step.action, step.call) for step in plan.steps if step.call is not None]
    assert {
        "backup/create_backups",
        "objects/copy_to_primary",
        "database/replicate_to_primary",
        "files/allow_overwrite_primary",
        "database/promote_primary",
        "database/rename_old_primary",
    } <= {action for action, _ in calls}
    strayed = [
        (action, call.name, call.region)
        for action, call in calls
        if call.region not in {regions(side) for side in SENT[action][call.name]}
    ]
    assert [] == strayed


def test_the_failback_copies_nothing_over_the_live_terraform_state(enforced: Enforced, back: Back) -> None:
    state, copy = (enforced.terraform_state(side) for side in (Side.PRIMARY, Side.DR))
    assert "objects/copy_to_primary" in {step.action for step in enforced.plan.steps}, back.ran.said
    assert [] == [step.id for step in enforced.plan.steps if state["Bucket"] in step.id]
    home = enforced.aws("admin").client("s3", Side.PRIMARY)
    serials = [json.loads(home.get_object(**location)["Body"].read())["serial"] for location in (state, copy)]
    assert [214, 900] == serials
    versions = home.list_object_versions(Bucket=state["Bucket"], Prefix=state["Key"])["Versions"]
    assert 1 == len(versions), "a run wrote to the live state"


@pytest.fixture(scope="module")
def rough(scenario: Asked, enforced: Enforced, due: Rig, back: Back, written: Written) -> Rough:
    """A failback whose processes died at backup, sync, freeze, promotion and in a bake, until it stepped back."""
    assert back.ran.code == scenario.ends, back.ran.said
    rough_failback = Rough(enforced, due, written)
    due.begin()
    rough_failback.goes_on_until(UNTIL_STEPPED_BACK)
    return rough_failback


def test_a_failed_gate_at_half_returns_to_a_tenth_with_exit_6_after_a_kill(
    rough: Rough,
) -> None:
    assert Exit.VALIDATION_FAILED == rough.ended.code, rough.ended.last.said
    line = rough.ended.last.said.splitlines()[-1]
    assert line.startswith("stepped back: A gate failed, and traffic went back to the last good weights: ")
    assert "traffic/shift_to_primary:50: gate.targets: too few healthy targets in af-south-1: " in line
    assert "Writes: the database of af-south-1 alone takes them. It is past its point of no return (entry " in line
    assert [10, 50, 10] == rough.weights()


def test_the_same_command_goes_on_from_a_tenth_and_ends_as_undisturbed(
    enforced: Enforced, rough: Rough, back: Back, written: Written
) -> None:
    rough.tasks_at_home(enforced.env.capacity.tasks_per_service)
    rough.goes_on_until(TO_THE_END)
    assert [10, 50, 10, 50, 100] == rough.weights()
    assert written.is_primary()
    back.undisturbed.same(rough.name, rough.ended, rough.besides)
    assert [] == enforced.world.denied()


def test_a_failed_gate_at_half_leaves_one_writer_without_loss_or_doubles(
    scenario: Asked, enforced: Enforced, due: Rig, written: Written, tmp_path: Path
) -> None:
    """By the command line, from another machine, with a writer all the time: the same command then finishes it."""
    due.begin()
    config = rules(tmp_path, "sit", enforced.settings.replace("bake_minutes = 0.01", "bake_minutes = 0.03"))
    elsewhere, world = replace(enforced, home=tmp_path), Rough(enforced, due, written, "half")
    with Writer(enforced.world, enforced.env, 0.1, "all the time") as writer:
        run = elsewhere.begin("failback", HOME, "--staged")
        fails_at_half(run, world)
        assert Exit.VALIDATION_FAILED == run.wait(), run.said
        assert [10, 50, 10] == world.weights()
        stepped_back(run.said)
        status = at_endpoint(enforced.world, tmp_path, f"-e sit --config {config} status", "reader")
        assert "Writes: the database of af-south-1 alone takes them." in " ".join(status.out.split())
        world.tasks_at_home(enforced.env.capacity.tasks_per_service)
        ran = elsewhere.execute("failback", HOME, "--staged")
    assert (scenario.ends, []) == (ran.code, ran.denied), ran.said
    assert [10, 50, 10, 50, 100] == world.weights()
    one_region_at_a_time(writer, enforced)
    assert [] == missing(writer.sites, writer.written, enforced.env.regions.primary)
    assert [] == duplicates(writer.sites, enforced.env.regions.primary)


def fails_at_half(run: Process, world: Rough) -> None:
    """Stop the primary region's tasks as soon as half of the visitors are led there; the run stands still meanwhile."""
    until(lambda: world.weights()[-1:] == [50], run)
    os.kill(run.pid, signal.SIGSTOP)
    world.tasks_at_home(0)
    os.kill(run.pid, signal.SIGCONT)


def stepped_back(screen: str) -> None:
    """The screen says first what became of the run, who writes, and never that the writer be fenced."""
    last = " ".join(screen.split())
    assert "STEPPED BACK: A gate failed, and traffic went back to the last good weights: " in last
    assert "traffic/shift_to_primary:50: gate.targets: too few healthy targets in af-south-1: sit-tenant-1-" in last
    assert "Writes: the database of af-south-1 alone takes them. It is past its point of no return (entry " in last
    assert "Posture: RETURNING Answer: STEPPED BACK, exit 6" in last
    assert "fence --side" not in last


def one_region_at_a_time(writer: Writer, of: Enforced) -> None:
    """No row and no file was acknowledged by the DR region after the first that the primary took."""
    order = [of.env.regions.dr, of.env.regions.primary]
    for kind in KINDS:
        rows = sorted((datetime.fromisoformat(row.at), row.region) for row in writer.written if row.kind == kind)
        regions = [region for _, region in rows]
        assert set(order) == set(regions), writer.refused
        assert regions == sorted(regions, key=order.index), f"{kind} were written in both regions at once"


def test_without_a_backup_of_this_run_nothing_is_synced(rough: Rough) -> None:
    """The backup is refused while complete points of before the run stand in the vault."""
    world, dr = rough.returned(BEGUN), rough.of.env.region(Side.DR)
    older = (
        rough.of.aws("reader")
        .client("backup", Side.DR)
        .list_recovery_points_by_backup_vault(BackupVaultName=vault_name(rough.of.env, Side.DR))["RecoveryPoints"]
    )
    assert "COMPLETED" in {point["Status"] for point in older}
    world.begin(Outage(dr, "deny", "backup", "StartBackupJob", person="operator"))
    run = rough.due.run("refused", later_s=A_DAY_S)
    assert Exit.ACTION_FAILED == run.wait(), run.said
    assert "failed: backup/create_backups:dr-" in run.said
    assert [] == rough.synced()


def test_a_backup_that_fails_ends_the_run_before_anything_is_synced(rough: Rough) -> None:
    rough.returned(BACKING_UP).inject("backup-fails")
    run = rough.due.run("failed", later_s=A_DAY_S)
    assert Exit.ACTION_FAILED == run.wait(), run.said
    assert re.search(r"failed: backup/create_backups:primary-database: The backup of .* is FAILED", run.said)
    assert (
        "Writes: the database of eu-west-1 alone takes them; that of af-south-1 would, but no tenant's task runs there."
        in run.said
    )
    assert [] == rough.synced()


def test_while_a_backup_is_not_complete_nothing_is_synced(rough: Rough) -> None:
    """The run is stopped by SIGTERM meanwhile, and ends as interrupted."""
    rough.returned(BEGUN).timing(transition_s=A_DAY_S)
    run = rough.due.run("incomplete", later_s=A_DAY_S)
    until(lambda: rough.due.goes_on("incomplete", "backup/create_backups"), run)
    with pytest.raises(AssertionError):
        until(lambda: bool(rough.synced()), run, limit_s=0.5)
    os.kill(run.pid, signal.SIGTERM)
    assert Exit.INTERRUPTED == run.wait(), run.said
    assert [] == rough.synced()
    rough.of.world.timing(transition_s=0.1)


@everywhere
def test_a_failback_killed_around_each_change_ends_as_undisturbed(back: Back) -> None:
    """But for those that leave at once: what left beside the one after which a process died is not sent again."""
    undisturbed = back.undisturbed
    died = undisturbed.survives("mutations", at_what_none_met)
    before, after = ({name for when, name in died if when is which} for which in (When.BEFORE, When.AFTER))
    assert Counter(call.partition(" {")[0] for call in undisturbed.calls.elements()) == Counter(
        name.rpartition(" ")[0] for name in before
    )
    assert len(before) + len(after) == len(died)
    assert {name.split()[1] for name in before - after} <= AT_ONCE
    assert undisturbed.operations == {name.split()[1] for name in after}


@everywhere
def test_a_failback_killed_in_each_bake_ends_as_if_undisturbed(
    enforced: Enforced, due: Rig, back: Back, written: Written
) -> None:
    died = back.undisturbed.survives("bakes", Rough(enforced, due, written, "bakes").dies(IN_EACH_BAKE))
    assert [When.LATER] * len(IN_EACH_BAKE) == [when for when, _ in died]


@everywhere
def test_a_failback_killed_between_its_records_ends_as_if_undisturbed(back: Back) -> None:
    died = back.undisturbed.survives("records", further_on(step=5))
    assert {"dynamodb:TransactWriteItems"} < {name.split()[1] for _, name in died}


@everywhere
def test_a_failback_killed_at_one_point_alone_ends_as_if_undisturbed(back: Back) -> None:
    back.undisturbed.survives_each_alone(back.undisturbed.points)


def test_a_call_that_the_policies_do_not_allow_is_recorded_as_denied(enforced: Enforced) -> None:
    assert [] == enforced.world.denied()
    with pytest.raises(ClientError, match="AccessDenied"):
        enforced.aws("operator").client("rds", Side.PRIMARY).delete_db_instance(
            DBInstanceIdentifier="sit-mysql", SkipFinalSnapshot=True
        )
    assert ["rds:DeleteDBInstance"] == [entry["action"] for entry in enforced.world.denied()]


def beats(snapshot: Snapshot, *silent: int) -> Snapshot:
    """The primary region published its metrics in each of the last minutes, but for those so long ago."""
    now = snapshot.taken_at.replace(second=0, microsecond=0)
    minutes = tuple(now - timedelta(minutes=ago) for ago in (5, 4, 3, 2, 1) if ago not in silent)
    return with_part(snapshot, region_heartbeat.minutes, Side.PRIMARY, minutes)


def follows(snapshot: Snapshot) -> Snapshot:
    """The database of the DR region replicates the primary's: it is the older one."""
    (here,), (there,) = (snapshot.get(rds.instances, side) for side in (Side.DR, Side.PRIMARY))
    return with_part(beats(snapshot), rds.instances, Side.DR, (replace(here, source=there.arn),))


@pytest.mark.parametrize(
    ("seen", "code", "answer", "reason"),
    [
        (beats, Exit.READY, "PROCEED", " gates pass."),
        (
            lambda snapshot: beats(snapshot, 2),
            Exit.NOT_READY,
            "WAIT",
            "primary.primary_stable: af-south-1 has been stable for 1 of 2 minutes, for all of them at ",
        ),
        (
            follows,
            Exit.NOT_READY,
            "WAIT",
            "direction.database: sit-mysql in eu-west-1 is a replica of arn:aws:rds:af-south-1:815856636111:db:"
            "sit-mysql: the newer data is not there, nothing is to be copied back.",
        ),
    ],
    ids=["calm", "flaps", "is newer"],
)
def test_a_failback_waits_for_a_flapping_or_newer_primary_with_the_reason(
    due: Rig, capsys: pytest.CaptureFixture[str], seen: Seen, code: Exit, answer: str, reason: str
) -> None:
    """The same estate, seen otherwise, and assessed by the command line."""
    evidence = due.home / "seen.json"
    evidence.write_bytes(to_json(seen(due.start.snapshot)))
    config = rules(due.home, "sit", SHORT.replace("stable_minutes = 0", "stable_minutes = 2"))
    words = ["-e", "sit", "--config", str(config), "--output", str(due.home / "out"), "--format", "json"]
    ended = run_command(parse([*words, "failback", "--staged", "--from-evidence", str(evidence)]))
    document = json.loads(capsys.readouterr().out)
    assert (code, answer) == (ended, document["recommendation"]), document["reasons"]
    assert [text for text in document["reasons"] if reason in text], document["reasons"]

"""A lone operator with the operator's keys, IAM enforced: no journal that they can write runs a plan in PROD."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_actions.authorization.clearance import Clearance
from dr_actions.journal.entries import Entry, EntryKind, entry_after, genesis
from dr_actions.model.plan import Plan, to_json
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.dynamodb_values import encode_item, instant
from dr_estate.model.world_id import WorldId
from sandbox.client.embedded import HURRIED
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws
from tests.utils.forking import begin
from tests.utils.running import Ran, at_endpoint, command_of, direct_rules, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.assessment import assess
from utils.aws_mgmt.app.incident_record import clearance_to_json
from utils.aws_mgmt.app.options import FailoverOptions
from utils.aws_mgmt.app.target import ObservedWorld
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse
from utils.aws_mgmt.cli.terminal import Terminal

QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\nlease_s = 2\n[observation]\nattempts = 1"
INCIDENT = "INC-123"
PATIENCE_S = 150
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
EXECUTE = f"failover --execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs"


@dataclass(frozen=True)
class Prod:
    """A PROD whose primary region is lost and whose IAM judges every call; ``plan`` is what a failover would do."""

    world: Endpoint
    home: Path
    env: Environment
    plan: Plan
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, words: str, person: str = "operator", config: Path | None = None) -> Ran:
        """Run a command here, as ``person``, by the rules of ``config`` (the ones that are pinned)."""
        for name, value in (signed_in(self.world, person) | {"XDG_STATE_HOME": str(self.home)}).items():
            self.monkeypatch.setenv(name, value)
        folder = config or self.home / "environments"
        options = ["-e", "prod", "--config", str(folder), "--output", str(self.home / "out")]
        code = run_command(parse([*options, *words.split()]))
        output = self.capsys.readouterr()
        return Ran(code, output.out, output.err)

    def arn(self, person: str) -> str:
        """A person's ARN."""
        return f"arn:aws:iam::{self.env.account}:user/{person}"

    def begun(self, ago: timedelta = timedelta(0), plan: Plan | None = None) -> Entry:
        """The beginning of a run that was never authorised; it names the approver all the same."""
        plan, world = plan or self.plan, self.here
        operator, approver = self.arn("operator"), self.arn("approver")
        clearance = Clearance("prod", INCIDENT, operator, approver, plan.digest, datetime.now(UTC) + HOUR, ())
        data = {"plan": to_json(plan), "digest": plan.digest, "clearance": clearance_to_json(clearance)}
        data |= {"world": world.to_json()}
        return entry_after(
            genesis("prod", INCIDENT, world), 1, datetime.now(UTC) - ago, "forged", EntryKind.BEGIN, None, data
        )

    @property
    def here(self) -> WorldId:
        """This world, as commands name it."""
        return WorldId.live(self.env.account, self.world.url)

    @property
    def journal(self) -> Path:
        """The journal of the incident on this machine."""
        return self.home / "out" / "incidents" / self.here.folder / f"prod-{INCIDENT}.journal.jsonl"

    def forge_file(self, entry: Entry) -> None:
        """Write the journal's file."""
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        self.journal.write_text(entry.line + "\n", encoding="utf-8")

    def forge_mirror(self, entry: Entry) -> None:
        """Write the journal's mirror, by plain calls with the operator's keys."""
        item = {"pk": f"JOURNAL#{INCIDENT}", "sk": f"{entry.seq:09d}", "digest": entry.digest, "text": entry.line}
        self.put("operator", {**item, "packed": False, "pieces": 1})

    def approve(self, ago: timedelta, digest: str, rules_digest: str = "") -> None:
        """Approve a plan for an hour, ``ago``, by plain calls with the approver's keys.

        Without ``rules_digest`` as an earlier version did, which named no rules.
        """
        userid = self.aws("admin").client("iam", Side.GLOBAL).get_user(UserName="approver")["User"]["UserId"]
        times = {"at": instant(datetime.now(UTC) - ago), "expires_at": instant(datetime.now(UTC) - ago + HOUR)}
        who = {"pk": f"APPROVAL#{userid}", "sk": INCIDENT, "arn": self.arn("approver"), "person": "approver"}
        named = {"rules": rules_digest} if rules_digest else {}
        self.put("approver", {**who, "plan": digest, "environment": "prod", **times, "withdrawn_at": "", **named})

    def put(self, person: str, item: dict[str, Any]) -> None:
        """Put an item into the control table as ``person``."""
        table = self.env.named(self.env.names.control_table)
        self.aws(person).client("dynamodb", Side.DR).put_item(TableName=table, Item=encode_item(item))

    def aws(self, person: str) -> Aws:
        """Plain clients of a person."""
        return Aws(self.world.url, self.world.people[person], self.env, tenant="")

    def refuses(self, reason: str) -> None:
        """Going on is refused by the rule, for that reason, and nothing at all was written anywhere."""
        self.world.reset_mutations()
        before = self.journal.read_bytes() if self.journal.exists() else b""
        ran = self.run(EXECUTE)
        assert (ran.code, ran.out) == (4, ""), ran.err
        assert "authority.approval: " in ran.err
        assert reason in ran.err
        assert [] == self.world.mutations()
        assert before == (self.journal.read_bytes() if self.journal.exists() else b"")


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path, Environment, Plan]]:
    home = tmp_path_factory.mktemp("prod")
    folder = direct_rules(home, "prod", QUICK)
    shipped = (folder / "prod.toml").read_text(encoding="utf-8")
    (folder / "prod.toml").write_text(shipped.replace('dns_step = "manual"', 'dns_step = "automatic"'))
    env = load_environment(folder, "prod")
    with borrowed(env, 1) as world:
        world.timing(**HURRIED)
        world.inject("primary-dark")
        world.enforce_iam(True)
        pinned = at_endpoint(world, home, f"-e prod --config {folder} approve --rules", "approver")
        assert pinned.code == 0, pinned.err
        keys = world.people["operator"]
        reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
        here = ObservedWorld(WorldId.live(env.account, world.url), reader)
        run = evaluation.CommandRun(home, Terminal())
        options = FailoverOptions(environment="prod", config=folder)
        assessment = assess(options, env, evaluation.observe_world(here, env, run), run).assessment
        assert assessment is not None
        world.keep("lost")
        yield world, home, env, assessment.plan


@pytest.fixture
def prod(
    lost: tuple[Endpoint, Path, Environment, Plan], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Prod]:
    prod_world = Prod(*lost, monkeypatch, capsys)
    yield prod_world
    prod_world.journal.unlink(missing_ok=True)
    prod_world.world.return_to("lost")


EVERYTHING = """[[exception]]
check = "prerequisites.control-table"
subject = "*"
who = "operator"
why = "it is fine"
until = 2099-12-31
"""
ALONE = {"people = 2": "people = 1"}
APPROVES_ITSELF = {
    'approvers = ["approver"]': 'approvers = ["somebody"]',
    "approver = [": 'somebody = ["arn:aws:iam::093646564004:user/operator"]\napprover = [',
}


@pytest.mark.proof
@pytest.mark.parametrize(
    ("edits", "exceptions", "named"),
    [
        pytest.param(ALONE, "", "approvals.people is 1 (pinned: 2)", id="one person"),
        pytest.param(
            APPROVES_ITSELF,
            "",
            'approvals.approvers is ["somebody"] (pinned: ["approver"])',
            id="another approver",
        ),
        pytest.param(
            {"rpo_minutes = 60": "rpo_minutes = 600000"},
            "",
            "objectives.rpo_minutes is 600000 (pinned: 60)",
            id="an easier objective",
        ),
        pytest.param(
            {},
            EVERYTHING,
            "the exception of prerequisites.control-table for * until 2099-12-31 is not pinned",
            id="an exception for all",
        ),
    ],
)
def test_other_rules_than_the_pinned_ones_run_nothing_and_are_named(
    prod: Prod, tmp_path: Path, edits: dict[str, str], exceptions: str, named: str
) -> None:
    config = direct_rules(tmp_path, "prod", "")
    text = (prod.home / "environments" / "prod.toml").read_text(encoding="utf-8")
    for pinned, edited in edits.items():
        assert pinned in text
        text = text.replace(pinned, edited)
    (config / "prod.toml").write_text(text, encoding="utf-8")
    (config / "exceptions.toml").write_text(exceptions, encoding="utf-8")
    prod.approve(MINUTE, prod.plan.digest)
    prod.world.reset_mutations()
    ran = prod.run(EXECUTE, config=config)
    assert (ran.code, ran.out) == (4, ""), ran.err
    assert "authority.rules: these are not the rules that are pinned for prod by approver" in ran.err
    assert named in ran.err
    assert "approve --rules" in ran.err
    assert [] == prod.world.mutations()


@pytest.mark.proof
def test_where_nobody_pinned_rules_a_file_for_one_person_runs_nothing(prod: Prod, tmp_path: Path) -> None:
    """The account's own control table asks for two, by a tag that IAM lets no operator write."""
    config = direct_rules(tmp_path, "prod", "")
    (config / "prod.toml").write_text(
        (prod.home / "environments" / "prod.toml").read_text(encoding="utf-8").replace("people = 2", "people = 1")
    )
    table = prod.aws("admin").client("dynamodb", Side.DR)
    name = prod.env.named(prod.env.names.control_table)
    for pin in table.scan(TableName=name)["Items"]:
        table.delete_item(TableName=name, Key={key: pin[key] for key in ("pk", "sk")})
    prod.world.reset_mutations()
    ran = prod.run(EXECUTE, config=config)
    assert (ran.code, ran.out, prod.world.mutations()) == (4, "", []), ran.err
    assert "authority.people: the tag dr:people of prod-dr-control asks for 2 people" in ran.err
    arn = table.describe_table(TableName=name)["Table"]["TableArn"]
    operator = prod.aws("operator").client("dynamodb", Side.DR)
    with pytest.raises(ClientError, match="AccessDenied"):
        operator.tag_resource(ResourceArn=arn, Tags=[{"Key": "dr:people", "Value": "1"}])
    with pytest.raises(ClientError, match="AccessDenied"):
        operator.untag_resource(ResourceArn=arn, TagKeys=["dr:people"])


def test_who_is_no_approver_pins_no_rules(prod: Prod) -> None:
    ran = prod.run("approve --rules")
    assert (ran.code, "operator" in ran.err, "Nothing was written" in ran.err) == (4, True, True), ran.err


def test_iam_keeps_the_operator_from_pinning_rules_by_plain_calls(prod: Prod) -> None:
    userid = prod.aws("admin").client("iam", Side.GLOBAL).get_user(UserName="operator")["User"]["UserId"]
    for owner in (userid, "AIDASOMEBODY"):
        with pytest.raises(ClientError, match="AccessDenied"):
            prod.put("operator", {"pk": f"APPROVAL#{owner}", "sk": "#RULES", "digest": "0" * 64})


@pytest.mark.proof
def test_a_malformed_stop_switch_holds_all_runs_and_is_told_with_its_remedy(prod: Prod) -> None:
    prod.put("operator", {"pk": "STANDING", "sk": "PAUSE", "closed_at": "", "why": "no more than this"})
    prod.world.reset_mutations()
    ran = prod.run(EXECUTE)
    assert (ran.code, [], "unpause" in ran.err) == (4, prod.world.mutations(), True), ran.err
    assert "control.item: The item STANDING / PAUSE of the control table cannot be read" in ran.err
    assert prod.run("unpause").code == 0
    assert "control.item" not in prod.run(EXECUTE).err


def test_an_approval_given_under_other_rules_allows_nothing(prod: Prod) -> None:
    prod.approve(10 * MINUTE, prod.plan.digest, rules_digest="0" * 64)
    prod.forge_mirror(prod.begun(ago=MINUTE))
    prod.refuses("it was given under other rules (000000000000, now ")


def test_a_forged_journal_on_the_operators_disk_runs_nothing(prod: Prod) -> None:
    prod.forge_file(prod.begun())
    prod.refuses("the control table holds no approval that allows it")


def test_a_forged_mirror_that_iam_lets_the_operator_write_runs_nothing(prod: Prod) -> None:
    prod.forge_mirror(prod.begun(ago=MINUTE))
    prod.refuses("the control table holds no approval that allows it")


def test_an_approval_that_was_withdrawn_allows_nothing_any_more(prod: Prod) -> None:
    prod.approve(10 * MINUTE, prod.plan.digest)
    prod.forge_mirror(prod.begun(ago=MINUTE))
    withdrawn = prod.run(f"approve --withdraw --incident {INCIDENT}", "approver")
    assert (withdrawn.code, "withdrew every approval of INC-123" in withdrawn.out) == (0, True), withdrawn.err
    prod.refuses("the control table holds no approval that allows it")
    again = prod.run("approve --withdraw --incident INC-9", "approver")
    assert (again.code, "approver approved nothing of INC-9" in again.err) == (4, True)


def test_an_approval_of_another_plan_allows_no_other(prod: Prod) -> None:
    prod.approve(10 * MINUTE, prod.plan.digest)
    prod.forge_mirror(prod.begun(plan=replace(prod.plan, steps=prod.plan.steps[1:])))
    prod.refuses("it is for another plan")


@pytest.mark.proof
def test_an_approval_made_after_the_beginning_does_not_reach_back(prod: Prod) -> None:
    prod.forge_mirror(prod.begun(ago=MINUTE))
    approved = prod.run(f"approve --incident {INCIDENT}", "approver")
    assert (approved.code, prod.plan.digest[:12] in approved.out) == (0, True), approved.err
    prod.refuses("it was made at")


@pytest.mark.parametrize(
    ("approved", "began", "reason"),
    [(30 * HOUR, 29.5 * HOUR, "approvals.resume_hours"), (3 * HOUR, MINUTE, "it expired at")],
)
def test_an_old_approval_allows_no_new_beginning_and_no_endless_going_on(
    prod: Prod, approved: timedelta, began: timedelta, reason: str
) -> None:
    prod.approve(approved, prod.plan.digest)
    prod.forge_mirror(prod.begun(ago=began))
    prod.refuses(reason)


@pytest.mark.proof
def test_a_run_that_changed_nothing_yet_is_weighed_anew_before_it_goes_on(prod: Prod) -> None:
    prod.approve(10 * MINUTE, prod.plan.digest)
    prod.forge_mirror(prod.begun(ago=MINUTE))
    prod.world.repair("primary-dark")
    prod.world.reset_mutations()
    ran = prod.run(EXECUTE)
    assert (ran.code, ran.out) == (4, ""), ran.err
    assert "posture.expected: the primary region answers, runs its tasks" in ran.err
    assert "authority.approval" not in ran.err
    assert [] == prod.world.mutations()


@pytest.mark.proof
def test_a_run_that_was_truly_approved_and_killed_goes_on_and_ends_done(prod: Prod) -> None:
    options = f"-e prod --config {prod.home / 'environments'}"
    assert at_endpoint(prod.world, prod.home, f"{options} approve --incident {INCIDENT}", "approver").code == 0
    prod.world.reset_mutations()
    command, variables = command_of(f"{options} {EXECUTE}", prod.home, **signed_in(prod.world, "operator"))
    run = begin(command, variables, prod.home / "said")
    until = time.monotonic() + PATIENCE_S
    while run.goes_on and time.monotonic() < until and not _restored(prod):
        time.sleep(0.05)
    run.kill()
    assert _restored(prod), run.err
    again = at_endpoint(prod.world, prod.home, f"{options} approve --incident {INCIDENT}", "approver")
    assert again.code == 0, "an approval of what is left does not take the first one away"
    on = at_endpoint(prod.world, prod.home, f"{options} --format json {EXECUTE}", "operator")
    assert (on.code, on.report["run"]["outcome"]) == (0, "done"), on.err
    assert on.report["run"]["approver"] == prod.arn("approver")
    assert (
        len(
            [
                mutation
                for mutation in prod.world.mutations()
                if mutation["operation"] == "RestoreDBInstanceToPointInTime"
            ]
        )
        == 1
    )
    assert [] == prod.world.denied()


def _restored(prod: Prod) -> bool:
    return any(mutation["operation"] == "RestoreDBInstanceToPointInTime" for mutation in prod.world.mutations())

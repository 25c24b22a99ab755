"""The command: what it costs, whether it may begin, the scenes in order, the answers, and the taking away."""

from __future__ import annotations

import argparse
import json
import re
import secrets
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from truth_kit import callers, databases, files, rights, services, tasks
from truth_kit.account import TAG, Account, TooLate
from truth_kit.cleaning import clean, inventory
from truth_kit.scene import Scene, Value
from truth_kit.surroundings import TerraformFails, build, destroy

ABOUT = """Ask a throw-away AWS account what its documentation does not settle, and write the answers for the sandbox.

    python deploy/truth/ask.py --primary af-south-1 --dr eu-west-1 --throw-away 123456789012

Prints what it costs and how long it takes, and asks before it begins. Everything it makes bears the tag dr-truth and is
taken away at the end; `--clean RUN` takes away what an interrupted run left. Needs boto3 and Terraform (or OpenTofu).
"""
QUESTIONS = Path(__file__).parents[3] / "sandbox" / "truth.json"
PRICED = "list prices of us-east-1, 2026: db.t4g.micro 0.016 USD an hour, gp3 0.115 and EFS 0.30 USD a GB-month"
AROUND_MINUTES, AROUND_DOLLARS = 5, 0.02  # two keys by the hour, two vaults, a network without gateways
CLEANING_MINUTES = 15
OK, OPEN, REFUSED, LEFT, INTERRUPTED = 0, 1, 2, 3, 130

SCENES = (
    Scene(
        "a read replica",
        ("rds.replica-retention-days", "rds.promotion-reboots", "rds.promoted-retention-days"),
        60, 0.06, "two instances for an hour", databases.ask_of_a_replica,
    ),
    Scene(
        "replicated automated backups",
        ("rds.replicated-backup-follows-rename", "rds.retention-zero-ends-replicated-backup"),
        75, 0.06, "one instance, a snapshot sent abroad", databases.ask_of_replicated_backups,
    ),
    Scene(
        "restores of files",
        (
            "backup.copy-keeps-creation-date",
            "backup.restore-bears-source-tags-unasked",
            "backup.efs-restore-needs-creation-token",
            "backup.copy-restores-into-existing-file-system",
        ),
        60, 0.01, "empty file systems", files.ask_of_restores,
    ),
    Scene(
        "replication of files",
        ("efs.replicating-file-system-cannot-be-deleted", "efs.protection-after-replication-ends"),
        40, 0.01, "empty file systems", files.ask_of_replication,
    ),
    Scene(
        "secrets",
        (
            "secretsmanager.replica-refuses-stage-move",
            "secretsmanager.replica-tells-its-policy",
            "secretsmanager.stop-replication-keeps-arn",
        ),
        2, 0.01, "two secrets by the hour", services.ask_of_secrets,
    ),
    Scene(
        "rights of a start",
        ("ssm.default-version-bears-its-name", "ssm.client-token-starts-once", "iam.pass-role-bears-region"),
        20, 0.01, "two documents, some executions of a second", rights.ask_of_starts,
    ),
    Scene(
        "trusts",
        ("scheduler.role-bears-group", "states.role-bears-machine"),
        20, 0.0, "a schedule and a state machine that never run", rights.ask_of_trusts,
    ),
    Scene("tasks", ("ecs.override-of-secret-is-refused",), 3, 0.01, "a task or two", tasks.ask_of_tasks),
    Scene(
        "rights of a replication",
        ("efs.replication-asks-for-both-ends",),
        25, 0.01, "empty file systems", rights.ask_of_replications,
    ),
    Scene("objects", ("s3.if-match-needs-get-object",), 2, 0.01, "a few requests", services.ask_of_objects),
    Scene(
        "DNS",
        ("route53.all-weights-zero-answers-all", "route53.pin-to-answer-s"),
        5, 0.02, "a zone of less than 12 hours is free, a health check is not", services.ask_of_dns,
    ),
)  # fmt: skip


class NotBegun(Exception):
    """The run does not begin. The message is one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns 0, 1 where a question stays open, 2 where it is refused, 3 where something is left, 130 after Ctrl-C.
    """
    options = _parser().parse_args(argv)
    try:
        return _clean(options) if options.clean else _ask(options)
    except (NotBegun, TerraformFails) as reason:
        print(reason, file=sys.stderr)
        return REFUSED
    except (ClientError, BotoCoreError) as error:
        print(f"AWS cannot be asked: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--primary", required=True, metavar="REGION", help="the region that is lost")
    add("--dr", required=True, metavar="REGION", help="the region that recovers")
    add("--throw-away", required=True, metavar="ACCOUNT", help="the account's number, as STS must give it, too")
    add("-e", "--environment", type=Path, action="append", default=[], metavar="FILE", help="never in its account")
    add("--only", nargs="+", default=[], metavar="ID", help="these questions alone")
    add("--out", type=Path, default=Path("answers.json"), metavar="FILE", help="where the answers go")
    add("--yes", action="store_true", help="do not ask before beginning")
    add("--clean", metavar="RUN", help="take away what this run left, and ask nothing")
    add("--terraform", metavar="PROGRAM", help="terraform or tofu; else the one on PATH")
    add("--standing", type=Path, metavar="FILE", help="outputs of the module as JSON: Terraform is not run")
    add("--endpoint-url", metavar="URL", help="a sandbox")
    add("--run", default=secrets.token_hex(3), help=argparse.SUPPRESS)
    for name in ("poll_s", "grace_s", "patience_s"):
        add(f"--{name.replace('_', '-')}", type=float, default=getattr(Account, name), help=argparse.SUPPRESS)
    return parser


def _ask(options: argparse.Namespace) -> int:
    questions = _selection(options.only)
    scenes = [scene for scene in SCENES if questions.keys() & set(scene.ids)]
    _print_cost(scenes, questions)
    account = _account(options, options.run)
    _require_throw_away(account, options.environment)
    print(f"Run {account.run}. If it is interrupted: the same command with --clean {account.run}")
    if not options.yes and input("Begin? Type the account's number: ").strip() != account.number:
        raise NotBegun("Nothing was done.")
    folder, program = _folder(account), None if options.standing else _program(options.terraform)
    answers: list[dict[str, Any]] = []
    left: list[str] = []
    try:
        if program:
            account.standing.update(build(account, folder, program))
        else:
            account.standing.update(_outputs(options.standing))
        for scene in scenes:
            for row in _play(scene, account, questions):
                answers.append(row)
                # After each answer: a scene that fails must not cost the hours before it.
                _write(options.out, answers)
                print(row.get("error") or f"{row['id']}: {json.dumps(row['answer'])}", flush=True)
    # After Ctrl-C too: what stands is billed by the hour.
    finally:
        left = _take_away(account, folder, program)
    print(f"{options.out}: {sum(row['answer'] is not None for row in answers)} of {len(questions)} questions answered")
    if left:
        return LEFT
    return OPEN if len(answers) < len(questions) or any(row["answer"] is None for row in answers) else OK


def _selection(only: Sequence[str]) -> dict[str, dict[str, Any]]:
    rows = {row["id"]: row for row in json.loads(QUESTIONS.read_text(encoding="utf-8"))}
    if strange := [name for name in only if name not in rows]:
        raise NotBegun(f"There is no question {', '.join(strange)}. There are: {', '.join(rows)}.")
    return {name: row for name, row in rows.items() if not only or name in only}


def _print_cost(scenes: Sequence[Scene], questions: dict[str, Any]) -> None:
    for scene in scenes:
        print(f"{scene.name}: about {scene.minutes} minutes, {scene.dollars:.2f} USD ({scene.why})")
        for name in scene.ids:
            if name in questions:
                print(f"  {name}: {questions[name]['question']}")
    minutes = sum(scene.minutes for scene in scenes) + AROUND_MINUTES + CLEANING_MINUTES
    dollars = sum(scene.dollars for scene in scenes) + AROUND_DOLLARS
    print(f"In all about {minutes / 60:.1f} hours and {dollars:.2f} USD, an estimate from {PRICED}.")
    print("A deleted KMS key waits seven days for its deletion and costs nothing in them.")


def _account(options: argparse.Namespace, run: str) -> Account:
    if not re.fullmatch(r"[a-z0-9]{1,12}", run):
        raise NotBegun(f"A run is named by up to 12 small letters and digits, not '{run}'.")
    account = Account(
        run, options.primary, options.dr, options.throw_away, options.endpoint_url,
        poll_s=options.poll_s, grace_s=options.grace_s, patience_s=options.patience_s,
    )  # fmt: skip
    number = account.client("sts", account.primary).get_caller_identity()["Account"]
    # The kit makes and deletes: with the keys of another account it would do so there.
    if number != account.number:
        raise NotBegun(f"These credentials are of account {number}, not of {account.number} as --throw-away says.")
    return account


def _require_throw_away(account: Account, environments: Sequence[Path]) -> None:
    """Raises NotBegun where the account is an environment's, or holds databases, files or zones of anybody else."""
    for path in environments:
        named = str(tomllib.loads(path.read_text(encoding="utf-8")).get("account", ""))
        if named == account.number:
            raise NotBegun(f"Account {account.number} is that of {path}: it is not to be thrown away.")
    strangers = []
    for region in account.regions:
        rows = account.pages("rds", region, "describe_db_instances", "DBInstances")
        strangers += [row["DBInstanceIdentifier"] for row in rows]
        rows = account.pages("efs", region, "describe_file_systems", "FileSystems")
        strangers += [row["FileSystemId"] for row in rows if TAG not in {tag["Key"] for tag in row.get("Tags", [])}]
    zones = account.pages("route53", callers.GLOBAL, "list_hosted_zones", "HostedZones")
    strangers += [row["Name"] for row in zones]
    if strangers := [name for name in strangers if not name.startswith(TAG)]:
        raise NotBegun(f"Account {account.number} is in use: it holds {', '.join(strangers[:5])}. Take an empty one.")


def _folder(account: Account) -> Path:
    return Path.cwd() / account.prefix.rstrip("-")


def _program(program: str | None) -> str:
    found = program or shutil.which("terraform") or shutil.which("tofu")
    if not found:
        raise NotBegun("There is neither terraform nor tofu on PATH: name one with --terraform.")
    return found


def _outputs(path: Path) -> dict[str, str]:
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {name: row["value"] if isinstance(row, dict) else row for name, row in rows.items()}


def _play(scene: Scene, account: Account, questions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each chosen question of the scene; those that a failure leaves open have answer null."""
    known = set()
    code = sentence = ""
    try:
        for name, value in scene.play(account):
            known.add(name)
            if name in questions:
                yield _row(account, questions[name], value)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        sentence = f"{error.operation_name} answered {code}: {error.response['Error'].get('Message', '')}"
    except (TooLate, BotoCoreError) as failed:
        code, sentence = type(failed).__name__, str(failed)
    for name in scene.ids:
        if name in questions and name not in known:
            row = _row(account, questions[name], None)
            yield {**row, "code": code, "error": f"{name} stays open: {sentence}"}


def _row(account: Account, question: dict[str, Any], value: Value | None) -> dict[str, Any]:
    who = f"not AWS but {account.endpoint_url}" if account.endpoint_url else "a throw-away account"
    where = f"{who} in {account.primary} and {account.dr}, {datetime.now(UTC):%Y-%m-%d}"
    words = {"id": question["id"], "question": question["question"], "answer": value}
    return {**words, "standing": "observed" if value is not None else "open", "source": where}


def _write(path: Path, answers: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(answers, indent=2) + "\n", encoding="utf-8")


def _take_away(account: Account, folder: Path, program: str | None) -> list[str]:
    """Take away what the run made; print, and return, what is left."""
    print("Taking away what was made ...", flush=True)
    left = clean(account)
    if program and folder.exists():
        try:
            destroy(folder, program)
        except TerraformFails as failed:
            left.append(str(failed))
    for sentence in left:
        print(sentence, file=sys.stderr)
    if left:
        print(f"Something is left, and may cost: the same command with --clean {account.run}", file=sys.stderr)
    return left


def _clean(options: argparse.Namespace) -> int:
    account = _account(options, options.clean)
    folder = _folder(account)
    for line in inventory(account):
        print(f"Found: {line}")
    if not folder.exists() and not options.standing:
        print(f"There is no folder {folder}: what Terraform made, if anything, bears the tag {TAG}={account.run}.")
    left = _take_away(account, folder, _program(options.terraform) if folder.exists() else None)
    return LEFT if left else OK

"""The processes of a fleet: what each answers, and which of them look at the same time."""

from __future__ import annotations

import json
import lzma
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from dr_estate.config.environment import load_environment
from tests.utils.running import ROOT
from utils.aws_mgmt.app.fleet import Look, look_at, looks_of
from utils.aws_mgmt.app.options import StatusOptions

JUDGED = ("prod", "sit")
PATIENCE_S = 60
LONG = "x" * 1_000_000
"""Characters of a reason: more than the 65,536 bytes of a pipe on Linux."""


def report(name: str) -> str:
    """The report of a status that a version of before has left."""
    packed = (ROOT / "tests" / "golden" / "reports" / f"{name}.json.xz").read_bytes()
    return json.dumps(json.loads(lzma.decompress(packed))["status"])


def dying(look: Look, answers: Connection[tuple[int, str], None]) -> None:
    """Looks as two processes do: that of prod is killed, the other leaves a report."""
    if look.options.environment == "prod":
        os.kill(os.getpid(), signal.SIGKILL)
    look.report.write_text(report("sit-healthy"))
    answers.send((1, ""))


def looks(folder: Path, names: Sequence[str]) -> list[Look]:
    """A look for each of the environments."""
    return [Look(StatusOptions(environment=name), dict(os.environ), folder / f"{name}.json") for name in names]


def test_a_process_that_is_killed_is_an_environment_that_was_not_seen(tmp_path: Path) -> None:
    seen = look_at(looks(tmp_path, JUDGED), dying, lambda *_: None, at_once=1)
    found = {member.environment: (member.exit, member.reason) for member in seen}
    assert {"prod": (3, "Its process ended with -9."), "sit": (1, "")} == found


def test_a_report_that_was_not_written_is_never_green(tmp_path: Path) -> None:
    (member,) = look_at(looks(tmp_path, ("dev",)), silent, lambda *_: None)
    assert (3, "UNKNOWN") == (member.exit, member.answer)


def silent(_look: Look, answers: Connection[tuple[int, str], None]) -> None:
    """Says that all is well, and leaves no report."""
    answers.send((0, ""))


def test_a_reason_longer_than_a_pipe_holds_is_reported_whole(tmp_path: Path) -> None:
    """The process that sends it ends only once somebody receives it."""
    (member,) = look_at(looks(tmp_path, ("dev",)), verbose, lambda *_: None)
    assert (2, LONG) == (member.exit, member.reason)


def test_a_process_that_is_killed_while_it_answers_was_not_seen(tmp_path: Path) -> None:
    (member,) = look_at(looks(tmp_path, ("dev",)), interrupted, lambda *_: None)
    assert (3, "Its process ended with -9.") == (member.exit, member.reason)


def test_environments_of_one_account_are_looked_at_one_after_another(tmp_path: Path) -> None:
    """AWS limits the calls of an account, and each process spends nearly all of what is allowed."""
    shared = [replace(look, account="111122223333") for look in looks(tmp_path, ("dev", "prod", "sit"))]
    seen = look_at(shared, alone, lambda *_: None, at_once=3)
    assert {"dev": "", "prod": "", "sit": ""} == {member.environment: member.reason for member in seen}


def test_environments_of_different_accounts_are_looked_at_together(tmp_path: Path) -> None:
    accounts = ("111122223333", "", "444455556666", "")
    pairs = zip(looks(tmp_path, ("dev", "prod", "sit", "uat")), accounts, strict=True)
    seen = look_at([replace(look, account=account) for look, account in pairs], together, lambda *_: None, at_once=4)
    assert {""} == {member.reason for member in seen}


def test_the_account_of_a_look_is_its_file_s_where_aws_is_read(tmp_path: Path) -> None:
    """A file that is broken is reported by its own process; a sandbox and kept evidence have no rates."""
    for name in JUDGED:
        (tmp_path / f"{name}.toml").write_bytes((ROOT / "environments" / f"{name}.toml").read_bytes())
    (tmp_path / "broken.toml").write_text("name = ")
    live = StatusOptions(environment="all", config=tmp_path)
    accounts = {name: load_environment(tmp_path, name).account for name in JUDGED}
    assert {"broken": "", **accounts} == accounts_of(live)
    for elsewhere in (replace(live, sandbox=True), replace(live, from_evidence=tmp_path / "{env}.json")):
        assert {""} == set(accounts_of(elsewhere).values())


def accounts_of(options: StatusOptions) -> dict[str, str]:
    """The account of each look, by its environment."""
    return {look.options.environment: look.account for look in looks_of(options, Path("unused"))}


def alone(look: Look, answers: Connection[tuple[int, str], None]) -> None:
    """Complains where another look is going on."""
    going_on = look.report.parent / "going-on"
    try:
        going_on.mkdir()
    except FileExistsError:
        answers.send((3, "Another one is going on."))
        return
    time.sleep(0.3)
    look.report.write_text(report("sit-healthy"))
    going_on.rmdir()
    answers.send((1, ""))


def together(look: Look, answers: Connection[tuple[int, str], None]) -> None:
    """Ends once four looks have begun."""
    look.report.write_text(report("sit-healthy"))
    until = time.monotonic() + PATIENCE_S
    while len(list(look.report.parent.glob("*.json"))) < 4:
        if time.monotonic() > until:
            answers.send((3, "The others did not begin."))
            return
        time.sleep(0.02)
    answers.send((1, ""))


def verbose(_look: Look, answers: Connection[tuple[int, str], None]) -> None:
    """Sends a long reason."""
    answers.send((2, LONG))


def interrupted(_look: Look, answers: Connection[tuple[int, str], None]) -> None:
    """Is killed when it has sent the beginning of an answer: that so many bytes follow."""
    os.write(answers.fileno(), (1_000).to_bytes(4, "big") + b"x")
    os.kill(os.getpid(), signal.SIGKILL)

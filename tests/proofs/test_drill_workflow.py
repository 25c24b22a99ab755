"""The full drill of SIT by the lines of its own workflow, at the real pace, IAM enforced: from its cron to its report.

What stands in for GitHub: expressions of three forms, the files of outputs and variables, and ``timeout``, which goes
by the world's clock. What stands in for OIDC: session keys of whom the world gives the policies of the job's role.
Actions are not run. Each job has a machine of its own.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.model.aws_durations import MEDIAN
from reports.evidence.pack import members_of
from reports.evidence.verification import INDEX, JOURNAL, MIRROR, REVIEW
from sandbox.client.endpoint import Endpoint
from tests.hosting import hosted
from tests.proofs.changes import Aws
from tests.proofs.test_workflows import Runner, checkout, jobs_of, virtual_environment
from tests.utils.running import rules

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]

SPEED = 120
SELDOM = "[execution]\npoll_s = 60"
"""Two looks a second by the wall's clock: the shipped pause would be 40 ms of it, and most of the work here."""
LONGEST_S = 1700.0
FIRST, FURTHER = "full-drill", "full-drill-watch-"
PERSON_BY_ROLE = {"sit-dr-ci-drill": "driller", "sit-dr-ci": "reader"}
_EXPRESSION = re.compile(r"\$\{\{ *([^ }]+) *\}\}")
_CONDITION = re.compile(r"([\w.-]+) (==|!=) '(\w*)'")


@dataclass
class Job:
    """A job of the workflow, on a machine of its own: what its steps left for later ones, and how each ended."""

    text: dict[str, Any]
    runner: Runner
    values: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    def play(self) -> dict[str, str]:
        """Run its steps by its own rules; returns its outputs."""
        self.variables |= {name: self._filled(text) for name, text in self.text.get("env", {}).items()}
        for step in self.text["steps"]:
            if "role-to-assume" in step.get("with", {}):
                self._sign_in(step["with"])
            if "run" in step and self._is_due(step.get("if", "success()")):
                self._run(step)
        return {name: self._filled(text) for name, text in self.text.get("outputs", {}).items()}

    def _sign_in(self, given: dict[str, Any]) -> None:
        person = PERSON_BY_ROLE[given["role-to-assume"].rpartition("/")[2]]
        keys = self.runner.world.session_keys(person, given["role-duration-seconds"])
        self.variables |= {
            "AWS_ENDPOINT_URL": self.runner.world.url,
            "AWS_REGION": given["aws-region"],
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_SESSION_TOKEN": keys.session_token,
        }

    def _run(self, step: dict[str, Any]) -> None:
        files = {name: self.runner.folder / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_ENV")}
        paths = {name: str(path) for name, path in files.items()}
        self.codes[step["name"]] = self.runner.run(self._filled(step["run"]), **self.variables, **paths)
        written = {name: _pairs(path) for name, path in files.items()}
        outputs = f"steps.{step.get('id')}.outputs"
        self.values |= {f"{outputs}.{name}": text for name, text in written["GITHUB_OUTPUT"].items()}
        self.variables |= written["GITHUB_ENV"]

    def _filled(self, text: str) -> str:
        return _EXPRESSION.sub(lambda found: self.values.get(found[1], ""), text)

    def _is_due(self, condition: str) -> bool:
        always, _, rest = condition.partition(" && ")
        due = always == "always()" or not any(self.codes.values())
        return due and (not rest or holds(rest, self.values))


def holds(condition: str, values: dict[str, str]) -> bool:
    """Whether ``NAME == 'VALUE'``, or ``!=``, is so; a name that nobody gave is empty."""
    found = _CONDITION.fullmatch(condition)
    assert found, condition
    return (values.get(found[1], "") == found[3]) == (found[2] == "==")


def watched_s(job: dict[str, Any]) -> float:
    """For how many seconds a job watches at most."""
    (minutes,) = re.findall(r"--signal=INT (\d+)m", str(job))
    return float(minutes) * 60


def _pairs(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return {name: text for name, _, text in (line.partition("=") for line in lines)}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return virtual_environment(tmp_path_factory)


@dataclass(frozen=True)
class Machines:
    """New machines of GitHub's, whose clock is the world's."""

    home: Path
    python: Path
    world: Endpoint
    env: Environment

    def machine(self, name: str) -> Runner:
        """A machine with a checkout and nothing else."""
        folder, commands = checkout(self.home / name), self.home / f"{name}-commands"
        shutil.copytree(rules(self.home, self.env.name, SELDOM), folder / "environments", dirs_exist_ok=True)
        commands.mkdir()
        minutes = f'"$(( ${{3%m}} * 60 / {SPEED} ))s"'
        timeout = f'#!/bin/bash\nexec {shutil.which("timeout")} "$1" "$2" {minutes} "${{@:4}}"\n'
        (commands / "timeout").write_text(timeout, encoding="utf-8")
        (commands / "timeout").chmod(0o755)
        return Runner(folder, self.python, self.world, commands, LONGEST_S)


@pytest.fixture
def machines(tmp_path: Path, python: Path) -> Iterator[Machines]:
    config = rules(tmp_path, "sit", SELDOM)
    env = load_environment(config, "sit")
    with hosted(env, 1, speed=SPEED) as world:
        world.put_image(config)
        world.timing(transition_s=None, quantile=MEDIAN)
        world.pace("real")
        world.enforce_iam(True)
        yield Machines(tmp_path, python, world, env)


def test_the_drill_of_sit_runs_to_its_end_by_the_lines_of_its_workflow(machines: Machines) -> None:
    world, jobs = machines.world, jobs_of("github/sit-dr-tests.yml")["jobs"]
    began_s = world.clock()["world"]
    first = Job(jobs[FIRST], machines.machine("first"), {})
    outputs = first.play()
    assert set(first.codes.values()) == {0}, (first.codes, first.runner.said)
    needed = {f"needs.{FIRST}.outputs.{name}": text for name, text in outputs.items()}
    further = [name for name in jobs if name.startswith(FURTHER)]
    assert holds(jobs[further[0]]["if"], needed), "a drill takes longer than a job may watch it"
    watch, played = first, list[str]()
    for name in further:
        if holds(jobs[name]["if"], needed):
            watch = Job(jobs[name], machines.machine(name), dict(needed))
            needed |= {f"needs.{name}.outputs.{output}": text for output, text in watch.play().items()}
            assert set(watch.codes.values()) == {0}, (watch.codes, watch.runner.said)
            played.append(name)
    assert played == further[: len(played)]
    assert len(played) < len(further), "none watches once the drill is over"
    assert f"the drill of {outputs['incident']} is complete, exit 0" in "".join(watch.runner.said)
    assert world.clock()["world"] - began_s > watched_s(jobs[FIRST])
    ssm = Aws(world.url, world.people["reader"], machines.env, "").client("ssm", Side.DR)
    (execution,) = ssm.describe_automation_executions()["AutomationExecutionMetadataList"]
    assert execution["AutomationExecutionStatus"] == "Success"
    artifact = watch.runner.folder / "reports" / "out"
    page = next(artifact.glob("sit-report-*/report.html")).read_text(encoding="utf-8")
    assert outputs["incident"] in page
    (pack,) = artifact.glob(f"evidence/sit-{outputs['incident']}-*.evidence.tar")
    assert {INDEX, JOURNAL, MIRROR, REVIEW} <= members_of(pack.read_bytes()).keys()

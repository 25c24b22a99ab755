"""Each workflow's steps are run as they are listed, locked packages included, against an account that is a sandbox.

What stands in for GitHub is its variables, and for OIDC the keys of the world's person. Actions are not run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import boto3
import pytest
import yaml

from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from tests.utils.running import ROOT, signed_in
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]
DEPLOY = ROOT / "deploy"
BUCKET = "evidence-kept-for-a-year"
ROOMS = ("dr_actions", "dr_checks", "dr_estate", "environments", "features", "reports", "sandbox", "steps", "utils")
FILES = ("conftest.py", "pyproject.toml", "requirements.lock")


@dataclass(frozen=True)
class Runner:
    """A machine of a CI system: a checkout, a Python of its own, and the world that its role may see.

    ``commands`` stand before all others in its path; no step takes longer than ``longest_s``.
    """

    folder: Path
    python: Path
    world: Endpoint
    commands: Path = Path("/nonexistent")
    longest_s: float = 900
    said: list[str] = field(default_factory=list)

    def run(self, command: str, **variables: str) -> int:
        """Run one step in a shell as GitHub does; returns its exit code."""
        places = (self.commands, self.python / "bin", ROOT / ".tools" / "awscli" / "bin")
        path = [*map(str, places), os.environ["PATH"]]
        given = {
            "PATH": os.pathsep.join(path),
            "HOME": str(self.folder),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_RUN_ID": "7",
            "BUCKET": BUCKET,
            "PIP_NO_COMPILE": "1",  # of all that is installed a tenth is imported, and compiled then
            "AWS_DEFAULT_REGION": "eu-west-1",
            **variables,
        }
        shell = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", command]
        ran = subprocess.run(
            shell, cwd=self.folder, env=given, capture_output=True, text=True, timeout=self.longest_s, check=False
        )
        self.said.append(ran.stdout + ran.stderr)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode

    def play(self, job: dict[str, Any], person: str = "reader") -> dict[str, int]:
        """Run the steps of a job by its own rules: after a failure only those that are always run."""
        codes: dict[str, int] = {}
        for step in job["steps"]:
            if "run" in step and (not any(codes.values()) or step.get("if", "").startswith("always()")):
                codes[step["name"]] = self.run(step["run"], **signed_in(self.world, person))
        return codes


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return virtual_environment(tmp_path_factory)


def virtual_environment(factory: pytest.TempPathFactory) -> Path:
    """A Python of a machine, on which nothing is installed."""
    folder = factory.mktemp("python") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


def checkout(folder: Path) -> Path:
    """What a machine of a CI system checks out, in ``folder``."""
    for room in ROOMS:  # with what is compiled of it: five machines compile a thousand modules else
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("out"))
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def runner(tmp_path: Path, python: Path) -> Any:
    folder = checkout(tmp_path / "checkout")
    with borrowed(load_environment(ROOT / "environments", "prod"), 2) as world:
        keys = world.people["admin"]
        client = boto3.client(
            "s3",
            endpoint_url=world.url,
            region_name="eu-west-1",
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield Runner(folder, python, world)


def jobs_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    return found


def test_the_daily_readiness_is_green_on_a_healthy_estate_and_kept(runner: Runner) -> None:
    codes = runner.play(jobs_of("github/prod-dr-readiness.yml")["jobs"]["readiness"])
    assert set(codes.values()) == {0}, codes
    out = runner.folder / "reports" / "out"
    assert {"evidence.json", "dr.prom", "junit.xml"} <= {path.name for path in out.iterdir()}
    assert len(list(ET.parse(out / "junit.xml").iter("testcase"))) > 100  # noqa: S314 - what this tool wrote
    assert 1 == (runner.folder / "summary.md").read_text().count("DR status of PROD"), "the summary has it once"
    assert 0 == runner.run(
        f'test "$(aws s3 ls s3://{BUCKET}/prod/7/evidence.json | wc -l)" = 1', **signed_in(runner.world, "admin")
    )


def test_a_gap_is_red_and_its_report_and_evidence_are_kept_all_the_same(runner: Runner) -> None:
    runner.world.inject("alb-rule-deleted")
    codes = runner.play(jobs_of("github/prod-dr-readiness.yml")["jobs"]["readiness"])
    assert 1 == codes.pop("Look and judge")
    assert set(codes.values()) == {0}, codes
    assert "elbv2-routing.host-rules" in (runner.folder / "dr.sarif").read_text()


def test_fleet_jobs_run_as_listed_and_one_without_a_run_fails_the_merge(runner: Runner) -> None:
    jobs = jobs_of("github/fleet-dr-readiness.yml")["jobs"]
    keys = signed_in(runner.world, "reader")
    for step in jobs["look"]["steps"]:
        assert 0 == runner.run(step.get("run", "true"), ENVIRONMENT="prod", **keys), step
    out, uploaded = runner.folder / "reports" / "out", runner.folder / "dr-readiness-prod"
    out.rename(uploaded)
    (out / "runs").mkdir(parents=True)
    uploaded.rename(out / "runs" / uploaded.name)
    assert 3 == runner.run(jobs["merge"]["steps"][-2]["run"])
    (merged,) = out.glob("fleet-report-*/fleet.json")
    rows = {row["environment"]: row["answer"] for row in json.loads(merged.read_text(encoding="utf-8"))["environments"]}
    assert {"sit": "UNKNOWN", "prod": "READY"} == rows
    assert (runner.folder / "summary.md").read_text().count("| sit | UNKNOWN | UNKNOWN |") == 1


@pytest.mark.parametrize("test", ["infrastructure", "tabletop"])
def test_the_scheduled_tests_run_as_listed(runner: Runner, test: str) -> None:
    codes = runner.play(jobs_of("github/prod-dr-tests.yml")["jobs"][test], "operator")
    assert 0 == codes["Run the test"], codes


def test_the_gitlab_example_runs_as_listed(runner: Runner) -> None:
    (job,) = jobs_of("gitlab/prod-dr-readiness.gitlab-ci.yml").values()
    variables = {**signed_in(runner.world, "reader"), "AWS_ID_TOKEN": "token", "GITHUB_ACTIONS": ""}
    variables["CI_PROJECT_DIR"] = str(runner.folder)
    for part in ("before_script", "script", "after_script"):
        assert [0] * len(job[part]) == [runner.run(line, **variables) for line in job[part]], part
    assert 0o600 == (runner.folder / ".aws-token").stat().st_mode & 0o777
    assert (runner.folder / job["artifacts"]["reports"]["junit"]).exists()


def test_the_bill_of_materials_names_every_locked_package_with_its_hashes() -> None:
    subprocess.run(["make", "-s", "sbom", f"PYTHON={sys.executable}"], cwd=ROOT, check=True)  # noqa: S607 - as people do
    bill = json.loads((ROOT / "build" / "sbom.cdx.json").read_text(encoding="utf-8"))
    locked = re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(locked) == {part["name"] for part in bill["components"]}
    hashed = [part for part in bill["components"] if "hashes" in json.dumps(part)]
    assert len(hashed) == len(bill["components"])

"""The CI workflows keep to the schedule of the environment file, and hold no key."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.decode import decode

from dr_checks.derived.due import next_due, window_of
from dr_estate.config.environment import Environment
from dr_estate.config.recovery_settings import Period
from utils.aws_mgmt.app.options import ROOT, ReportOptions
from utils.aws_mgmt.cli.parser import parse
from utils.aws_mgmt.generate.ci_workflows import cron_of, periods, refuse_short_keys, role_of, watches_of
from utils.aws_mgmt.generate.ci_workflows import workflow as generated
from utils.aws_mgmt.generate.deploy_files import DEPLOY, environments

ENVIRONMENTS = {env.name: env for env in environments()}
ALL = pytest.mark.parametrize("env", ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
START = date(2026, 1, 1)
DRILL = "DRILL-20260107-180000"
YEARS = 5


def workflow(env: Environment) -> dict[str, Any]:
    text = (DEPLOY / "github" / f"{env.name}-dr-tests.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def triggers(env: Environment) -> dict[str, Any]:
    found: dict[str, Any] = workflow(env)["on"]
    return found


def commands(job: dict[str, Any]) -> list[list[str]]:
    """The words of each of the tool's commands in a job."""
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines() if "dr_cli.py" in line]
    return [
        line.split("dr_cli.py ")[1]
        .partition(" ||")[0]
        .replace('"$incident"', DRILL)
        .replace('"$INCIDENT"', DRILL)
        .split()
        for line in lines
    ]


def days_of(cron: str) -> list[date]:
    """The days on which a cron of these workflows runs, over some years: parsed here, not by what made it."""
    minute, hour, day, months, weekday = cron.split()
    assert minute.isdigit()
    assert hour.isdigit()
    wanted_months = {int(m) for m in months.split(",")} if months != "*" else set(range(1, 13))
    found = []
    for number in range(YEARS * 366):
        current = START + timedelta(days=number)
        on_day = day == "*" or current.day == int(day)
        on_weekday = weekday == "*" or current.isoweekday() % 7 == int(weekday)
        if current.month in wanted_months and on_day and on_weekday:
            found.append(current)
    return found


@ALL
def test_a_test_with_a_period_has_a_cron_and_one_as_needed_has_none(env: Environment) -> None:
    crons = [row["cron"] for row in triggers(env)["schedule"]]
    by_test = {test: cron_of(test, period) for test, period in periods(env).items()}
    assert [cron for cron in by_test.values() if cron] == crons
    assert len(crons) == len(set(crons)), "a job knows by its cron that it is meant"
    assert [test for test, period in periods(env).items() if period is Period.AS_NEEDED] == [
        test for test, cron in by_test.items() if not cron
    ]
    assert list(by_test) == list(triggers(env)["workflow_dispatch"]["inputs"]["test"]["options"])


@ALL
def test_each_cron_runs_before_the_test_is_overdue_outside_blocked_windows(env: Environment) -> None:
    for test, period in periods(env).items():
        if period is Period.AS_NEEDED:
            continue
        days = days_of(cron_of(test, period))
        for number in range(1, len(days)):
            due = next_due(days[:number][-3:], period, env.schedule.windows)
            assert due is not None
            assert days[number] <= due, f"{test}: {days[number]} is after {due}"
        assert [] == [day for day in days if window_of(day, env.schedule.windows)]


@pytest.mark.parametrize(
    ("period", "a_year"), [(Period.WEEKLY, 52), (Period.MONTHLY, 12), (Period.QUARTERLY, 4), (Period.ANNUALLY, 1)]
)
def test_a_cron_runs_as_often_as_its_period_says(period: Period, a_year: int) -> None:
    days = [day for day in days_of(cron_of("tabletop", period)) if day.year == START.year]
    assert a_year == len(days)


@ALL
def test_each_job_has_its_own_cron_and_runs_commands_that_exist(env: Environment) -> None:
    jobs = workflow(env)["jobs"]
    watching = {name for name in jobs if name.startswith("full-drill-watch-")}
    assert len(watching) == (watches_of(env) - 1 if env.holds_full_drills else 0)
    assert {*periods(env), *watching} == set(jobs)
    for test, job in jobs.items():
        if test in watching:
            continue
        cron = cron_of(test, periods(env)[test])
        assert re.findall(r"schedule == '([^']+)'", job["if"]) == ([cron] if cron else [])
        assert f"inputs.test == '{test}'" in job["if"]
        parses = [parse(words) for words in commands(job)]
        assert {env.name} == {options.environment for options in parses}
        assert "schedule" == parses[-1].command
    drilled = any("--full-drill" in words for words in commands(jobs["full-drill"]))
    assert env.holds_full_drills == drilled


@ALL
def test_a_run_that_waits_is_dropped_by_none_of_another_test(env: Environment) -> None:
    """GitHub cancels what waits in a group where a newer run comes: so each test has a group, by cron and by hand."""
    group = workflow(env)["concurrency"]
    assert re.fullmatch(rf"dr-{env.name}-\$\{{\{{ .*\binputs\.test \}}\}}", group), group
    named = dict(re.findall(r"github\.event\.schedule == '([^']+)' && '([^']+)'", group))
    assert named == {cron: test for test, period in periods(env).items() if (cron := cron_of(test, period))}
    assert len(set(named.values())) == len(triggers(env)["schedule"])


def test_aws_holds_a_drill_and_its_jobs_watch_it_as_long_as_it_may_take() -> None:
    env = ENVIRONMENTS["sit"]
    jobs = workflow(env)["jobs"]
    first, watching = commands(jobs["full-drill"]), [name for name in jobs if name.startswith("full-drill")]
    assert ["test", "report", "evidence", "schedule"] == [words[2] for words in first]
    assert "--by-aws" in first[0]
    assert watches_of(env) == len(watching)
    for before, name in pairwise(watching):
        assert ["attach", "report", "evidence"] == [words[2] for words in commands(jobs[name])]
        assert jobs[name]["needs"] == list(dict.fromkeys(("full-drill", before)))
        assert jobs[name]["if"] == f"needs.{before}.outputs.goes_on == 'true'", "none runs once the drill is over"
    minutes = [int(found) for job in jobs.values() for found in re.findall(r"INT (\d+)m", str(job))]
    assert minutes[0] * watches_of(env) >= env.automation.run_hours * 60
    assert max(minutes) < jobs["full-drill"]["timeout-minutes"]


@ALL
def test_no_job_outlives_its_keys_or_what_github_lets_a_job_take(env: Environment) -> None:
    for name, job in workflow(env)["jobs"].items():
        refuse_short_keys(name, job)
    job = {"timeout-minutes": 240, "steps": [{"with": {"role-to-assume": "r", "role-duration-seconds": 14399}}]}
    with pytest.raises(ValueError, match="it would die at work"):
        refuse_short_keys("a drill", job)
    job["steps"][0]["with"]["role-duration-seconds"] = 43200
    with pytest.raises(ValueError, match="a job 360"):
        refuse_short_keys("a drill", job | {"timeout-minutes": 361})


def test_no_workflow_is_generated_for_a_drill_longer_than_its_watch() -> None:
    env = ENVIRONMENTS["sit"]
    longer = env.model_copy(update={"automation": env.automation.model_copy(update={"run_hours": 30})})
    with pytest.raises(ValueError, match="of sit is 30"):
        generated(longer)


@ALL
def test_keys_come_by_oidc_for_the_roles_of_terraform_and_none_is_stored(env: Environment) -> None:
    document = workflow(env)
    assert {} == document["permissions"], "each job asks for its own"
    assert all(job["permissions"] == {"contents": "read", "id-token": "write"} for job in document["jobs"].values())
    assert "secrets." not in str(document)
    terraform = (DEPLOY / "terraform" / "ci.tf").read_text(encoding="utf-8")
    for name, job in document["jobs"].items():
        test = name if name in periods(env) else "infrastructure"  # who watches looks alone
        (login,) = [step["with"] for step in job["steps"] if "configure-aws-credentials" in step.get("uses", "")]
        assert (role_of(env, test), env.regions.dr) == (login["role-to-assume"], login["aws-region"])
        role = login["role-to-assume"].rpartition(f"{env.name}-dr-")[2]
        assert re.search(rf"(?m)^ +{role} += {{ environment", terraform)
        drills = role == "ci-drill"
        assert drills == (job["environment"] == f"{env.name}-drill")


def test_the_fleet_has_a_job_for_each_environment_and_always_merges_them() -> None:
    document = yaml.safe_load((DEPLOY / "github" / "fleet-dr-readiness.yml").read_text(encoding="utf-8"))
    look, merge = document["jobs"]["look"], document["jobs"]["merge"]
    fleet = {env.name: env for env in ENVIRONMENTS.values() if env.replicates}
    rows = {row["environment"]: row for row in look["strategy"]["matrix"]["include"]}
    assert set(fleet) == set(rows)
    for name, env in fleet.items():
        assert (role_of(env, "infrastructure"), env.regions.dr) == (rows[name]["role"], rows[name]["region"])
    assert (False, {}) == (look["strategy"]["fail-fast"], document["permissions"])
    assert ("look", "always()") == (merge["needs"], merge["if"])
    (words,) = commands(merge)
    options = parse(words)
    assert isinstance(options, ReportOptions)
    assert (True, set(fleet)) == (options.merge, set(options.environment.split(",")))
    assert "secrets." not in str(document)


def test_the_crons_are_read_rightly() -> None:
    monday = datetime(2026, 1, 5, tzinfo=UTC).date()
    assert monday == days_of("17 6 * * 1")[0]
    assert [date(2026, 1, 12), date(2026, 4, 12)] == days_of("17 6 12 1,4,7,10 *")[:2]


WORKFLOWS = sorted((DEPLOY / "github").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_zizmor_finds_nothing_unsafe(path: Path) -> None:
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", "--format=json", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert [] == [found["ident"] for found in json.loads(ran.stdout)], ran.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_a_commit_with_its_release_beside_it(path: Path) -> None:
    uses = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert uses
    assert [] == [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)]


def test_the_lock_holds_every_dependency_at_its_tested_version() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock, re.MULTILINE))
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    tested = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", constraints, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[=<>\[]", row)[0] for row in project["dependencies"]}
    assert set() == declared - set(locked), "run `make constraints`"
    assert {} == {name: version for name, version in locked.items() if tested.get(name) != version}
    assert lock.count("==") <= lock.count("--hash=sha256:"), "each has a hash"


def test_the_evidence_bucket_lets_nobody_delete_for_a_year() -> None:
    template = decode(str(DEPLOY / "cloudformation" / "evidence-bucket.yaml"))[0]
    bucket = template["Resources"]["Evidence"]["Properties"]
    retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (True, {"Mode": "COMPLIANCE", "Years": 1}) == (bucket["ObjectLockEnabled"], dict(retention))

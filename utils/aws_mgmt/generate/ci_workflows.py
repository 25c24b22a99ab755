"""The CI workflow of each environment's tests (GitHub Actions): crons by its schedule, keys by OIDC, no secret stored.

A cron knows no period that begins with the last run: each workflow runs on fixed days of the calendar, as often as the
schedule asks, and its last step fails where ``schedule`` says that something is overdue all the same.

A full drill takes longer than a job and its keys: AWS holds it, its job starts it and watches, and others watch
on, one after the other, until it is over.

Steps that the CI workflows share: actions by the commit of a release, keys by OIDC, packages by their hashes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import yaml

from dr_estate.config.environment import Environment
from dr_estate.config.recovery_settings import Period

_BY_HASH = "--require-hashes"
INSTALL = f"python -m pip install {_BY_HASH} -r requirements.lock"
PYTHON = "3.13"
# Minute, hour (UTC), day, months, day of the week: not on the full hour, when GitHub's queue is longest, and not in the
# first or last days of a month or a year, when other work is.
CRONS = {
    Period.WEEKLY: "17 6 * * 1",
    Period.MONTHLY: "17 6 12 * *",
    Period.QUARTERLY: "17 6 12 1,4,7,10 *",
    Period.ANNUALLY: "17 6 12 3 *",
}
_MINUTES = {"infrastructure": 17, "tabletop": 27, "full-drill": 37}
# The longest job of a GitHub-hosted runner. Source: GitHub Actions, usage limits.
JOB_MINUTES = 360
# How long a job that looks may take, and for how long one watches a drill; both end before their keys do.
_LOOK_MINUTES, _WATCH_MINUTES = 60, 220
_SETUP_MINUTES = 10
# What terraform gives a session of CI (session_hours), unless somebody asked for more.
KEYS_S = 14400
_MOST_WATCHES = 8


@dataclass(frozen=True)
class PinnedAction:
    """An action at the commit of a release; a tag can be moved, a commit cannot. ``folder``: its own in there."""

    repository: str
    commit: str
    version: str
    folder: str = ""

    @property
    def uses(self) -> str:
        """As a step names it."""
        return f"{self.repository}{self.folder}@{self.commit}"


# Compared with the tags of the actions' own repositories.
CHECKOUT = PinnedAction("actions/checkout", "de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6.0.2")
SETUP_PYTHON = PinnedAction("actions/setup-python", "a309ff8b426b58ec0e2a45f0f869d46889d02405", "v6.2.0")
CREDENTIALS = PinnedAction(
    "aws-actions/configure-aws-credentials", "ec61189d14ec14c8efccab744f656cffd0e33f37", "v6.1.0"
)
UPLOAD = PinnedAction("actions/upload-artifact", "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0")
SARIF = PinnedAction("github/codeql-action", "8aad20d150bbac5944a9f9d289da16a4b0d87c1e", "v4.36.2", "/upload-sarif")
DOWNLOAD = PinnedAction("actions/download-artifact", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1")
ACTIONS = (CHECKOUT, SETUP_PYTHON, CREDENTIALS, UPLOAD, SARIF, DOWNLOAD)


def setup_steps(repository: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Checkout, Python and the locked packages; ``repository`` is the tool's where the workflow lies in another."""
    return [
        {"uses": CHECKOUT.uses, "with": {**(repository or {}), "persist-credentials": False}},
        {"uses": SETUP_PYTHON.uses, "with": {"python-version": PYTHON}},
        {"name": "Install what is locked", "run": INSTALL},
    ]


def sign_in_step(region: str, role: str, session: str, seconds: int = 3600) -> dict[str, Any]:
    """The step that takes the role for this job alone; ``region`` is the one that its calls go to."""
    inputs = {
        "role-to-assume": role,
        "role-session-name": f"dr-{session}-${{{{ github.run_id }}}}",
        "role-duration-seconds": seconds,
        "aws-region": region,
    }
    return {"uses": CREDENTIALS.uses, "with": inputs}


def report_artifact(name: str) -> dict[str, Any]:
    """The step that keeps report and evidence as an artifact, however the job ended."""
    inputs = {"name": name, "path": "reports/out/", "retention-days": 90}
    return {"name": "Keep the report and its evidence", "if": "always()", "uses": UPLOAD.uses, "with": inputs}


def yaml_text(document: dict[str, Any]) -> str:
    """The workflow as YAML, the release beside each commit."""
    text: str = yaml.safe_dump(document, sort_keys=False, width=200)
    for action in ACTIONS:
        text = re.sub(rf"({re.escape(action.uses)})$", rf"\1 # {action.version}", text, flags=re.MULTILINE)
    return text


def workflow(env: Environment) -> str:
    """The workflow file of ``env``."""
    crons = {test: cron_of(test, period) for test, period in periods(env).items()}
    which = {"description": "Which test to run now", "type": "choice", "options": list(crons)}
    document: dict[str, Any] = {
        "name": f"DR tests of {env.name}",
        "on": {
            "schedule": [{"cron": cron} for cron in crons.values() if cron],
            "workflow_dispatch": {"inputs": {"test": which}},
        },
        # None for the workflow: each job names what it needs.
        "permissions": {},
        # A group for each test: of the runs that wait in one GitHub keeps the newest alone, others end (GitHub Docs,
        # "Control the concurrency of workflows and jobs"). On some days three tests begin within 20 minutes.
        "concurrency": f"dr-{env.name}-{_test_expression(crons)}",
        "jobs": {test: _job(env, test, cron) for test, cron in crons.items()} | _watching(env),
    }
    for name, job in document["jobs"].items():
        refuse_short_keys(name, job)
    remarks = [f"# {test} ({period}): {_reason(env, test)}" for test, period in periods(env).items()]
    head = _HEAD.format(env=env.name) + "\n".join(remarks)
    return f"{head}\n{yaml_text(document)}"


def _test_expression(crons: Mapping[str, str]) -> str:
    """The expression for the test that a run holds: the one of the cron that began it, or the one chosen by hand."""
    by_cron = [f"github.event.schedule == '{cron}' && '{test}'" for test, cron in crons.items() if cron]
    return f"${{{{ {' || '.join([*by_cron, 'inputs.test'])} }}}}"


def periods(env: Environment) -> dict[str, Period]:
    """How often each test is due, by its job's name."""
    schedule = env.schedule
    return {"infrastructure": schedule.infrastructure, "tabletop": schedule.tabletop, "full-drill": schedule.full_drill}


def cron_of(test: str, period: Period) -> str:
    """The cron of a test, "" for one as needed; each test has a minute of its own, by which its job knows it."""
    return CRONS[period].replace("17", str(_MINUTES[test]), 1) if period in CRONS else ""


def role_of(env: Environment, test: str) -> str:
    """The ARN of the role that a test's job assumes: that of drills starts them, the others look and record."""
    return f"arn:aws:iam::{env.account}:role/{env.name}-dr-ci{'-drill' if _drills(env, test) else ''}"


def refuse_short_keys(name: str, job: dict[str, Any]) -> None:
    """Raise ValueError where GitHub, or the end of its keys, would end a job before its own time is over."""
    minutes = job["timeout-minutes"]
    (keys_s,) = [
        step["with"]["role-duration-seconds"] for step in job["steps"] if "role-to-assume" in step.get("with", {})
    ]
    if minutes > JOB_MINUTES or minutes * 60 > keys_s:
        raise ValueError(
            f"{name} may take {minutes} min, its keys last {keys_s // 60} min and a job {JOB_MINUTES}: "
            "it would die at work"
        )


def watches_of(env: Environment) -> int:
    """How many jobs watch a drill, one after the other. Raises ValueError where a drill may last longer than all."""
    # Rounded up: the last watch may be short, a drill without one would end unseen.
    watches = ceil(env.automation.run_hours * 60 / _WATCH_MINUTES)
    if watches > _MOST_WATCHES:
        raise ValueError(
            f"automation.run_hours of {env.name} is {env.automation.run_hours}, and its workflow watches a drill for "
            f"{_MOST_WATCHES * _WATCH_MINUTES // 60} h at most"
        )
    return watches


def _drills(env: Environment, test: str) -> bool:
    return test == "full-drill" and env.holds_full_drills


def _job(env: Environment, test: str, cron: str) -> dict[str, Any]:
    drills = _drills(env, test)
    words = {
        "infrastructure": "test --infra --dns",
        "tabletop": "test --tabletop --non-interactive --format markdown",
        "full-drill": "schedule --format markdown",
    }[test]
    command = f"python utils/aws_mgmt/dr_cli.py -e {env.name}"
    run = [{"name": "Run the test", "run": f"{command} {words}"}]
    if drills:
        run = [
            _NAMING,
            {"name": "Have AWS hold the drill, and watch it", "id": "watch", "run": _watch(env, _BEGIN, "1")},
        ]
    return {
        "if": (f"github.event.schedule == '{cron}' || " if cron else "") + f"inputs.test == '{test}'",
        "runs-on": "ubuntu-latest",
        # GitHub asks its reviewers before a job of this environment gets keys.
        "environment": f"{env.name}-drill" if drills else env.name,
        # Room for the installation: the watch itself must end by its own clock, so that its report is kept.
        "timeout-minutes": _WATCH_MINUTES + _SETUP_MINUTES if drills else _LOOK_MINUTES,
        # id-token: without it GitHub gives no token for OIDC, and no role can be assumed.
        "permissions": {"contents": "read", "id-token": "write"},
        **(
            {"outputs": {name: f"${{{{ steps.{step}.outputs.{name} }}}}" for name, step in _OUTPUTS.items()}}
            if drills
            else {}
        ),
        "steps": [
            *setup_steps(),
            sign_in_step(env.regions.dr, role_of(env, test), test, KEYS_S if drills else 3600),
            *run,
            *([_record(env, "$incident")] if drills else []),
            {
                "name": "Fail where a test is overdue",
                # Not while the drill goes on: that it is overdue is true until it has ended.
                "if": _WHEN_OVER if drills else "always()",
                # Exit 1 where a test is overdue: that alone lets the job fail.
                "run": f"{command} schedule --trend",
            },
            report_artifact(f"dr-{test}"),
        ],
    }


def _watching(env: Environment) -> dict[str, Any]:
    """The jobs that watch on, each where the one before left a drill at work: as often as it takes, as a reader.

    No matrix: all of its jobs would run, also once the drill is over.
    """
    if not _drills(env, "full-drill"):
        return {}
    names = ["full-drill", *(f"full-drill-watch-{number}" for number in range(2, watches_of(env) + 1))]
    return {name: _further(env, number, names[number - 2]) for number, name in enumerate(names[1:], 2)}


def _further(env: Environment, number: int, before: str) -> dict[str, Any]:
    """The job that watches on where ``before`` left the drill at work."""
    job: dict[str, Any] = {
        "needs": list(dict.fromkeys(("full-drill", before))),
        "if": f"needs.{before}.outputs.goes_on == 'true'",
        "runs-on": "ubuntu-latest",
        "environment": env.name,
        "timeout-minutes": _WATCH_MINUTES + _SETUP_MINUTES,
        "permissions": {"contents": "read", "id-token": "write"},
        "outputs": {"goes_on": "${{ steps.watch.outputs.goes_on }}"},
        "env": {"INCIDENT": "${{ needs.full-drill.outputs.incident }}"},
        "steps": [
            *setup_steps(),
            sign_in_step(env.regions.dr, role_of(env, "infrastructure"), "full-drill-watch", KEYS_S),
            {
                "name": "Watch the drill",
                "id": "watch",
                "run": _watch(env, 'attach --incident "$INCIDENT"', str(number)),
            },
            _record(env, "$INCIDENT"),
            report_artifact(f"dr-full-drill-{number}"),
        ],
    }
    return job


def _watch(env: Environment, words: str, number: str) -> str:
    """The shell lines that watch for as long as a job may: a drill that is at work then goes on without it."""
    return _WATCH.format(env=env.name, words=words, minutes=_WATCH_MINUTES, number=number, last=watches_of(env))


def _record(env: Environment, incident: str) -> dict[str, Any]:
    """The step that makes page and pack of a drill that is over, from its record: AWS's task kept them on its disk."""
    commands = [
        f'python utils/aws_mgmt/dr_cli.py -e {env.name} {words} --incident "{incident}"'
        for words in ("report", "evidence")
    ]
    return {"name": "Make the drill's report and pack", "if": _WHEN_OVER, "run": "\n".join([*commands, ""])}


def _reason(env: Environment, test: str) -> str:
    return _REASONS[test] if test != "full-drill" or _drills(env, test) else _REASONS["by people"]


_WHEN_OVER = "always() && steps.watch.outputs.goes_on != 'true'"
_OUTPUTS = {"incident": "drill", "goes_on": "watch"}
_NAMING = {
    "name": "Name the drill",
    "id": "drill",
    "run": 'echo "incident=DRILL-$(date -u +%Y%m%d-%H%M%S)" | tee -a "$GITHUB_OUTPUT" >> "$GITHUB_ENV"',
}
_BEGIN = 'test --full-drill --by-aws --incident "$incident"'
_WATCH = """\
code=0
timeout --preserve-status --signal=INT {minutes}m python utils/aws_mgmt/dr_cli.py -e {env} {words} || code=$?
if [ $code -eq 130 ] && [ {number} -lt {last} ]; then echo "goes_on=true" >> "$GITHUB_OUTPUT"; code=0; fi
exit $code
"""
"""130: the watch was ended, and the drill goes on in AWS."""
_REASONS = {
    "infrastructure": "Looks, and records the run in the control table.",
    "tabletop": "Prepares the exercise: it counts once people hold it and record a decision (--answers).",
    "full-drill": "AWS holds it. The environment of this job must ask for a reviewer: the estate moves there and back.",
    "by people": "No full drill is allowed here: this reminds the people who order a planned failover and failback.",
}
_HEAD = """\
# The DR tests of {env}, on their schedule. Generated from environments/{env}.toml by `make docs`: do not edit.
# Copy it to .github/workflows/; deploy/README.md describes the roles.
"""

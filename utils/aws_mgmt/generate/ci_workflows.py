"""The CI workflow of each environment's tests (GitHub Actions): crons by its schedule, keys by OIDC, no secret stored.

A cron knows no period that begins with the last run: each workflow runs on fixed days of the calendar, as often as the
schedule asks, and its last step fails where ``schedule`` says that something is overdue all the same.
"""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Environment
from dr_estate.config.recovery_settings import Period
from utils.aws_mgmt.generate import ci_steps

# Minute, hour (UTC), day, months, day of the week: not on the full hour, when GitHub's queue is longest, and not in the
# first or last days of a month or a year, when other work is.
CRONS = {
    Period.WEEKLY: "17 6 * * 1",
    Period.MONTHLY: "17 6 12 * *",
    Period.QUARTERLY: "17 6 12 1,4,7,10 *",
    Period.ANNUALLY: "17 6 12 3 *",
}
_MINUTES = {"infrastructure": 17, "tabletop": 27, "full-drill": 37}


def workflow(env: Environment) -> str:
    """The workflow file of ``env``."""
    crons = {test: cron_of(test, period) for test, period in periods(env).items()}
    which = {"description": "Which test to run now", "type": "choice", "options": list(crons)}
    document = {
        "name": f"DR tests of {env.name}",
        "on": {
            "schedule": [{"cron": cron} for cron in crons.values() if cron],
            "workflow_dispatch": {"inputs": {"test": which}},
        },
        "permissions": {},
        "concurrency": f"dr-{env.name}",
        "jobs": {test: _job(env, test, cron) for test, cron in crons.items()},
    }
    remarks = [f"# {test} ({period}): {_reason(env, test)}" for test, period in periods(env).items()]
    head = _HEAD.format(env=env.name) + "\n".join(remarks)
    return f"{head}\n{ci_steps.yaml_text(document)}"


def periods(env: Environment) -> dict[str, Period]:
    """How often each test is due, by its job's name."""
    schedule = env.schedule
    return {
        "infrastructure": schedule.infrastructure,
        "tabletop": schedule.tabletop,
        "full-drill": schedule.full_drill,
    }


def cron_of(test: str, period: Period) -> str:
    """The cron of a test, "" for one as needed; each test has a minute of its own, by which its job knows it."""
    return CRONS[period].replace("17", str(_MINUTES[test]), 1) if period in CRONS else ""


def role_of(env: Environment, test: str) -> str:
    """The ARN of the role that a test's job assumes: drills change things, the others look and record."""
    return f"arn:aws:iam::{env.account}:role/{env.name}-dr-ci{'-drill' if _drills(env, test) else ''}"


def _drills(env: Environment, test: str) -> bool:
    return test == "full-drill" and env.approvals.full_drill


def _job(env: Environment, test: str, cron: str) -> dict[str, Any]:
    drills = _drills(env, test)
    words = {
        "infrastructure": "test --infra --dns",
        "tabletop": "test --tabletop --non-interactive --format markdown",
        "full-drill": "test --full-drill" if drills else "schedule --format markdown",
    }[test]
    command = f"python utils/aws_mgmt/dr_cli.py -e {env.name}"
    return {
        "if": (f"github.event.schedule == '{cron}' || " if cron else "") + f"inputs.test == '{test}'",
        "runs-on": "ubuntu-latest",
        "environment": f"{env.name}-drill" if drills else env.name,
        "timeout-minutes": 360,
        "permissions": {"contents": "read", "id-token": "write"},
        "steps": [
            *ci_steps.setup_steps(),
            ci_steps.signed_in(env.regions.dr, role_of(env, test), test, 14400 if drills else 3600),
            {"name": "Run the test", "run": f"{command} {words}"},
            {"name": "Fail where a test is overdue", "if": "always()", "run": f"{command} schedule --trend"},
            ci_steps.report_artifact(f"dr-{test}"),
        ],
    }


def _reason(env: Environment, test: str) -> str:
    return _REASONS[test] if test != "full-drill" or _drills(env, test) else _REASONS["by people"]


_REASONS = {
    "infrastructure": "Looks, and records the run in the control table.",
    "tabletop": "Prepares the exercise: it counts once people hold it and record a decision (--answers).",
    "full-drill": "The environment of this job must ask for a reviewer: the drill moves the estate there and back.",
    "by people": "No full drill is allowed here: this reminds the people who order a planned failover and failback.",
}
_HEAD = """\
# The DR tests of {env}, on their schedule. Generated from environments/{env}.toml by `make docs`: do not edit.
# Copy it to .github/workflows/; deploy/README.md describes the roles.
"""

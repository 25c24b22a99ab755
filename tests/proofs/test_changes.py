"""Changes made through the endpoint with plain boto3 turn exactly the right checks red, and back.

None of them hides anything: what is missing is a gap that one check tells, with its subject and its remedy, and never
an unknown, so that the command ends with 1 and not with 3.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_checks.core.model import Finding, Status
from dr_checks.core.verdict import verdict_of
from dr_estate.config.environment import load_environment
from sandbox.core.people import AccessKeys
from tests.proofs import changes
from tests.proofs.changes import Aws, Made
from tests.proofs.watching import Watch, not_passed
from tests.utils.running import ROOT, dr_cli
from utils.aws_mgmt.app.exit_codes import Exit, exit_of

pytestmark = pytest.mark.proof
PATIENCE_S = 20


@dataclass(frozen=True)
class Case:
    """A change, the services it touches, and by check the subject and the words of the remedy it must be told with.

    ``at_times``: what is red beside them at some minutes of the hour, while the newest hourly copy is on its way.
    """

    made: Made
    touches: tuple[str, ...]
    told: dict[str, tuple[str, str]]
    at_times: frozenset[str] = frozenset()


CASES = [
    Case(changes.image_deleted, ("ecr",), {"ecr.digest-present": ("sit-wordpress", "ecr")}),
    Case(
        changes.secret_replica_removed,
        ("secretsmanager",),
        {
            "secrets.secret-exists": ("sit-{tenant}-db-credentials", "replicate-secret-to-regions"),
            "rpo.met": ("secrets sit-{tenant}-db-credentials", "checks of the secrets"),
        },
    ),
    Case(
        changes.dr_service_deleted,
        ("ecs",),
        {
            "ecs.service-exists": ("sit-{tenant}-service", "aws_ecs_service"),
            "sites.every-site-answers": ("{host}", ""),
        },
    ),
    Case(changes.ttl_of_an_hour, ("route53",), {"dns.short-ttl": ("{host} CNAME", "ttl = 60")}),
    Case(
        changes.efs_replication_deleted,
        ("efs",),
        {
            "efs.replication-state": ("sit-efs", "create-replication-configuration"),
            "backup-plan.worst-case": ("sit-efs", "replication.files"),
        },
        at_times=frozenset({"rpo.met", "rpo.skew"}),
    ),
    Case(changes.dr_topic_deleted, ("sns",), {"topics.in-both-regions": ("bbws-dr-events", "aws_sns_topic")}),
    Case(
        changes.health_check_disabled,
        ("route53",),
        {"health-checks.enabled": ("primary-", "--no-disabled")},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.made.__name__.replace("_", "-"))
def test_a_change_turns_exactly_the_right_checks_red_and_back(case: Case, sit_watch: Watch) -> None:
    world, env = sit_watch.world, sit_watch.environment
    aws = Aws(world.url, world.people["admin"], env, world.state()["tenants"][-1])
    with case.made(aws):
        results = sit_watch.judged(case.touches)
    red = not_passed(results)
    assert red == dict.fromkeys({*case.told, *(case.at_times & set(red))}, Status.FAIL)
    assert exit_of(verdict_of(list(results.values()), (), env.objectives.rpo_minutes * 60)) is Exit.NOT_READY
    for check, (subject, remedy) in case.told.items():
        gaps = [finding for finding in results[check].findings if finding.status is Status.FAIL]
        assert _tells(gaps, _filled(subject, aws), remedy), gaps
    _comes_back(sit_watch, case.touches)


def _filled(subject: str, aws: Aws) -> str:
    host = f"{aws.tenant.replace('-', '')}.{aws.env.traffic.tenant_domain}"
    return subject.replace("{tenant}", aws.tenant).replace("{host}", host)


def _tells(gaps: list[Finding], subject: str, remedy: str) -> bool:
    return all(subject in gap.subject and gap.remedy and remedy in gap.remedy for gap in gaps)


def _comes_back(watch: Watch, touched: tuple[str, ...]) -> None:
    """What was put back takes a moment, as on AWS: then all is green."""
    until = time.monotonic() + PATIENCE_S
    while (left := not_passed(watch.judged(touched))) and time.monotonic() < until:
        time.sleep(0.5)
    assert left == {}


def test_the_command_line_tells_changes_of_the_sandbox_that_is_up_and_their_mending(tmp_path: Path) -> None:
    env = load_environment(ROOT / "environments", "sit")
    up = dr_cli("-e sit --tenants 2 sandbox up --format json", tmp_path)
    assert up.code == 0, up.err
    try:
        document = json.loads(dr_cli("-e sit sandbox show --format json", tmp_path).out)
        aws = Aws(document["endpoint"], AccessKeys(**document["people"]["operator"]), env, tenant="")
        with ExitStack() as stack:
            stack.enter_context(changes.dr_topic_deleted(aws))
            stack.enter_context(changes.health_check_disabled(aws))
            red = dr_cli("-e sit --sandbox status --format json", tmp_path)
        green = dr_cli("-e sit --sandbox status --format json", tmp_path)
    finally:
        assert dr_cli("-e sit sandbox down", tmp_path).code == 0
    assert (red.code, red.report["exit"]) == (1, 1), red.out
    gaps = {result["check"]: result["findings"] for result in red.report["results"] if result["status"] == "fail"}
    assert set(gaps) == {"topics.in-both-regions", "health-checks.enabled"}
    topic = next(finding for finding in gaps["topics.in-both-regions"] if finding["status"] == "fail")
    assert (topic["side"], topic["subject"], topic["measured"]) == ("dr", "bbws-dr-events", "absent")
    assert topic["remedy"] == f"Create aws_sns_topic 'bbws-dr-events' in {env.regions.dr}."
    assert (green.code, green.report["score"]) == (0, 100), green.out

"""Notifications and alarms: subjects that SNS takes, a body to read by machine, one id for one event."""

from __future__ import annotations

import json

from dr_actions.actions.notifications import (
    MOST_SUBJECT,
    Message,
    break_glass_message,
    critical,
    refusal_in_outage,
    run_failure_message,
    topic_arn,
)
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.invocation import Invocation
from tests.dr_checks.worlds import SIT

MESSAGE = Message(
    "sit", "INC-123", "notifications/start", "failover begins", "Stop deployments.", "all teams", "r1", "out/x"
)
AGAIN = "`dr_cli.py failover --execute --incident INC-123` goes on from here."


def test_a_subject_is_short_plain_and_one_line() -> None:
    assert MESSAGE.subject == "[SIT] INC-123 failover begins"
    long = Message("sit", "INC-1", "x", "Ünfall\nin\tdetail " + "x" * 200).subject
    assert len(long) == MOST_SUBJECT
    assert long.isascii()
    assert long.isprintable()
    assert long.startswith("[SIT] INC-1 ?nfall in detail")


def test_a_body_has_every_field_and_no_time() -> None:
    document = json.loads(MESSAGE.body)
    assert document == {
        "schema": "aws-dr-manager/event/1",
        "event": MESSAGE.event,
        "environment": "sit",
        "incident": "INC-123",
        "run": "r1",
        "step": "notifications/start",
        "happened": "failover begins",
        "needed": "Stop deployments.",
        "of_whom": "all teams",
        "report": "out/x",
        "journal_head": "",
        "rules": "",
    }


def test_an_event_has_one_id_however_often_it_is_sent() -> None:
    again = Message("sit", "INC-123", "notifications/start", "failover begins, told again", run="r1")
    assert again.event == MESSAGE.event
    assert Message("sit", "INC-124", "notifications/start", "", run="r1").event != MESSAGE.event
    assert Message("sit", "INC-123", "notifications/end", "", run="r1").event != MESSAGE.event
    assert Message("sit", "INC-123", "notifications/start", "", run="r2").event != MESSAGE.event


def test_the_alarm_is_raised_in_the_dr_region_first() -> None:
    failed = run_failure_message(SIT, "INC-123", Goal.FAILOVER, "compute/scale_dr_services:x", "no capacity", AGAIN)
    calls = critical(SIT, failed, primary_answers=True)
    assert [call.region for call in calls] == [SIT.regions.dr, SIT.regions.primary]
    assert [call.params["TopicArn"] for call in calls] == [topic_arn(SIT, side, 1) for side in (Side.DR, Side.PRIMARY)]
    assert calls[0].params["TopicArn"].endswith(":bbws-ops-critical")
    assert [call.region for call in critical(SIT, failed)] == [SIT.regions.dr]


def test_the_alarm_says_what_is_needed_of_whom() -> None:
    failed = json.loads(
        run_failure_message(
            SIT, "INC-123", Goal.FAILOVER, "compute/scale_dr_services:x", "no capacity", AGAIN, report="out/report.md"
        ).body
    )
    assert failed["happened"] == "failover stopped at compute/scale_dr_services:x: no capacity"
    assert failed["needed"].endswith(AGAIN)
    assert (failed["of_whom"], failed["report"]) == ("DR Manager", "out/report.md")
    refused = refusal_in_outage(SIT, "INC-123", "no copy of the database")
    assert "DO_NOT_FAILOVER: no copy of the database" in refused.happened
    assert refused.of_whom == "Platform Admin"


def test_the_break_glass_close_command_of_a_rehearsal_is_for_the_sandbox() -> None:
    needed = break_glass_message(SIT, "INC-123", Goal.FAILOVER, "jane").needed
    assert needed.endswith("`aws iam untag-role --role-name sit-dr-break-glass --tag-keys dr:open-for`")
    assert Invocation(("-e", "sit", "--sandbox")).complete(needed).endswith(' --endpoint-url "$AWS_ENDPOINT_URL"`')


def test_an_environment_without_a_critical_topic_raises_no_alarm() -> None:
    silent = SIT.model_copy(update={"names": SIT.names.model_copy(update={"topics": ("events",)})})
    assert critical(silent, MESSAGE) == ()

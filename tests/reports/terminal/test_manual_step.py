"""The line that a person pastes: short, of the run's own world, and whole where no file can be written."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from dr_actions.model.plan import Call
from dr_estate.aws.read_client import Credentials
from reports.terminal.manual_step import ManualStepWriter

BATCH = {"Comment": "it's a drill", "Changes": [{"Action": "UPSERT", "ResourceRecordSet": {"Name": "a.example.com."}}]}
CALL = Call("route53", "ChangeResourceRecordSets", "us-east-1", {"HostedZoneId": "Z1", "ChangeBatch": BATCH})


def test_for_live_aws_the_line_names_the_file_of_its_step_and_nothing_else(tmp_path: Path) -> None:
    line = ManualStepWriter(tmp_path, Credentials()).command("traffic/shift_to_dr:example.com/2", CALL)
    file = tmp_path / "change-batch-traffic-shift_to_dr-example.com-2.json"
    assert json.loads(file.read_text()) == BATCH
    assert line == (
        f"aws route53 change-resource-record-sets --hosted-zone-id Z1 --change-batch file://{file} --region us-east-1"
    )


def test_where_no_file_can_be_written_the_change_batch_is_in_the_line(tmp_path: Path) -> None:
    words = shlex.split(ManualStepWriter(tmp_path / "missing", Credentials()).command("a", CALL))
    assert json.loads(words[words.index("--change-batch") + 1]) == BATCH


def test_an_endpoint_with_a_password_is_the_shells_own_to_know(tmp_path: Path) -> None:
    line = ManualStepWriter(tmp_path, Credentials("http://jane:s3cret@127.0.0.1:1")).command("a", CALL)
    assert line.endswith('--endpoint-url "$AWS_ENDPOINT_URL"')


def test_the_keys_of_a_sandbox_are_set_for_the_one_command_alone(tmp_path: Path) -> None:
    by_hand = ManualStepWriter(tmp_path, Credentials("http://127.0.0.1:1", "AKIA1", "a b"))
    line = by_hand.command("a", CALL)
    assert line.startswith("AWS_ACCESS_KEY_ID=AKIA1 AWS_SECRET_ACCESS_KEY='a b' AWS_SESSION_TOKEN='' aws route53 ")
    assert line.endswith("--endpoint-url http://127.0.0.1:1")
    assert "sandbox" in by_hand.subject

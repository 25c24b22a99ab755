"""A command of the AWS CLI is pasted as it is: any name is one word to the shell, and one value to the CLI."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_estate.model.invocation import aws_command

HOSTILE = [
    "a name with blanks",
    'it\'s $(touch /tmp/x) `id` "quoted"; rm -rf ~',
    "two\nlines",
    "--debug",
    "file:///etc/passwd",
    "https://example.com/value",
    '["json"]',
    "{json}",
    "",
    "\u202ebidi\u2028",
    "*",
]


def words_of(command: str) -> list[str]:
    """The words that a shell makes of the command's arguments."""
    shell = 'aws() { for word; do printf "%s\\0" "$word"; done; }; ' + command
    ran = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, check=True, cwd="/")
    return ran.stdout.decode().split("\0")[:-1]


def test_parameters_of_the_api_become_options_of_the_command_line() -> None:
    command = aws_command(
        "rds", "ModifyDBInstance", "eu-west-1", DBInstanceIdentifier="sit-mysql", MultiAZ=True, AllocatedStorage=200
    )
    assert command == (
        "aws rds modify-db-instance --region eu-west-1 --db-instance-identifier sit-mysql --multi-az "
        "--allocated-storage 200"
    )


def test_false_word_lists_and_structures_are_written_as_the_cli_reads_them() -> None:
    unset = aws_command("ecs", "UpdateService", "eu-west-1", service="s", forceNewDeployment=False)
    assert unset.endswith("--service s --no-force-new-deployment")
    assert aws_command("s3", "HeadBucket", "r", Bucket="b") == "aws s3api head-bucket --region r --bucket b"
    listed = aws_command("cloudwatch", "EnableAlarmActions", "r", AlarmNames=["one", "a b"])
    assert listed.endswith("--alarm-names one 'a b'")
    inner = aws_command("efs", "CreateAccessPoint", "r", PosixUser={"Uid": 33, "Gid": 33})
    assert inner.endswith("""--posix-user '{"Uid":33,"Gid":33}'""")


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_name_is_one_value_of_the_call(value: str) -> None:
    assert_is_sent(value)


@settings(max_examples=20)
@given(st.text())
def test_any_name_is_one_value_of_the_call(value: str) -> None:
    assert_is_sent(value.encode(errors="replace").decode())


def assert_is_sent(value: str) -> None:
    command = aws_command("secretsmanager", "TagResource", "eu-west-1", SecretId=value, Tags=[{"Key": value}])
    assert command.isascii()
    assert command.isprintable()
    assert "`" not in command
    service, operation, region, name, *rest = words_of(command)
    assert (service, operation, region, name) == ("secretsmanager", "tag-resource", "--region", "eu-west-1")
    if rest[0] == "--cli-input-json":
        assert json.loads(rest[1]) == {"SecretId": value, "Tags": [{"Key": value}]}
    else:
        assert rest[:2] == ["--secret-id", value]
        assert (rest[2], json.loads(rest[3])) == ("--tags", [{"Key": value}])

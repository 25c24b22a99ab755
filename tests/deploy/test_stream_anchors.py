"""The stack by which AWS anchors the control table: its function, deployed from the template, and what it writes."""

from __future__ import annotations

import importlib.util
import json
import re
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from dr_actions.iam.policies import StackRole, automated_policies, declared_operations, policies
from dr_actions.journal.stream_comparison import StreamAnchors
from dr_actions.model.plan import Call
from dr_estate.config.environment import load_environment
from dr_estate.model.stream_records import VIEW, image_digest
from sandbox.core.deployed import DEPLOYED
from sandbox.moto_ext import install
from sandbox.moto_ext.iam.policies import ALLOWED, EXPLICIT_DENY, AccessRequest, IamPolicy, decide
from utils.aws_mgmt.app.options import ROOT
from utils.aws_mgmt.generate.deploy_files import DEPLOY
from utils.aws_mgmt.generate.stacks import anchor_parameters

SOURCE = DEPLOY / "anchors" / "index.py"
PROD = load_environment(ROOT / "environments", "prod")
SIT = load_environment(ROOT / "environments", "sit")
NAMED = SIT.model_copy(update={"names": SIT.names.model_copy(update={"stream_bucket": "stream-{env}"})})
TEMPLATE = json.loads((DEPLOY / "cloudformation" / "stream-anchors.json").read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]
LONGEST_NAME = 1024  # bytes of an object's name (S3 User Guide, "Naming Amazon S3 objects")
HEAD = "ab" * 32


@cache
def function() -> ModuleType:
    spec = importlib.util.spec_from_file_location("index", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Bucket:
    """A bucket as the function puts into it, and a sender of the calls by which the tool reads it."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def put_object(self, Key: str, **_: Any) -> None:  # noqa: N803 - boto3's
        self.names.append(Key)

    def send(self, call: Call) -> dict[str, Any]:
        return {"Versions": [{"Key": key} for key in self.names if key.startswith(call.params["Prefix"])]}


def record_of(
    pk: str, sk: str, image: dict[str, Any] | None, sequence: str = "100000000003498069978"
) -> dict[str, Any]:
    change: dict[str, Any] = {"Keys": {"pk": {"S": pk}, "sk": {"S": sk}}, "SequenceNumber": sequence}
    change |= {"ApproximateCreationDateTime": 1767780000.0, "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    return {"eventName": "INSERT" if image else "REMOVE", "dynamodb": change | ({"NewImage": image} if image else {})}


def bucket_after(*records: dict[str, Any]) -> Bucket:
    bucket = Bucket()
    function().keep(records, bucket, "stream-sit", "stream/sit")
    return bucket


def test_the_template_holds_the_function_that_the_tests_play() -> None:
    properties = RESOURCES["Function"]["Properties"]
    assert properties["Code"]["ZipFile"] == SOURCE.read_text(encoding="utf-8")
    assert len(properties["Code"]["ZipFile"]) < 4096, "CloudFormation takes no longer source without a bucket"
    assert properties["Handler"] == f"index.{function().handler.__name__}"
    assert set(re.findall(r"^(?:import|from) (\w+)", SOURCE.read_text(encoding="utf-8"), re.MULTILINE)) == {
        *("boto3", "hashlib", "json", "os", "re", "urllib"),
    }


def test_the_bucket_is_locked_for_years_and_only_the_function_writes() -> None:
    properties = RESOURCES["Bucket"]["Properties"]
    retention = properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert (properties["ObjectLockEnabled"], retention["Mode"]) == (True, "COMPLIANCE")
    alone = RESOURCES["FunctionAlone"]["Properties"]["PolicyDocument"]["Statement"][0]
    role = alone["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]["Fn::Sub"]
    assert (alone["Effect"], role.rpartition("/")[2]) == ("Deny", "${StreamFunction}")
    trust = RESOURCES["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert [{"Service": "lambda.amazonaws.com"}] == [row["Principal"] for row in trust]


def test_the_tool_reads_what_the_function_wrote() -> None:
    image = {"pk": {"S": "JOURNAL#INC-7"}, "sk": {"S": "000000001"}, "digest": {"S": HEAD}, "text": {"S": "x/ü"}}
    bucket = bucket_after(record_of("JOURNAL#INC-7", "000000001", image), record_of("JOURNAL#INC-7", "000000002", None))
    first, gone = StreamAnchors(bucket, NAMED).records("JOURNAL#INC-7")
    assert (first.pk, first.sk, first.event, first.head) == ("JOURNAL#INC-7", "000000001", "INSERT", HEAD)
    assert (first.created, first.sequence) == (datetime.fromtimestamp(1767780000, UTC), 100000000003498069978)
    assert first.image == image_digest(image)
    assert (gone.sk, gone.event, gone.image, gone.head) == ("000000002", "REMOVE", "-", "-")
    assert StreamAnchors(bucket, NAMED).records("JOURNAL#INC-77") == []


@given(
    pk=st.text(min_size=1, max_size=2048),
    sk=st.text(min_size=1, max_size=1024),
    value=st.sampled_from([{"S": "x"}, {"N": "1"}, {"B": "AA=="}, {"NULL": True}, {"M": {}}, {"L": []}, {"SS": ["a"]}]),
    sequence=st.integers(min_value=1, max_value=10**40 - 1).map(str),
)
def test_no_item_that_anybody_writes_holds_up_the_records_that_follow(
    pk: str, sk: str, value: dict[str, Any], sequence: str
) -> None:
    (name,) = bucket_after(record_of(pk, sk, {"pk": {"S": pk}, "sk": {"S": sk}, "digest": value}, sequence)).names
    assert len(name.encode()) <= LONGEST_NAME
    assert name.count("/") == 8
    assert len(StreamAnchors(bucket_after(record_of(pk, sk, {"digest": value}, sequence)), NAMED).records(pk)) == 1


HELD = (
    policies(PROD, declared_operations())
    | automated_policies(PROD, declared_operations())
    | {f"sit {role}": documents for role, documents in policies(SIT, declared_operations()).items()}
)
KEPT_FROM = (
    *("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "lambda:InvokeFunction"),
    *("lambda:DeleteFunction", "lambda:PutFunctionConcurrency", "lambda:AddPermission"),
    *("lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping", "lambda:DeleteEventSourceMapping"),
    *("dynamodb:UpdateTable", "dynamodb:DeleteTable", "s3:PutBucketPolicy", "s3:PutBucketObjectLockConfiguration"),
    *("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRolePolicy"),
)


@pytest.mark.parametrize("role", HELD)
def test_no_role_of_the_stack_may_touch_what_writes_anchors(role: str) -> None:
    """The recovery's and the break-glass role hold what the operator holds; nobody passes that role on."""
    iam_policies = [IamPolicy(name, json.dumps(document)) for name, document in HELD[role].items()]
    env = SIT if role.startswith("sit ") else PROD
    context = {"aws:RequestedRegion": (env.regions.dr,)}
    for action in KEPT_FROM:
        assert decide(iam_policies, AccessRequest(action, None, context)).word != ALLOWED, action
    arn = f"arn:aws:iam::{env.account}:role/{env.named(env.names.stream_function)}"
    for service in ("lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "ssm.amazonaws.com"):
        passed = AccessRequest("iam:PassRole", arn, {**context, "iam:PassedToService": (service,)})
        assert decide(iam_policies, passed).word != ALLOWED


def test_who_may_run_a_recovery_is_denied_it_by_name() -> None:
    for role in (StackRole.RECOVERY, StackRole.BREAK_GLASS):
        iam_policies = [IamPolicy(name, json.dumps(document)) for name, document in HELD[role].items()]
        for action in ("lambda:UpdateFunctionCode", "lambda:InvokeFunction", "lambda:UpdateEventSourceMapping"):
            assert decide(iam_policies, AccessRequest(action, "*", {})).word == EXPLICIT_DENY


@pytest.mark.proof
def test_what_the_template_deploys_anchors_what_is_written_into_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it but the bucket's policy and lock, which the emulator's CloudFormation does not know."""
    install()
    monkeypatch.setattr(DEPLOYED, "client_of", None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    region, table = SIT.regions.dr, SIT.named(SIT.names.control_table)
    with mock_aws():
        dynamodb, stacks = boto3.client("dynamodb", region), boto3.client("cloudformation", region)
        keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        created = dynamodb.create_table(
            TableName=table,
            KeySchema=keys,
            AttributeDefinitions=[{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": VIEW},
        )
        given = {"StreamArn": created["TableDescription"]["LatestStreamArn"], **anchor_parameters(NAMED)}
        known = {name: row for name, row in RESOURCES.items() if name != "FunctionAlone"}
        stacks.create_stack(
            StackName="anchors",
            TemplateBody=json.dumps({**TEMPLATE, "Resources": known}),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        image = {"pk": {"S": "STANDING"}, "sk": {"S": "PAUSE"}}
        dynamodb.put_item(TableName=table, Item=image)
        (stored,) = boto3.client("s3", region).list_objects_v2(Bucket=given["StreamBucket"])["Contents"]
        assert stored["Key"].startswith(f"{given['StreamFolder']}/STANDING/")
        assert image_digest(image) in stored["Key"]

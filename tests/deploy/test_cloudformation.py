"""The CloudFormation templates: linted, and applied to an emulated account."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator
from moto import mock_aws

from dr_estate.config.environment import load_environment
from dr_estate.config.recovery_settings import PEOPLE_TAG
from dr_estate.iam.statements import break_glass_trust
from dr_estate.model.stream_records import VIEW
from sandbox.moto_ext import install
from utils.aws_mgmt.app.options import ROOT
from utils.aws_mgmt.generate.deploy_files import DEPLOY

SIT = load_environment(ROOT / "environments", "sit")
PRIMARY, DR = SIT.regions.primary, SIT.regions.dr
TEMPLATES = DEPLOY / "cloudformation"
LINT = "import sys; from cfnlint.runner import main; sys.exit(main())"
USERS = {
    name: f"arn:aws:iam::123456789012:user/{person}"
    for name, person in {"Readers": "rita", "Operators": "olga", "Approvers": "adam", "Drillers": "dora"}.items()
}


@pytest.mark.proof
def test_the_templates_are_clean() -> None:
    patterns = (
        *("*.yaml", "*-policies.json", "*-automation.json", "*-outage.json", "*-start-test.json"),
        "stream-anchors.json",
    )
    templates = [str(path) for pattern in patterns for path in sorted(TEMPLATES.glob(pattern))]
    assert len(templates) >= 8
    run = subprocess.run([sys.executable, "-c", LINT, *templates], capture_output=True, text=True, check=False)
    assert ("", 0) == (run.stdout + run.stderr, run.returncode)


def test_the_aws_cli_takes_each_template_without_a_bucket() -> None:
    """`cloudformation deploy` refuses a longer file without --s3-bucket, CloudFormation a longer TemplateBody."""
    sizes = {path.name: path.stat().st_size for path in TEMPLATES.iterdir()}
    assert {} == {name: size for name, size in sizes.items() if size > 51_200}


def deploy(region: str, template: str, **more: str) -> None:
    """Create the stack of a template with the parameters of SIT; a template takes those it declares."""
    client = boto3.client("cloudformation", region)
    body = (TEMPLATES / template).read_text(encoding="utf-8")
    given = {**json.loads((TEMPLATES / "sit-parameters.json").read_text(encoding="utf-8"))["Parameters"], **more}
    parameters = [
        {"ParameterKey": key, "ParameterValue": value} for key, value in given.items() if f"\n  {key}:\n" in body
    ]
    name = template.partition(".")[0]
    client.create_stack(StackName=name, TemplateBody=body, Parameters=parameters, Capabilities=["CAPABILITY_NAMED_IAM"])
    assert "CREATE_COMPLETE" == client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]


@pytest.fixture(scope="module")
def deployed() -> Iterator[None]:
    """An account with the three stacks of SIT."""
    install()
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        for person in USERS.values():
            boto3.client("iam", "us-east-1").create_user(UserName=person.rpartition("/")[2])
        deploy(DR, "dr-region.yaml", **USERS)
        deploy(DR, "sit-policies.json")
        deploy(PRIMARY, "primary-topics.yaml")
        yield


@pytest.mark.usefixtures("deployed")
def test_the_control_table_is_as_the_tool_uses_it() -> None:
    client, name = boto3.client("dynamodb", DR), SIT.named(SIT.names.control_table)
    table = client.describe_table(TableName=name)["Table"]
    assert [("pk", "HASH"), ("sk", "RANGE")] == [(k["AttributeName"], k["KeyType"]) for k in table["KeySchema"]]
    index = table["GlobalSecondaryIndexes"][0]
    assert ("by-sk", "ALL") == (index["IndexName"], index["Projection"]["ProjectionType"])
    assert [("sk", "HASH"), ("pk", "RANGE")] == [(k["AttributeName"], k["KeyType"]) for k in index["KeySchema"]]
    assert "PAY_PER_REQUEST" == table["BillingModeSummary"]["BillingMode"]
    assert table["DeletionProtectionEnabled"]
    assert {"StreamEnabled": True, "StreamViewType": VIEW} == table["StreamSpecification"]


def test_the_control_table_can_be_recovered_and_outlives_its_stack() -> None:
    text = (TEMPLATES / "dr-region.yaml").read_text(encoding="utf-8")
    for line in ("PointInTimeRecoveryEnabled: true", "SSEEnabled: true", "DeletionPolicy: Retain"):
        assert line in text


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("region", [PRIMARY, DR])
def test_both_regions_have_the_topics(region: str) -> None:
    topics = {topic["TopicArn"].rpartition(":")[2] for topic in boto3.client("sns", region).list_topics()["Topics"]}
    assert {SIT.named(topic) for topic in SIT.names.topics} == topics


@pytest.mark.usefixtures("deployed")
def test_the_operator_gets_the_failback_policy_only_by_a_parameter() -> None:
    """By default the stack attaches it to no operator. The policies of the second stack have other names here."""
    iam = boto3.client("iam", "us-east-1")
    attached_policies = iam.list_attached_role_policies(RoleName="sit-dr-operator")["AttachedPolicies"]
    assert "sit-dr-operator-home" not in {policy["PolicyName"] for policy in attached_policies}
    names = {policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]}
    assert "sit-dr-operator-home" in names
    body = (TEMPLATES / "sit-policies.json").read_text(encoding="utf-8")
    boto3.client("cloudformation", DR).create_stack(
        StackName="home",
        TemplateBody=body.replace('"ManagedPolicyName": "', '"ManagedPolicyName": "home-'),
        Parameters=[{"ParameterKey": "AttachHome", "ParameterValue": "true"}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    policies = [
        policy for policy in iam.list_policies(Scope="Local")["Policies"] if policy["PolicyName"].startswith("home-")
    ]
    attached = {policy["PolicyName"] for policy in policies if policy["AttachmentCount"]}
    for policy in policies:
        for role in iam.list_entities_for_policy(PolicyArn=policy["Arn"])["PolicyRoles"]:
            iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=policy["Arn"])
    assert "home-sit-dr-operator-home" in attached


@pytest.mark.usefixtures("deployed")
def test_the_control_table_says_how_many_people_a_plan_needs() -> None:
    dynamodb = boto3.client("dynamodb", DR)
    arn = dynamodb.describe_table(TableName=SIT.named(SIT.names.control_table))["Table"]["TableArn"]
    tags = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    assert {"Key": PEOPLE_TAG, "Value": str(SIT.approvals.people)} in tags


def trust(role: str) -> list[dict[str, Any]]:
    document: Any = boto3.client("iam", "us-east-1").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    statements: list[dict[str, Any]] = document["Statement"]
    return statements


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("role", "own", "other"),
    [
        ("operator", "Operators", "Approvers"),
        ("approver", "Approvers", "Operators"),
        ("drill", "Drillers", "Approvers"),
    ],
)
def test_operator_and_approver_are_different_people_under_their_own_names(role: str, own: str, other: str) -> None:
    allowed, denied = trust(f"sit-dr-{role}")[:2]
    assert ("Allow", [USERS[own]]) == (allowed["Effect"], allowed["Principal"]["AWS"])
    assert {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
    } == allowed["Condition"]
    assert ("Deny", [USERS[other]]) == (denied["Effect"], denied["Principal"]["AWS"])


@pytest.mark.usefixtures("deployed")
def test_who_holds_drills_approves_nothing() -> None:
    denied = [statement["Principal"]["AWS"] for statement in trust("sit-dr-approver") if statement["Effect"] == "Deny"]
    assert [[USERS["Operators"]], [USERS["Drillers"]]] == denied


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("role", ["reader", "operator", "approver", "drill"])
def test_each_role_holds_its_generated_policies(role: str) -> None:
    client = boto3.client("iam", "us-east-1")
    attached_policies = client.list_attached_role_policies(RoleName=f"sit-dr-{role}")["AttachedPolicies"]
    wanted = json.loads((DEPLOY / "terraform" / "sit.tfvars.json").read_text(encoding="utf-8"))["roles"][role]
    own = [policy for policy in wanted["policies"] if (role, policy) != ("operator", "sit-dr-operator-home")]
    assert own == sorted(policy["PolicyName"] for policy in attached_policies)


def test_recovery_and_break_glass_get_the_failback_policy_by_a_parameter() -> None:
    template = json.loads((TEMPLATES / "prod-automation.json").read_text(encoding="utf-8"))
    assert "false" == template["Parameters"]["AttachHome"]["Default"]
    for role in ("Recovery", "BreakGlass"):
        condition, attached, by_default = template["Resources"][role]["Properties"]["ManagedPolicyArns"]["Fn::If"]
        assert ("GoesHome", ["prod-dr-operator-home"]) == (
            condition,
            [arn.rpartition("/")[2] for arn in attached if arn not in by_default],
        )


def test_the_start_test_has_the_drill_rights_and_a_schedule_of_one_task() -> None:
    template = json.loads((TEMPLATES / "prod-start-test.json").read_text(encoding="utf-8"))["Resources"]
    attached = [arn.rpartition("/")[2] for arn in template["Test"]["Properties"]["ManagedPolicyArns"]]
    variables = json.loads((DEPLOY / "terraform" / "prod.tfvars.json").read_text(encoding="utf-8"))
    assert variables["roles"]["drill"]["policies"] == attached == variables["start_test"]["policies"]
    (container,) = template["Task"]["Properties"]["ContainerDefinitions"]
    assert ["-e", "prod", "test", "--infra", "--start"] == container["Command"] == variables["start_test"]["command"]
    run, hand_on = template["Scheduler"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert ["ecs:RunTask", "iam:PassRole"] == [run["Action"], hand_on["Action"]]
    assert all("task-definition/prod-dr-start-test" in arn for arn in run["Resource"])
    assert "dev-start-test.json" not in {path.name for path in TEMPLATES.iterdir()}


def test_aws_starts_a_dry_run_of_the_document_each_month_and_nothing_else() -> None:
    template = json.loads((TEMPLATES / "prod-automation.json").read_text(encoding="utf-8"))["Resources"]
    variables = json.loads((DEPLOY / "terraform" / "prod.tfvars.json").read_text(encoding="utf-8"))
    given, schedule = variables["automation"]["dry_start"], template["DryStart"]["Properties"]
    assert (schedule["Target"]["Input"], schedule["ScheduleExpression"]) == (given["input"], given["cron"])
    assert schedule["Target"]["Arn"].endswith(":aws-sdk:ssm:startAutomationExecution")
    request, document = json.loads(given["input"]), template["Document"]["Properties"]
    model = boto3.client("ssm", "eu-west-1").meta.service_model.operation_model("StartAutomationExecution").input_shape
    assert not ParamValidator().validate(request, model).has_errors()
    assert (request["DocumentName"], request["DocumentVersion"]) == (document["Name"], "$DEFAULT")
    taken = document["Content"]["parameters"]
    assert request["Parameters"]["Goal"] == ["look"], "nobody approves it, and it changes nothing"
    for name, (value,) in request["Parameters"].items():
        assert re.fullmatch(taken[name].get("allowedPattern", ".*"), value), name
    policy = json.loads(given["policy"])
    assert template["DryStarter"]["Properties"]["Policies"][0]["PolicyDocument"] == policy
    actions = {action for row in policy["Statement"] for action in row["Action"]}
    assert actions == {"ssm:StartAutomationExecution", "iam:PassRole"}
    assert all("*" != resource for row in policy["Statement"] for resource in row["Resource"])


def test_only_operators_begin_a_break_glass_session_of_one_hour() -> None:
    roles = json.loads((TEMPLATES / "prod-automation.json").read_text(encoding="utf-8"))["Resources"]
    role = roles["BreakGlass"]["Properties"]
    assert 3600 == role["MaxSessionDuration"]
    trust = break_glass_trust({"Ref": "Operators"}, {"Ref": "Approvers"})
    assert trust == role["AssumeRolePolicyDocument"]["Statement"]
    terraform = (DEPLOY / "terraform" / "automation.tf").read_text(encoding="utf-8")
    assert "max_session_duration = 3600" in terraform

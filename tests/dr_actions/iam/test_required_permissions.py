"""AWS's own texts, as botocore holds them, name what an operation needs: each declared one is granted all of it.

The texts are the documentation of the operations and their parameters; only what AWS publishes as an IAM action counts.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

import pytest

from dr_actions.iam.policies import IamRole, declared_operations
from dr_estate.iam.statements import Statement
from sandbox.moto_ext.iam.policies import ALLOWED, AccessRequest, IamPolicy, decide
from tests.dr_actions.iam.test_policies import DR, GLOBAL, HELD, PRIMARY, SESSION, judged, published

DECLARED = declared_operations()
HOLDER = {
    **dict.fromkeys(DECLARED.drills, IamRole.DRILL),
    **dict.fromkeys(DECLARED.writes | DECLARED.control, IamRole.OPERATOR),
    **dict.fromkeys(DECLARED.reads, IamRole.READER),
}
_ACTION = re.compile(r"\b([a-z][a-z0-9-]+):([A-Z][A-Za-z]+)\b")
_TAG = re.compile(r"<[^>]+>")

NOT_NEEDED = {
    ("iam:SimulatePrincipalPolicy", "iam:CreateUser"): "an example of a value, not a permission",
    ("logs:GetLogEvents", "logs:Unmask"): "for the parameter 'unmask', which is never sent",
    ("s3control:UpdateJobStatus", "s3:UpdateJobStatus"): "granted where a role is named: test_batch_policies.py",
    ("s3:GetObject", "kms:GenerateDataKey"): "reading what KMS encrypts decrypts; data keys are made for writing",
    ("s3:GetObject", "s3:GetObjectVersion"): "for the parameter 'VersionId', which is never sent",
    ("s3:GetObject", "s3:ListBucket"): "with it a missing object is a 404 instead of a 403: optional",
    ("s3:HeadObject", "kms:GenerateDataKey"): "for the parameter 'ChecksumMode', which is never sent",
    ("s3:HeadObject", "kms:Decrypt"): "for the parameter 'ChecksumMode', which is never sent",
    ("secretsmanager:StopReplicationToReplica", "secretsmanager:DeleteResourcePolicy"): "for replicas across accounts",
    ("ssm:GetParametersByPath", "ssm:GetParameter"): "named because this operation is not authorized against it",
    ("sts:GetCallerIdentity", "iam:DeleteVirtualMFADevice"): "the title of a page of the IAM User Guide",
}
"""What a text names and its operation, as it is sent here, does not need; with the reason."""


def needed() -> Iterator[tuple[str, str]]:
    """Each declared operation with each IAM action that its texts name; directory buckets (s3express) are not used."""
    for operation in sorted(HOLDER):
        service, name = operation.split(":")
        model = SESSION.get_service_model(service).operation_model(name)
        parameters = model.input_shape.members.values() if model.input_shape else ()
        texts = (model.documentation, *(parameter.documentation for parameter in parameters))
        found = {match.groups() for text in texts for match in _ACTION.finditer(_TAG.sub(" ", html.unescape(text)))}
        for prefix, action in sorted(found):
            if prefix != "s3express" and action.lower() in published().get(prefix, {}).get("Actions", ()):
                yield operation, f"{prefix}:{action}"


def granted(role: IamRole, action: str, region: str) -> bool:
    """Whether the role may do it there on something: whatever tags and names its own statements ask for are given."""
    allowed = [
        IamPolicy(name, json.dumps({"Statement": [_unconditional(statement) for statement in document["Statement"]]}))
        for name, document in HELD[role].items()
    ]
    tagged = {"aws:ResourceTag/dr:drill": ("DRILL-1",), "aws:ResourceTag/Name": ("sit-efs-drill-1",)}
    context = {"aws:RequestedRegion": (region,), "aws:userid": ("AROA1:alice",), **tagged}
    return ALLOWED == decide(allowed, AccessRequest(action, None, context)).word


def _unconditional(statement: Statement) -> Statement:
    return (
        {key: value for key, value in statement.items() if key != "Condition"}
        if statement["Effect"] == "Allow"
        else statement
    )


def test_every_declared_operation_is_granted_to_its_sender() -> None:
    missing = [
        (operation, action)
        for operation, action in needed()
        if (operation, action) not in NOT_NEEDED
        and not any(granted(HOLDER[operation], action, region) for region in (PRIMARY, DR, GLOBAL))
    ]
    assert [] == missing


def test_the_texts_are_read_and_no_exemption_outlives_its_text() -> None:
    found = set(needed())
    assert len(found) > 30
    assert ("s3:CopyObject", "s3:PutObjectAnnotation") in found
    assert ("efs:DeleteMountTarget", "ec2:DeleteNetworkInterface") in found
    assert set() == set(NOT_NEEDED) - found


@pytest.mark.parametrize(
    ("action", "bucket", "region"),
    [
        ("s3:GetObject", "bbws-templates-sit", PRIMARY),
        ("s3:PutObjectAnnotation", "bbws-templates-sit", PRIMARY),
        ("s3:GetObjectVersionAnnotation", "bbws-templates-sit-dr", DR),
    ],
)
def test_a_conditional_copy_home_reads_its_destination_and_annotations(action: str, bucket: str, region: str) -> None:
    """CopyObject with If-Match needs s3:GetObject at the destination (S3 User Guide, "Conditional writes")."""
    assert ALLOWED == judged(IamRole.OPERATOR, action, region, f"arn:aws:s3:::{bucket}/a/key")
    assert ALLOWED != judged(IamRole.READER, action, region, f"arn:aws:s3:::{bucket}/a/key")

"""A whole run where AWS anchors the control table, IAM enforced: its record is believed, with all that it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Side, load_environment
from dr_estate.model.dynamodb_values import encode_item
from tests.proofs.changes import Aws
from tests.utils.running import at_endpoint, rules
from tests.utils.test_fence import QUICK
from tests.utils.test_stream_anchors import attacks
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

STREAM = '[names]\nstream_bucket = "bbws-dr-stream-sit"'


@pytest.mark.whole_run("fence")
def test_what_a_run_wrote_is_as_aws_anchored_it(tmp_path: Path) -> None:
    config = rules(tmp_path, "sit", f"{QUICK}\n{STREAM}")
    with borrowed(load_environment(config, "sit"), tenants=1) as world:
        world.timing(transition_s=0)
        world.inject("both-regions-serve")
        world.enforce_iam(True)

        def run(words: str) -> tuple[int, str]:
            ran = at_endpoint(world, tmp_path, f"-e sit --config {config} {words}", "operator")
            return ran.code, ran.out + ran.err

        code, shown = run("fence --side primary --execute --incident INC-1")
        assert code == 0, shown
        for words in ("pause --reason tea", "unpause"):
            assert run(words)[0] == 0
        code, shown = run("log --verify --incident INC-1")
        assert (code, "what else was written meanwhile is as it was written" in " ".join(shown.split())) == (0, True), (
            shown
        )


@pytest.mark.parametrize("role", ["recovery_role", "break_glass_role"])
def test_a_session_of_a_recoverys_role_keeps_aws_from_nothing(tmp_path: Path, role: str) -> None:
    """Its trust is opened by the administrator, so that what stops the session is what the role itself may do."""
    config = rules(tmp_path, "prod", STREAM.replace("-sit", "-prod"))
    env = load_environment(config, "prod")
    with borrowed(env, tenants=1) as world:
        admin = Aws(world.url, world.people["admin"], env, tenant="")
        name, account = env.named(getattr(env.names, role)), f"arn:aws:iam::{env.account}"
        trust = {"Effect": "Allow", "Principal": {"AWS": f"{account}:root"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        admin.client("iam", Side.GLOBAL).update_assume_role_policy(RoleName=name, PolicyDocument=document)
        item = encode_item({"pk": "HISTORY", "sk": "2026-01-01#x", "by": "x", "values": {}})
        admin.client("dynamodb", Side.DR).put_item(TableName=env.named(env.names.control_table), Item=item)
        world.enforce_iam(True)
        tried = attacks(world, env)
        sts = admin.client("sts", Side.DR)
        keys = sts.assume_role(RoleArn=f"{account}:role/{name}", RoleSessionName="operator")["Credentials"]
        session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        assert (
            session.client("sts", env.regions.dr, endpoint_url=world.url)
            .get_caller_identity()["Arn"]
            .endswith(f":assumed-role/{name}/operator")
        )
        passed = []
        for attack, (service, operation, params) in tried.items():
            with pytest.raises(ClientError) as answer:
                getattr(session.client(service, env.regions.dr, endpoint_url=world.url), operation)(**params)
            if "AccessDenied" not in answer.value.response["Error"]["Code"]:
                passed.append((attack, answer.value.response["Error"]["Code"]))
        assert passed == []

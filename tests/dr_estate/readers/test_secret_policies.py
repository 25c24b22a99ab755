"""The policies of the secrets of the DR region, whatever AWS answers of a replica."""

from __future__ import annotations

from pathlib import Path

import pytest

from dr_estate.config.environment import Environment, Side
from dr_estate.readers import secret_policies
from dr_estate.snapshot.observer import observe
from sandbox.core import truth
from tests.dr_checks.worlds import SIT
from tests.hosting import hosted
from tests.proofs.changes import Aws
from tests.proofs.watching import reader_of
from tests.sandbox.moto_ext.test_truth import write_answers

pytestmark = pytest.mark.proof
POLICY = '{"Version": "2012-10-17", "Statement": []}'


def _policies(env: Environment) -> list[tuple[str, str]]:
    """Name and text of each policy, once the primary's secrets have one."""
    with hosted(env, 1) as world:
        aws = Aws(world.url, world.people["admin"], env, world.state()["tenants"][0])
        secrets = aws.client("secretsmanager", Side.PRIMARY)
        for secret in secrets.list_secrets()["SecretList"]:
            secrets.put_resource_policy(SecretId=secret["ARN"], ResourcePolicy=POLICY)
        seen = observe(env, reader_of(world), "sandbox", only=frozenset({secret_policies.policies.name}))
        rows = seen.get(secret_policies.policies, Side.DR)
        return [(row.arn, row.text) for row in rows if isinstance(row, secret_policies.SecretPolicy)]


def test_a_replica_that_may_not_be_asked_has_the_policy_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_replicas = _policies(SIT)
    answers = write_answers(tmp_path / "answers.json", {"secretsmanager.replica-tells-its-policy": False})
    monkeypatch.setenv(truth.VARIABLE, str(answers))
    refused = _policies(SIT)
    assert [text for _, text in refused] == [text for _, text in of_replicas]
    assert {text for _, text in refused} == {POLICY}

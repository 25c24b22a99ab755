"""The vocabularies know every word that AWS's own models list, and an unlisted word is UNKNOWN."""

from __future__ import annotations

import botocore.session
import pytest

from dr_estate.model import states
from dr_estate.model.states import UNKNOWN, Vocabulary

VOCABULARIES = {name: value for name, value in vars(states).items() if isinstance(value, Vocabulary)}
# RDS and the status of ECS clusters and services are free text in the models.
SHAPES = {
    "TABLE": ("dynamodb", "TableStatus"),
    "INDEX": ("dynamodb", "IndexStatus"),
    "TABLE_REPLICA": ("dynamodb", "ReplicaStatus"),
    "FILE_SYSTEM": ("efs", "LifeCycleState"),
    "FILE_REPLICATION": ("efs", "ReplicationStatus"),
    "ROLLOUT": ("ecs", "DeploymentRolloutState"),
    "KEY": ("kms", "KeyState"),
    "ALARM": ("cloudwatch", "StateValue"),
    "NAT_GATEWAY": ("ec2", "NatGatewayState"),
    "LOAD_BALANCER": ("elbv2", "LoadBalancerStateEnum"),
    "CERTIFICATE": ("acm", "CertificateStatus"),
    "NETWORK_BLOCK": ("ec2", "VpcCidrBlockStateCode"),
    "VPC": ("ec2", "VpcState"),
    "SUBNET": ("ec2", "SubnetState"),
    "PUBLIC_ACCESS": ("ec2", "BlockPublicAccessMode"),
    "BATCH_JOB": ("s3control", "JobStatus"),
    "RECOVERY_POINT": ("backup", "RecoveryPointStatus"),
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_vocabulary_knows_every_word_of_the_model(name: str) -> None:
    service, shape = SHAPES[name]
    words = botocore.session.get_session().get_service_model(service).shape_for(shape).enum
    assert [] == [word for word in words if not VOCABULARIES[name][word].known]


@pytest.mark.parametrize("name", sorted(VOCABULARIES))
def test_an_unlisted_word_is_unknown_and_serves_nobody(name: str) -> None:
    assert VOCABULARIES[name]["a-word-of-tomorrow"] is UNKNOWN
    assert not UNKNOWN.serves
    assert not UNKNOWN.broken
    assert VOCABULARIES[name].source


@pytest.mark.parametrize("name", sorted(VOCABULARIES))
def test_no_state_contradicts_itself(name: str) -> None:
    for word, state in VOCABULARIES[name].words.items():
        assert state.serves or not (state.takes_writes or state.promotable), word
        assert not (state.busy and state.broken), word


@pytest.mark.parametrize(
    ("word", "writes", "promotable"),
    [
        ("available", True, True),
        ("backing-up", True, False),
        ("storage-optimization", True, True),
        ("configuring-log-exports", True, True),
        ("rebooting", False, False),
        ("storage-full", False, False),
    ],
)
def test_a_database_takes_writes_in_many_states_and_is_promoted_in_few(
    word: str, writes: bool, promotable: bool
) -> None:
    state = states.DATABASE[word]
    assert (state.takes_writes, state.promotable) == (writes, promotable)

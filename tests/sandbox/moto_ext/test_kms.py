"""KMS multi-Region keys: one id, two regions, encryption that crosses, states that do not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients


def _code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def _pair(aws: Clients) -> tuple[Any, Any, str]:
    primary, standby = aws("kms", PRIMARY), aws("kms", DR)
    key = primary.create_key(MultiRegion=True, Description="shop")["KeyMetadata"]["KeyId"]
    primary.replicate_key(KeyId=key, ReplicaRegion=DR, Description="shop copy")
    return primary, standby, key


def test_each_side_knows_which_it_is(served: Clients) -> None:
    primary, standby, key = _pair(served)
    assert len(key) == 36
    mine = primary.describe_key(KeyId=key)["KeyMetadata"]
    theirs = standby.describe_key(KeyId=key)["KeyMetadata"]
    assert mine["MultiRegionConfiguration"]["MultiRegionKeyType"] == "PRIMARY"
    assert theirs["MultiRegionConfiguration"]["MultiRegionKeyType"] == "REPLICA"
    for side in (mine, theirs):
        assert side["MultiRegionConfiguration"]["PrimaryKey"]["Region"] == PRIMARY
        assert [replica["Region"] for replica in side["MultiRegionConfiguration"]["ReplicaKeys"]] == [DR]
    assert theirs["Arn"] == mine["Arn"].replace(PRIMARY, DR)
    assert theirs["Description"] == "shop copy"


def test_what_one_region_encrypts_the_other_decrypts(aws: Clients) -> None:
    primary, standby, key = _pair(aws)
    for writer, reader in ((primary, standby), (standby, primary), (primary, primary)):
        blob = writer.encrypt(KeyId=key, Plaintext=b"shop")["CiphertextBlob"]
        assert reader.decrypt(CiphertextBlob=blob)["Plaintext"] == b"shop"


def test_a_key_of_one_region_is_unknown_in_the_other(aws: Clients) -> None:
    primary, standby = aws("kms", PRIMARY), aws("kms", DR)
    arn = primary.create_key()["KeyMetadata"]["Arn"]
    assert primary.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Enabled"
    with pytest.raises(ClientError) as refused:
        standby.describe_key(KeyId=arn)
    assert _code(refused) == "NotFoundException"
    with pytest.raises(ClientError) as refused:
        primary.replicate_key(KeyId=arn, ReplicaRegion=DR)
    assert _code(refused) == "UnsupportedOperationException"


def test_states_grants_and_aliases_belong_to_one_region(aws: Clients) -> None:
    primary, standby, key = _pair(aws)
    blob = primary.encrypt(KeyId=key, Plaintext=b"shop")["CiphertextBlob"]
    standby.create_alias(AliasName="alias/shop", TargetKeyId=key)
    standby.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::123456789012:role/x", Operations=["Decrypt"])
    assert primary.list_grants(KeyId=key)["Grants"] == []
    assert len(standby.list_grants(KeyId=key)["Grants"]) == 1
    names = {alias["AliasName"] for alias in primary.list_aliases()["Aliases"]}
    assert "alias/shop" not in names
    assert standby.describe_key(KeyId="alias/shop")["KeyMetadata"]["KeyId"] == key
    standby.disable_key(KeyId=key)
    assert standby.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    assert primary.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    with pytest.raises(ClientError) as refused:
        standby.decrypt(CiphertextBlob=blob)
    assert _code(refused) == "DisabledException"
    assert primary.decrypt(CiphertextBlob=blob)["Plaintext"] == b"shop"
    standby.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(ClientError) as refused:
        standby.encrypt(KeyId=key, Plaintext=b"shop")
    assert _code(refused) == "KMSInvalidStateException"


def test_the_primary_region_can_move(aws: Clients) -> None:
    primary, standby, key = _pair(aws)
    with pytest.raises(ClientError) as refused:
        primary.replicate_key(KeyId=key, ReplicaRegion=DR)
    assert _code(refused) == "AlreadyExistsException"
    primary.update_primary_region(KeyId=key, PrimaryRegion=DR)
    multi_region_configuration = standby.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
    assert (multi_region_configuration["MultiRegionKeyType"], multi_region_configuration["PrimaryKey"]["Region"]) == (
        "PRIMARY",
        DR,
    )
    multi_region_configuration = primary.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
    assert multi_region_configuration["MultiRegionKeyType"] == "REPLICA"


def test_a_key_that_signs_has_a_pair_of_its_own(aws: Clients) -> None:
    kms = aws("kms", PRIMARY)
    key_ids = [kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"] for _ in range(2)]
    assert len({kms.get_public_key(KeyId=key)["PublicKey"] for key in key_ids}) == 2
    signed = {"Message": b"shop", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    signature = kms.sign(KeyId=key_ids[0], **signed)["Signature"]
    assert kms.verify(KeyId=key_ids[0], Signature=signature, **signed)["SignatureValid"]


@pytest.mark.parametrize(
    ("principal", "condition", "is_denied"),
    [
        ("*", {}, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {}, True),
        ({"AWS": "arn:aws:iam::222222222222:root"}, {}, False),
        ({"AWS": ["arn:aws:iam::222222222222:root"]}, {}, False),
        ("*", {"StringNotEquals": {"kms:CallerAccount": ACCOUNT}}, False),
    ],
)
def test_a_key_policy_denies_whom_it_names(aws: Clients, principal: Any, condition: Any, is_denied: bool) -> None:
    kms = aws("kms", PRIMARY)
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    denial = {"Effect": "Deny", "Principal": principal, "Action": "kms:*", "Resource": "*", "Condition": condition}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({"Statement": [denial]}))
    if is_denied:
        with pytest.raises(ClientError, match="AccessDenied"):
            kms.describe_key(KeyId=key)
    else:
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"]

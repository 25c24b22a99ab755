"""Secrets Manager replicas (AWS: create-manage-multi-region-secrets, API_StopReplicationToReplica; T18).

Right already: values follow, version ids are the same, writes to a replica are refused. Repaired: the replica's own
key, a region replicated to twice, the promotion and the policy of a replica, the date of a change of a policy, and the
limit of 20 secrets a batch.
A disaster may set ``replica.config["Status"]`` (InProgress, Failed) on the primary's ``replicas``.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from moto.kms.models import kms_backends
from moto.secretsmanager.exceptions import InvalidParameterException, OperationNotPermittedOnReplica
from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend, SecretsStore
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.secretsmanager.utils import get_secret_name_from_partial_arn

from sandbox.core import truth
from sandbox.core.patching import operation, refused, state, wrap
from sandbox.core.state import now
from sandbox.core.timing import begin, is_real, moving

# API_BatchGetSecretValue, SecretIdList.
BATCH = 20
_SUFFIX = len("-a1B2c3")  # what AWS adds to the name in an ARN
_LOCKED = "Secrets Manager can't decrypt the protected secret text using the provided KMS key."


def _names(store: SecretsStore) -> dict[str, str]:
    """By a secret's name the key under which it lies: its own name, and a replica's ARN."""
    names = state(store, "names")
    # A world that was loaded brings the store without this index, and moto may remove past it.
    if len(names) != len(store):
        names.clear()
        names.update((secret.name, key) for key, secret in dict.items(store))
    return names


def _place(store: SecretsStore, key: str) -> str:
    """The key of the secret of this name, ARN or partial ARN: the emulator looks through all secrets each time."""
    if dict.__contains__(store, key):
        return key
    names, partial = _names(store), get_secret_name_from_partial_arn(key)
    # A whole ARN ends in six letters that AWS has added to the name.
    found = dict.get(store, names.get(partial[:-_SUFFIX], ""))
    return names.get(partial, partial) if found is None or found.arn != key else names[found.name]


@wrap(SecretsStore, "__contains__")
def _has(_: Any, self: SecretsStore, key: str) -> bool:
    return dict.__contains__(self, _place(self, key))


@wrap(SecretsStore, "get")
def _get(_: Any, self: SecretsStore, key: str) -> FakeSecret | ReplicaSecret | None:
    return dict.get(self, _place(self, key))


@wrap(SecretsStore, "__getitem__")
def _item(_: Any, self: SecretsStore, key: str) -> FakeSecret | ReplicaSecret:
    return dict.__getitem__(self, _place(self, key))


@wrap(SecretsStore, "__setitem__")
def _put(original: Any, self: SecretsStore, key: str, value: FakeSecret | ReplicaSecret) -> None:
    names = _names(self)
    original(self, key, value)
    names[value.name] = key


@wrap(SecretsStore, "pop")
def _take(_: Any, self: SecretsStore, key: str) -> FakeSecret | ReplicaSecret | None:
    return dict.pop(self, _place(self, key), None)


@wrap(FakeSecret, "create_replicas")
def _create_replicas(
    original: Any, self: FakeSecret, replica_regions: list[dict[str, str]], force_overwrite: bool
) -> list[ReplicaSecret]:
    known = {existing.region for existing in self.__dict__.get("replicas", [])}
    for replica_region in replica_regions:
        # moto makes a second replica in the same region.
        if replica_region["Region"] in known:
            raise InvalidParameterException(f"The secret is already replicated to {replica_region['Region']}.")
    replica_secrets: list[ReplicaSecret] = original(self, replica_regions, force_overwrite)
    for replica_region, replica in zip(replica_regions, replica_secrets, strict=True):
        if key := replica_region.get("KmsKeyId"):
            replica.config["KmsKeyId"] = key
        if is_real():
            # At the real pace only: a test at the quick one waits for no replica.
            begin(replica, "InProgress", "secretsmanager.replicate", str(self.name))
    return replica_secrets


@wrap(FakeSecret, "to_dict")
def _describe_secret(original: Any, self: FakeSecret) -> dict[str, Any]:
    """As the emulator describes a secret, and how far each replica is."""
    response: dict[str, Any] = original(self)
    under_way = {replica.region: moving(replica) for replica in self.__dict__.get("replicas", [])}
    rows = response.get("ReplicationStatus") or []
    if any(under_way.values()):
        response["ReplicationStatus"] = [
            {**row, "Status": under_way.get(row["Region"]) or row["Status"]} for row in rows
        ]
    return response


@wrap(ReplicaSecret, "to_dict")
def _replica_shown(original: Any, self: ReplicaSecret) -> dict[str, Any]:
    response: dict[str, Any] = original(self)
    # moto shows the primary's key, which is of another region.
    response.pop("KmsKeyId", None)
    # AWS's own key is not named (API_DescribeSecret, KmsKeyId).
    key = self.config["KmsKeyId"]
    return response if key == SecretsManagerBackend.DEFAULT_KMS_KEY_ALIAS else {**response, "KmsKeyId": key}


@operation(SecretsManagerResponse, "stop_replication_to_replica")
def _promote(response: SecretsManagerResponse, params: dict[str, Any]) -> dict[str, str]:
    backend: SecretsManagerBackend = response.backend
    replica = backend.describe_secret(params["SecretId"])
    if not isinstance(replica, ReplicaSecret):
        raise refused("InvalidRequestException", "The secret is not a replica.")
    source = replica.source
    own = FakeSecret(
        account_id=backend.account_id,
        region_name=backend.region_name,
        secret_id=source.secret_id,
        secret_version={},
        version_id="",
        description=source.description,
        tags=deepcopy(source.tags),
        kms_key_id=replica.to_dict().get("KmsKeyId"),
        created_date=source.created_date,
        last_changed_date=source.last_changed_date,
    )
    # Values and version ids stay those of the primary (Secrets Manager guide, standalone secret).
    own.versions, own.default_version_id = deepcopy(source.versions), source.default_version_id
    if truth.answer("secretsmanager.stop-replication-keeps-arn"):
        # Task definitions that name the replica must go on to work.
        own.arn = replica.arn
    dict.pop(backend.secrets, replica.arn)
    backend.secrets[own.secret_id] = own
    # The primary knows it no more: later values do not reach it.
    source.replicas.remove(replica)
    return {"ARN": own.arn}


@wrap(SecretsManagerBackend, "batch_get_secret_value")
def _batch(original: Any, self: SecretsManagerBackend, *args: Any, **kwargs: Any) -> Any:
    if len(kwargs.get("secret_id_list") or []) > BATCH:
        raise InvalidParameterException(f"At most {BATCH} secrets can be asked for at once.")
    found, errors, token = original(self, *args, **kwargs)
    opened = [secret for secret in found if not _is_locked(self, secret["ARN"])]
    locked = [
        # One secret with a broken key is an entry of Errors, not a failure of the call (API_BatchGetSecretValue).
        {"SecretId": secret["Name"], "ErrorCode": "DecryptionFailure", "Message": _LOCKED}
        for secret in found
        if _is_locked(self, secret["ARN"])
    ]
    return opened, errors + locked, token


def _is_locked(backend: SecretsManagerBackend, arn: str) -> bool:
    """Whether the secret's own key, where it names one, exists in this region and does not work."""
    key_id = backend.describe_secret(arn).to_dict().get("KmsKeyId") or ""
    keys = kms_backends[backend.account_id][backend.region_name]
    key = keys.keys.get(keys.any_id_to_key_id(key_id)) if key_id else None
    return key is not None and key.key_state != "Enabled"


@wrap(SecretsManagerBackend, "update_secret_version_stage")
def _move_stage(original: Any, self: SecretsManagerBackend, secret_id: str, *args: Any, **kwargs: Any) -> Any:
    refused_here = truth.answer("secretsmanager.replica-refuses-stage-move")
    if refused_here and isinstance(self.secrets.get(secret_id), ReplicaSecret):
        raise OperationNotPermittedOnReplica
    answer = original(self, secret_id, *args, **kwargs)
    # What is asked for without a version is the one that bears the label (API_GetSecretValue, VersionStage).
    found = self.secrets[secret_id]
    current = [version for version, row in found.versions.items() if "AWSCURRENT" in row["version_stages"]]
    if current and isinstance(found, FakeSecret):
        found.default_version_id = current[0]
    return answer


@wrap(SecretsManagerBackend, "get_resource_policy")
def _policy_of(original: Any, self: SecretsManagerBackend, secret_id: str) -> str:
    """A replica has the policy of its source. Whether it may be asked for it is assumed."""
    found = self.secrets.get(secret_id)
    if not isinstance(found, ReplicaSecret) or not truth.answer("secretsmanager.replica-tells-its-policy"):
        return str(original(self, secret_id))
    policy = {"ResourcePolicy": found.source.policy} if found.source.policy else {}
    return json.dumps({"ARN": found.arn, "Name": found.source.name, **policy})


@wrap(SecretsManagerBackend, "put_resource_policy", "delete_resource_policy")
def _changes(original: Any, self: SecretsManagerBackend, secret_id: str, *args: Any, **kwargs: Any) -> Any:
    """AWS: LastChangedDate is when the secret was modified in any way."""
    answer = original(self, secret_id, *args, **kwargs)
    changed = self.secrets[secret_id]
    if isinstance(changed, FakeSecret):
        changed.last_changed_date = int(now().timestamp())
    return answer

"""KMS multi-Region keys and key states (AWS: multi-region-keys-overview, API_ReplicateKey, key-state; T19).

The emulator's multi-Region ids are four characters too long for its own ciphertext header, so nothing encrypted with
one can be decrypted; primary and replica share one "REPLICA" label, their grants and their aliases; and keys that
are disabled still encrypt.
"""

from __future__ import annotations

import json
import re
import uuid
from copy import copy, deepcopy
from typing import Any

import moto.kms.models as kms_models
from moto.core.base_backend import BaseBackend
from moto.kms import policy_validator
from moto.kms.exceptions import NotFoundException
from moto.kms.models import Key, KmsBackend, kms_backends
from moto.kms.policy_validator import action_matches, resource_matches
from moto.kms.responses import KmsResponse

from sandbox.core.patching import attach, attribute, operation, refused, wrap

# mrk- and 32 digits for a multi-Region key, a UUID for all others (KMS guide, key identifiers).
KEY_ID = re.compile(r"mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Every other state is KMSInvalidStateException (KMS guide, key states).
UNUSABLE = {"Disabled": "DisabledException"}


def generate_key_id(multi_region: bool = False) -> str:
    """A key id as AWS forms them: a UUID, or mrk- and 32 hexadecimal digits."""
    name = uuid.uuid4()
    # The length that moto's own ciphertext header takes.
    return f"mrk-{name.hex}" if multi_region else str(name)


def key_of_aws(backend: BaseBackend, alias: str) -> str:
    """The ARN of the key that AWS keeps for a service in the backend's region, by its alias: made when first used."""
    kms = kms_backends[backend.account_id][backend.region_name]
    if not kms.alias_exists(alias):
        key = kms.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", f"Default key of {alias}", None)
        key.key_manager = "AWS"
        kms.create_alias(key.id, alias)
    return str(kms.keys[kms.any_id_to_key_id(alias)].arn)


@attach(KmsResponse)
def _validate_cmk_id(self: KmsResponse, key_id: str) -> None:
    plain_id = self.kms_backend.get_key_id(key_id)
    arn = key_id.startswith("arn:") and ":key/" in key_id
    if not arn and not KEY_ID.fullmatch(plain_id):
        raise NotFoundException(f"Invalid keyId {key_id}")
    # A key of another region is not found: KMS never looks beyond its own.
    foreign = arn and key_id.split(":")[3] != self.region
    if foreign or plain_id not in self.kms_backend.keys:
        raise NotFoundException(f"Key '{self._display_arn(key_id)}' does not exist")


def _siblings(key: Key) -> list[Key]:
    """The key in every region it lives in, its primary and itself included."""
    config = key.multi_region_configuration
    regions = [config["PrimaryKey"]["Region"], *(replica_key["Region"] for replica_key in config["ReplicaKeys"])]
    # One that was deleted in its region is still in the configuration of the others.
    return [found for region in regions if (found := kms_backends[key.account_id][region].keys.get(key.id))]


def _configure(keys: list[Key], primary_region: str) -> None:
    keys_by_region = {key.region: {"Arn": key.arn, "Region": key.region} for key in keys}
    for key in keys:
        key.multi_region_configuration = {
            "MultiRegionKeyType": "PRIMARY" if key.region == primary_region else "REPLICA",
            "PrimaryKey": keys_by_region[primary_region],
            "ReplicaKeys": [entry for region, entry in keys_by_region.items() if region != primary_region],
        }


def _primary(backend: KmsBackend, key_id: str) -> Key:
    key = backend.keys[backend.any_id_to_key_id(key_id)]
    if not key.multi_region:
        raise refused("UnsupportedOperationException", f"{key.arn} is not a multi-Region key.")
    if key.multi_region_configuration["MultiRegionKeyType"] != "PRIMARY":
        raise refused("UnsupportedOperationException", f"{key.arn} is a replica: ask the primary key's Region.")
    return key


@attach(KmsBackend)
def replicate_key(self: KmsBackend, key_id: str, replica_region: str) -> Key:
    """Make the replica: same id and material; state, policy, grants and aliases of its own."""
    primary, target = _primary(self, key_id), kms_backends[self.account_id][replica_region]
    if primary.id in target.keys:
        raise refused("AlreadyExistsException", f"Key {primary.id} already exists in {replica_region}.")
    # The same material: what one encrypts the other decrypts (KMS guide, multi-Region keys).
    replica = copy(primary)
    replica.region = replica_region
    replica.arn = primary.arn.replace(f":{primary.region}:", f":{replica_region}:")
    replica.key_state, replica.enabled, replica.deletion_date = "Enabled", True, None
    # Only id, material, spec, usage and rotation are shared properties (KMS guide, multi-Region keys).
    replica.grants, replica.aliases, replica.rotations = {}, {}, deepcopy(primary.rotations)
    target.keys[replica.id] = replica
    _configure([*_siblings(primary), replica], primary.region)
    return replica


@wrap(KmsResponse, "replicate_key")
def _replicate(original: Any, self: KmsResponse) -> Any:
    answer = original(self)
    key_id = self.kms_backend.any_id_to_key_id(self._get_param("KeyId"))
    target = kms_backends[self.current_account][self._get_param("ReplicaRegion")]
    replica = target.keys[key_id]
    replica.description = self._get_param("Description") or ""
    # Not the primary's: a replica without a given policy gets the default one (API_ReplicateKey).
    replica.policy = self._get_param("Policy") or replica.generate_default_policy()
    target.tagger.tag_resource(replica.id, self._get_param("Tags") or [])
    return answer


@operation(KmsResponse, "update_primary_region")
def _move_primary(response: KmsResponse, params: dict[str, Any]) -> None:
    key, region = _primary(response.kms_backend, params["KeyId"]), params["PrimaryRegion"]
    keys = _siblings(key)
    if region not in {sibling.region for sibling in keys}:
        raise refused("NotFoundException", f"Key {key.id} has no replica in {region}.")
    # The former primary becomes a replica; key ids and ARNs stay (API_UpdatePrimaryRegion).
    _configure(keys, region)


@attach(KmsBackend)
def describe_key(self: KmsBackend, key_id: str) -> Key:
    """The key of this region, as its own configuration says."""
    return self.keys[self.any_id_to_key_id(key_id)]


@wrap(KmsBackend, "delete_key")
def _delete_key(original: Any, self: KmsBackend, key_id: str) -> None:
    key = self.keys.get(key_id)
    original(self, key_id)
    if key is not None and key.multi_region:
        primary_region = key.multi_region_configuration["PrimaryKey"]["Region"]
        _configure(_siblings(key), primary_region)


def _require_usable(key: Key) -> None:
    if key.key_state != "Enabled":
        code = UNUSABLE.get(key.key_state, "KMSInvalidStateException")
        raise refused(code, f"{key.arn} is {key.key_state.lower()}.")


@wrap(KmsBackend, "enable_key", "disable_key", "schedule_key_deletion", "cancel_key_deletion")
def _by_id(original: Any, self: KmsBackend, key_id: str, *args: Any, **kwargs: Any) -> Any:
    """Keys may be named by ARN too, which the emulator takes for an id here."""
    return original(self, self.any_id_to_key_id(key_id), *args, **kwargs)


@wrap(KmsBackend, "encrypt")
def _encrypt(original: Any, self: KmsBackend, key_id: str, *args: Any, **kwargs: Any) -> Any:
    key = self.keys.get(self.any_id_to_key_id(key_id))
    if key is not None:
        _require_usable(key)
    return original(self, key_id, *args, **kwargs)


@wrap(KmsBackend, "decrypt")
def _decrypt(original: Any, self: KmsBackend, *args: Any, **kwargs: Any) -> Any:
    plaintext, arn = original(self, *args, **kwargs)
    # After the original: only the ciphertext says which key it is of.
    _require_usable(self.keys[self.get_key_id(arn)])
    return plaintext, arn


@wrap(KmsResponse, "list_aliases")
def _aliases(original: Any, self: KmsResponse) -> str:
    document = json.loads(original(self))
    mine = f":kms:{self.region}:"
    document["Aliases"] = [alias for alias in document["Aliases"] if mine in alias["AliasArn"]]
    return json.dumps(document)


def check_statement(statement: dict[str, Any], resource: str, action: str) -> bool:
    """Whether a statement is about everybody without a condition: the emulator looks at no principal and takes any."""
    given = statement.get("Principal", "*")
    named = given.get("AWS", []) if isinstance(given, dict) else given
    # moto's check looks at no principal: a denial to somebody else would meet everybody.
    everybody = {"*", f"arn:aws:iam::{resource.split(':')[4]}:root"}
    is_for_all = bool(everybody.intersection([named] if isinstance(named, str) else named))
    of_all = action_matches(statement.get("Action", []), action) and resource_matches(
        statement.get("Resource", ""), resource
    )
    return is_for_all and of_all and not statement.get("Condition")


attribute(policy_validator, check_statement=check_statement)
attribute(kms_models, generate_key_id=generate_key_id)

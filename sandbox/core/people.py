"""The sandbox's people and their access keys. Keys are derived from the account, so they survive a restart."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.core.state import STATE, now

if TYPE_CHECKING:  # code that only names a person parses no requests
    from sandbox.core.request_parser import ApiCall, Environ

PEOPLE = ("reader", "operator", "approver", "driller", "admin")

# Whose keys belong to another account: for proving that a mismatch is refused.
STRANGER = "stranger"

# Whose keys answer ExpiredToken to every call.
EXPIRED = "expired"


@dataclass(frozen=True)
class AccessKeys:
    """An access key pair. The secret guards nothing: the sandbox does not verify signatures."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class SessionKeys(AccessKeys):
    """Temporary keys of a person, as STS gives them: from ``expires_at`` (UTC) on each call is ExpiredToken."""

    session_token: str = field(repr=False)
    expires_at: datetime


def issue_session_keys(account: str, person: str, valid_s: float) -> SessionKeys:
    """Make temporary keys of ``person`` that are good for ``valid_s`` seconds. Raises KeyError for nobody's name."""
    own = all_keys(account)[person]
    keys = SessionKeys(
        # STS begins the id of temporary keys with ASIA, of lasting ones with AKIA (IAM user guide, unique identifiers).
        f"ASIA{base64.b32encode(secrets.token_bytes(10)).decode()}",
        own.secret_access_key,
        secrets.token_urlsafe(48),
        now() + timedelta(seconds=valid_s),
    )
    # A new dictionary each time: a world kept in memory must not change with the one that goes on.
    issued = {**STATE.extras.get("session_keys", {}), keys.access_key_id: (person, keys.expires_at.isoformat())}
    STATE.extras["session_keys"] = issued
    return keys


def expire_session_keys() -> None:
    """Let every pair of temporary keys that was issued end now."""
    issued = STATE.extras.get("session_keys", {})
    STATE.extras["session_keys"] = {key: (person, now().isoformat()) for key, (person, _) in issued.items()}


def keys_of(account: str, person: str) -> AccessKeys:
    """Return the key pair of ``person`` in the sandbox of ``account``."""
    digest = hashlib.sha256(f"sandbox/{account}/{person}".encode()).digest()
    readable = base64.b32encode(digest).decode()
    return AccessKeys(f"AKIA{readable[:16]}", base64.b64encode(digest).decode()[:40])


def all_keys(account: str) -> dict[str, AccessKeys]:
    """Return every person's keys, the stranger's and the expired ones included."""
    return {person: keys_of(account, person) for person in (*PEOPLE, STRANGER, EXPIRED)}


def strangers_account(account: str) -> str:
    """Return the account of the stranger: one of AWS's documentation accounts, never ``account`` itself."""
    return "111122223333" if account != "111122223333" else "444455556666"


class Registry:
    """Who owns an access key, and which account it speaks for."""

    def __init__(self, account: str) -> None:
        self.account = account
        self._people = {keys.access_key_id: person for person, keys in all_keys(account).items()}

    def person(self, access_key: str) -> str:
        """Return the person whose key it is, or "" for anyone else's."""
        return self._people.get(access_key, "")

    def resolve(self, call: ApiCall, environ: Environ) -> tuple[ApiCall, bool]:
        """The call as its person's own keys would sign it, and whether temporary keys had expired."""
        person, until = STATE.extras.get("session_keys", {}).get(call.access_key, ("", ""))
        if not person:
            return call, False
        own = keys_of(self.account, person).access_key_id
        # moto looks keys up by id in IAM: the temporary pair is unknown there, the person's own pair is not.
        environ["HTTP_AUTHORIZATION"] = environ["HTTP_AUTHORIZATION"].replace(call.access_key, own)
        return replace(call, access_key=own), now() >= datetime.fromisoformat(until)

    def account_of(self, access_key: str) -> str:
        """Return the account a key speaks for. Keys of no person and no assumed role speak for the environment's."""
        if self.person(access_key) == STRANGER:
            return strangers_account(self.account)
        # AssumeRole files its keys in the role's account;
        # get_account_id_from answers its default account for unknown keys.
        if re.match(r"ASIA", access_key):
            from moto.core.models import DEFAULT_ACCOUNT_ID
            from moto.iam.models import get_account_id_from

            found = str(get_account_id_from(access_key))
            return self.account if found == DEFAULT_ACCOUNT_ID else found
        return self.account


def settle(account: str) -> None:
    """Make the people IAM users of ``account`` with their keys, so that STS answers each one's own ARN. Repeatable.

    The admin may do everything, for where IAM is enforced; the others have what the seeding gives them.
    """
    for person in (*PEOPLE, EXPIRED):
        _user(account, person, keys_of(account, person))
    _user(strangers_account(account), STRANGER, keys_of(account, STRANGER))
    from moto.iam.models import iam_backends

    # Enforcement judges the admin as everybody: without this policy each call of a disaster would be denied.
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam_backends[account]["aws"].put_user_policy("admin", "everything", json.dumps(everything))


def _user(account: str, person: str, keys: AccessKeys) -> None:
    from moto.iam.models import iam_backends

    backend = iam_backends[account]["aws"]
    if keys.access_key_id in backend.access_keys:
        return
    if person not in backend.users:
        backend.create_user("us-east-1", person)
    key = backend.create_access_key(person, prefix="AKIA", status="Active")
    # moto draws the id of a key itself: ours is put in its place, and the dictionary is filed by id.
    del backend.access_keys[key.access_key_id]
    key.access_key_id, key.secret_access_key = keys.access_key_id, keys.secret_access_key
    backend.access_keys[keys.access_key_id] = key

"""Whether an evidence pack is as it was made: its bytes, its signature, its journal, plans and approvals. Offline."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from dr_actions.authorization.rules import digest_of
from dr_actions.journal.entries import Chain, Entry, EntryKind, read_chain
from dr_actions.model import plan as plans
from dr_estate.model.dynamodb_values import moment
from reports.evidence.pack import MANIFEST, OWN, SCHEMA, SEAL, SIGNATURE, NoPack, members_of, sha256, signed_text, tar

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

JOURNAL, MIRROR, APPROVALS = "journal.jsonl", "mirror.jsonl", "approvals.json"
INDEX, REVIEW, REFUSED_START = "index.html", "review.md", "refused-start.json"


@dataclass(frozen=True)
class PackVerdict:
    """``faults`` is empty where all holds. ``signed_by`` is the ARN of the key by the pack itself, and its public
    key's digest, "" where nobody signed; ``unsigned`` says why. ``key`` is that digest. ``about`` is the manifest.
    ``unproven`` is what the pack claims, and holds nothing to compare it with.
    """

    faults: tuple[str, ...]
    about: Mapping[str, Any]
    signed_by: str = ""
    unsigned: str = ""
    key: str = ""
    unproven: tuple[str, ...] = ()


def verify(raw: bytes) -> PackVerdict:
    """Check every byte of a pack. What cannot be read is a fault as well."""
    try:
        members = members_of(raw)
        manifest, signature = _document(members, MANIFEST), _document(members, SIGNATURE)
    except NoPack as none:
        return PackVerdict((f"This is no whole evidence pack: {none}",), {})
    # Whether a manifest has the shape that every version wrote: code that shows it can rely on that.
    missing = manifest.get("not_included", [])
    listed = isinstance(missing, list) and all(isinstance(row, str) for row in missing)
    is_manifest = listed and manifest.get("schema") == SCHEMA and isinstance(manifest.get("files"), dict)
    if not is_manifest:
        return PackVerdict((f"This is no whole evidence pack: {MANIFEST} is not one of this tool ({SCHEMA}).",), {})
    faults = [*_files(members, manifest), *_bytes(raw, members)]
    if "unsigned" not in signature:
        wrong = fault_of_signature(SIGNATURE, signed_text(members[MANIFEST]), signature)
        faults += [wrong] if wrong else []
    # Only where the bytes hold: else a changed journal would be two faults.
    if JOURNAL in members and not faults:
        faults += _record(members, manifest)
    return replace(pack_verdict(signature, faults, manifest), unproven=tuple(_unproven(members, manifest)))


def pack_verdict(signature: Mapping[str, Any], faults: Sequence[str], about: Mapping[str, Any]) -> PackVerdict:
    """The verdict, with what the signature says of its key."""
    if "unsigned" in signature:
        return PackVerdict(tuple(faults), about, unsigned=str(signature["unsigned"]))
    try:
        key = _digest(_own_key(signature))
    except (KeyError, ValueError):
        key = "that cannot be read"
    signed_by = f"the key that it calls {signature.get('key')}, public key {key}"
    return PackVerdict(tuple(faults), about, signed_by, key=key)


def key_digest(raw: bytes) -> str:
    """SHA-256 of a public key: PEM, DER, or what the AWS CLI prints, JSON or base64. Raises ValueError for others."""
    text = raw.lstrip()
    if text.startswith(b"-----BEGIN"):
        return _digest(_public_key(raw, pem=True))
    if text.startswith(b"{"):
        try:
            answer = json.loads(raw)
        except RecursionError as deep:
            raise ValueError("JSON of more levels than any") from deep
        raw = str(answer.get("PublicKey")).encode()
    return _digest(_public_key(raw if raw[:1] == b"0" else base64.b64decode(raw), pem=False))


def _own_key(signature: Mapping[str, Any]) -> PublicKeyTypes:
    """Return the key in a signature. It is read as PEM only, so that a text is one key. Raises KeyError, ValueError."""
    return _public_key(str(signature["public_key"]).encode(), pem=True)


def _public_key(raw: bytes, *, pem: bool) -> PublicKeyTypes:
    """The key. Raises ValueError where it is none that can be read."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

    try:
        return load_pem_public_key(raw) if pem else load_der_public_key(raw)
    except (TypeError, UnsupportedAlgorithm) as odd:
        raise ValueError(str(odd)) from odd


def _digest(key: PublicKeyTypes) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _document(members: Mapping[str, bytes], name: str) -> dict[str, Any]:
    found = _json_of(members, name)
    if not isinstance(found, dict):
        raise NoPack(f"{name} was changed: it is no object.")
    return found


def _json_of(members: Mapping[str, bytes], name: str) -> Any:
    if name not in members:
        raise NoPack(f"{name} is missing.")
    try:
        return json.loads(members[name])
    except (ValueError, RecursionError) as damaged:
        raise NoPack(f"{name} was changed: it is not JSON.") from damaged


def _files(members: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Iterator[str]:
    """Each file that was changed, is missing or was added."""
    listed = manifest["files"]
    for name in sorted({*listed, *members} - set(OWN)):
        row = listed.get(name)
        if name not in members:
            yield f"{name} is missing."
        elif row is None:
            yield f"{name} was added."
        elif not isinstance(row, dict) or row != {"sha256": sha256(members[name]), "bytes": len(members[name])}:
            yield f"{name} was changed."


def _bytes(raw: bytes, members: Mapping[str, bytes]) -> Iterator[str]:
    """What no digest of a file covers: the manifest, the signature, and the archive's own bytes."""
    seal = f"{sha256(tar({name: data for name, data in members.items() if name != SEAL}))}\n".encode()
    if members.get(SEAL) != seal:
        yield f"{SEAL} does not match what is in the pack: the manifest, the signature or a file was changed."
    whole = tar(members)
    if raw != whole:
        at = next(number for number, (mine, other) in enumerate(zip_longest(raw, whole)) if mine != other)
        yield f"Byte {at} is not as a pack is written: it was changed, or bytes were added."


def fault_of_signature(name: str, text: bytes, signature: Mapping[str, Any]) -> str:
    """Why the signature, which is kept as ``name``, is none of this text; "" where it is."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = _own_key(signature)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return f"{name}: the key is of another kind."
        key.verify(bytes.fromhex(signature["signature"]), text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return f"{name}: the signature is not of this manifest and key."
    except (KeyError, TypeError, ValueError, UnsupportedAlgorithm) as odd:
        return f"{name} was changed: {type(odd).__name__}."
    return ""


def _record(members: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Iterator[str]:
    """What the journal says against itself, its mirror, and the approvals."""
    names = _names(manifest)
    chain = read_chain(members[JOURNAL], *names)
    if chain.fault:
        yield f"{JOURNAL}: {chain.fault}"
    if MIRROR in members:
        yield from _mirror(chain, read_chain(members[MIRROR], *names))
    approvals = None
    try:
        approvals = _json_of(members, APPROVALS) if APPROVALS in members else None
    except NoPack as odd:
        yield str(odd)
    for begun in (entry for entry in chain.entries if entry.kind is EntryKind.BEGIN):
        yield from _faults_of_beginning(begun, approvals)


def _unproven(members: Mapping[str, bytes], manifest: Mapping[str, Any]) -> Iterator[str]:
    """Each approval that the journal names, where the pack has none to compare it with."""
    if JOURNAL not in members or APPROVALS in members:
        return
    for entry in read_chain(members[JOURNAL], *_names(manifest)).entries:
        clearance = entry.data.get("clearance") if entry.kind is EntryKind.BEGIN else None
        if isinstance(clearance, dict) and clearance.get("approver"):
            yield f"Entry {entry.seq}: that {clearance['approver']} approved this plan: {APPROVALS} is not in the pack."


def _names(manifest: Mapping[str, Any]) -> tuple[str, str]:
    return str(manifest.get("environment", "")), str(manifest.get("incident", ""))


def _mirror(chain: Chain, mirrored: Chain) -> Iterator[str]:
    # A chain whose end was cut off is whole in itself: only the mirror shows the entries that are missing.
    for mine, other in zip_longest(chain.entries, mirrored.entries):
        if mine is None or other is None or mine.digest != other.digest:
            yield f"{JOURNAL} and {MIRROR} differ from entry {(mine or other).seq} on."
            return


def _faults_of_beginning(begun: Entry, approvals: list[dict[str, Any]] | None) -> Iterator[str]:
    """The digests of a plan, of its rules, and of who approved it."""
    try:
        digest = plans.from_json(begun.data["plan"]).digest
        clearance = begun.data["clearance"]
        # An auditor asks what the second person approved: this very plan, by its digest.
        if not digest == begun.data["digest"] == clearance["digest"]:
            yield f"Entry {begun.seq}: the plan is not the one of that digest, or of its clearance."
        rules = begun.data.get("rules")
        if rules and digest_of(rules["environment"], rules["exceptions"]) != rules["pinned"]:
            yield f"Entry {begun.seq}: the rules are not those of their digest."
        # Plan and identity together: an approval of another plan by the same person is none. Nor is one that was asked
        # for once the run was under way: earlier ones are kept beside it (ApprovalStore).
        wanted = (digest, clearance["approver"])
        given = [moment(row["at"]) for row in approvals or () if (row["digest"], row["arn"]) == wanted]
        if approvals is not None and clearance["approver"] and not any(at <= begun.at for at in given):
            by = f"by {clearance['approver']} from before it began"
            yield f"Entry {begun.seq}: {APPROVALS} holds no approval of this plan {by}."
    except (KeyError, TypeError, ValueError, AttributeError) as odd:
        yield f"Entry {begun.seq}: its plan or clearance cannot be read ({type(odd).__name__})."

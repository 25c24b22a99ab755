"""Saved evidence under a signature: what ``--save-evidence`` writes beside the snapshot, and whether all is as it was.

The file is one JSON object. Beside the snapshot it has ``manifest`` (the
digest of each part and each other field), ``signature`` (of the manifest, or why there is none) and last ``seal`` over
all before it; it is written in one form, so that any other byte shows. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import orjson

from dr_estate.snapshot.snapshot import SCHEMA, UNDER_SEAL
from reports.evidence.pack import Signature, sha256, signature_record
from reports.evidence.verification import PackVerdict, fault_of_signature, pack_verdict

SIGNED_SCHEMA = "aws-dr-manager/saved-evidence/1"
MANIFEST, SIGNATURE, SEAL = UNDER_SEAL


def text_to_sign(data: bytes) -> bytes:
    """What is signed of the evidence ``data``: short, and of no other meaning."""
    return _text(_manifest(orjson.loads(data)))


def with_seal(data: bytes, signature: Signature | None, why_unsigned: str = "") -> bytes:
    """The evidence with its manifest, its signature and its seal. Without a signature it says why there is none."""
    body = orjson.loads(data)
    body |= {MANIFEST: _manifest(body), SIGNATURE: signature_record(signature, why_unsigned)}
    return orjson.dumps({**body, SEAL: _seal(body)})


def verify_evidence_file(raw: bytes) -> PackVerdict:
    """Check every byte of saved evidence, and name what was changed. What cannot be read is a fault as well."""
    try:
        body = orjson.loads(raw)
        orjson.dumps(body)  # it reads more levels than it writes
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as damaged:
        return PackVerdict((f"This is no saved evidence: {damaged}.",), {})
    if not isinstance(body, dict) or body.get("schema") != SCHEMA or not isinstance(body.get("parts"), list):
        return PackVerdict(
            (f"This is no saved evidence of this tool ({SCHEMA}): its schema or its parts are not.",), {}
        )
    about = {"environment": body.get("environment"), "incident": "", "made_at": body.get("taken_at")}
    # A run's own evidence has a digest alone: that it was changed shows, and not in which part.
    if not {*UNDER_SEAL} & body.keys():
        faults = [] if _own_digest(body) else ["its digest does not match its content: it was changed."]
        return PackVerdict(tuple(faults), about, unsigned="a run kept it for itself, without a signature")
    signature = body.get(SIGNATURE)
    if not isinstance(body.get(MANIFEST), dict) or not isinstance(signature, dict):
        return PackVerdict((f"{MANIFEST} or {SIGNATURE} is missing, or was changed.",), about)
    # Parts first: they name what was changed, the seal only shows that something was.
    faults = [*_changes(body), *_bytes(raw, body)]
    if "unsigned" not in signature:
        wrong = fault_of_signature(SIGNATURE, _text(body[MANIFEST]), signature)
        faults += [wrong] if wrong else []
    return pack_verdict(signature, faults, about)


def _text(manifest: Mapping[str, Any]) -> bytes:
    return f"{SIGNED_SCHEMA} {_digest(manifest)}".encode()


def _digest(value: Any) -> str:
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def _manifest(body: Mapping[str, Any]) -> dict[str, Any]:
    """The digest of each part by its name and side, and of each other field."""
    fields = {name: _digest(value) for name, value in body.items() if name not in ("parts", *UNDER_SEAL)}
    return {"fields": fields, "parts": {_name(row): _digest(row) for row in body["parts"]}}


def _name(row: Any) -> str:
    return f"{row.get('name')} of {row.get('side')}" if isinstance(row, dict) else "what is no part"


def _seal(body: Mapping[str, Any]) -> str:
    return sha256(orjson.dumps({name: value for name, value in body.items() if name != SEAL}))


def _own_digest(body: Mapping[str, Any]) -> bool:
    """Whether the digest that every evidence has is that of its content."""
    return bool(body.get("digest") == _digest({name: value for name, value in body.items() if name != "digest"}))


def _changes(body: Mapping[str, Any]) -> Iterator[str]:
    """Each part and each field that was changed, is missing or was added."""
    listed, now = body[MANIFEST], _manifest(body)
    often = Counter(map(_name, body["parts"]))  # the manifest has one digest a name: of two the other would go unseen
    yield from (f"{name} is there twice: one was added." for name, count in sorted(often.items()) if count > 1)
    for kind in ("fields", "parts"):
        before, there = listed.get(kind), now[kind]
        if not isinstance(before, dict):
            yield f"{MANIFEST} was changed: it lists no {kind}."
            continue
        for name in sorted({*before, *there}):
            if name not in there:
                yield f"{name} is missing."
            elif before.get(name) != there[name]:
                yield f"{name} was {'changed' if name in before else 'added'}."


def _bytes(raw: bytes, body: Mapping[str, Any]) -> Iterator[str]:
    """What no digest of a part covers: the manifest, the signature, and how the file is written."""
    if body.get(SEAL) != _seal(body):
        yield f"{SEAL} does not match what is in the file: the manifest, the signature or a part was changed."
    whole = orjson.dumps(body)
    if raw != whole:
        at = next(number for number, (mine, other) in enumerate(zip_longest(raw, whole)) if mine != other)
        yield f"Byte {at} is not as evidence is written: it was changed, or bytes were added."

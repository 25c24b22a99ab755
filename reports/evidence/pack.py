"""The evidence pack: one archive of an incident or a run, with a manifest of digests and the signature of that.

It is a POSIX tar in one fixed form, so that two packs of the same files are the same bytes and any other byte shows:
the files by name, then ``manifest.json``, ``signature.json``, and ``pack.sha256`` over all before it. Pure.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dr_estate.readers.evidence_stores import ALGORITHM

SCHEMA = "aws-dr-manager/evidence-pack/1"
MANIFEST, SIGNATURE, SEAL = "manifest.json", "signature.json", "pack.sha256"
OWN = (MANIFEST, SIGNATURE, SEAL)


class NoPack(Exception):
    """The bytes are no evidence pack. The message says why."""


@dataclass(frozen=True)
class Signature:
    """Who signed a manifest: the key's ARN, its public key (PEM), and the signature (hexadecimal, DER)."""

    key: str
    public_key: str
    signature: str


def manifest_of(files: Mapping[str, bytes], about: Mapping[str, Any]) -> bytes:
    """The manifest of ``files``: ``about`` (plain JSON), and each file's SHA-256 and size in bytes."""
    rows = {name: {"sha256": sha256(data), "bytes": len(data)} for name, data in sorted(files.items())}
    return _json({"schema": SCHEMA, **about, "files": rows})


def signed_text(manifest: bytes) -> bytes:
    """What is signed: short, for KMS takes 4,096 bytes, and of no other meaning."""
    return f"{SCHEMA} {sha256(manifest)}".encode()


def pack_bytes(
    files: Mapping[str, bytes], manifest: bytes, signature: Signature | None, why_unsigned: str = ""
) -> bytes:
    """The pack of ``files``. Without a signature it says why there is none."""
    members = {**files, MANIFEST: manifest, SIGNATURE: _json(signature_record(signature, why_unsigned))}
    # The seal is last, over the archive of all before it.
    return tar({**members, SEAL: f"{sha256(tar(members))}\n".encode()})


def signature_record(signature: Signature | None, why_unsigned: str) -> dict[str, str]:
    """A signature as it is kept beside what it signs; without one, why there is none."""
    return vars(signature) | {"algorithm": ALGORITHM} if signature else {"unsigned": why_unsigned}


def members_of(raw: bytes) -> dict[str, bytes]:
    """The members of a pack in their order. Raises NoPack.

    Only what ``tar`` writes is read, header by header: tarfile's own reading follows chains of extended headers and
    holes of any size, which a hostile archive of a few bytes has.
    """
    found: dict[str, bytes] = {}
    for name, data in _members(raw):
        # Of two files of one name one would be checked, and the other shown.
        if name in found:
            raise NoPack(f"it holds {name} twice.")
        found[name] = data
    return found


def _members(raw: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while (header := raw[at : at + tarfile.BLOCKSIZE]).strip(b"\0") or not header:
        try:
            entry = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except (tarfile.TarError, ValueError, OverflowError) as damaged:
            raise NoPack(f"it is no archive that can be read: {damaged}.") from damaged
        # A link or a device could lead a reader out of the pack.
        if entry.type != tarfile.REGTYPE:
            raise NoPack(f"{entry.name} is no file.")
        begins = at + tarfile.BLOCKSIZE
        at = begins + -(-entry.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        # A negative size would lead back, and be read for ever.
        if entry.size < 0 or at > len(raw):
            raise NoPack(f"it is no archive that can be read: {entry.name} goes on beyond its end.")
        yield entry.name, raw[begins : begins + entry.size]


def fits(name: str) -> bool:
    """Whether a pack can hold a file of that name: it is text, and no longer than the archive's form takes."""
    try:
        tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT, errors="strict")
    except ValueError:
        return False
    return True


def tar(members: Mapping[str, bytes]) -> bytes:
    """The archive of ``members`` in their order; nothing of this machine is in it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            # No owner and no time: TarInfo's zeros, so that the same files give the same bytes.
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return raw.getvalue()


def sha256(data: bytes) -> str:
    """The digest, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()

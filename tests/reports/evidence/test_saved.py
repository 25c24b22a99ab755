"""Saved evidence under its seal: each byte that is another one shows, by the name of what it is in."""

from __future__ import annotations

import json
import lzma
from functools import cache
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dr_estate.snapshot.snapshot import from_json, rewritten_evidence
from reports.evidence.pack import Signature, sha256
from reports.evidence.saved import SEAL, text_to_sign, verify_evidence_file, with_seal
from tests.utils.running import ROOT

SAVED = ROOT / "tests" / "golden" / "evidence" / "sit-healthy.json.xz"
KEY = "arn:aws:kms:eu-west-1:815856636111:key/1"


@cache
def evidence() -> bytes:
    """Recorded evidence without a signature: its first parts, with a digest of their own."""
    body = orjson.loads(lzma.decompress(SAVED.read_bytes()))
    return rewritten_evidence(orjson.dumps({**body, "parts": body["parts"][:3]}), lambda value: value)


@cache
def signed() -> bytes:
    """The same, signed by a key of the test's."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    signature = key.sign(text_to_sign(evidence()), ec.ECDSA(hashes.SHA256()))
    return with_seal(evidence(), Signature(KEY, public, signature.hex()))


def test_signed_evidence_is_whole_and_loads_as_it_was() -> None:
    verdict = verify_evidence_file(signed())
    assert (verdict.faults, verdict.unsigned, KEY in verdict.signed_by) == ((), "", True)
    assert from_json(signed()).parts == from_json(evidence()).parts


def test_unsigned_evidence_says_why() -> None:
    verdict = verify_evidence_file(with_seal(evidence(), None, "kms:Sign was denied"))
    assert (verdict.faults, verdict.signed_by, verdict.unsigned) == ((), "", "kms:Sign was denied")
    earlier = verify_evidence_file(evidence())
    assert (earlier.faults, earlier.signed_by, "kept it for itself" in earlier.unsigned) == ((), "", True)


def test_unsigned_evidence_that_somebody_made_again_shows_damage_alone() -> None:
    """Anybody can make its digests: it says UNSIGNED, and is no success."""
    forged = orjson.loads(evidence())
    forged["parts"][1]["region"] = "eu-central-1"
    unsigned = with_seal(evidence(), None, "kms:Sign was denied")
    damaged = {**orjson.loads(unsigned), "parts": forged["parts"]}
    assert verify_evidence_file(orjson.dumps(damaged)).faults
    verdict = verify_evidence_file(with_seal(orjson.dumps(forged), None, "kms:Sign was denied"))
    assert (verdict.faults, verdict.unsigned) == ((), "kms:Sign was denied")
    assert verify_evidence_file(rewritten_evidence(orjson.dumps(forged), lambda value: value)).faults == ()


def test_a_part_put_in_beside_the_signed_one_of_its_name_is_found() -> None:
    """Anybody can make the seal again, and the signature is of one digest for each name."""
    body = {name: value for name, value in orjson.loads(signed()).items() if name != SEAL}
    body["parts"].insert(0, {**body["parts"][0], "value": "forged"})
    verdict = verify_evidence_file(orjson.dumps({**body, SEAL: sha256(orjson.dumps(body))}))
    assert ["is there twice: one was added." in fault for fault in verdict.faults] == [True]


@pytest.mark.parametrize("more", [{}, {"manifest": {}, "signature": {"unsigned": "so"}}])
def test_evidence_that_is_nested_deeper_than_any_is_refused_in_a_sentence(more: dict[str, Any]) -> None:
    body = {**json.loads(evidence()), **more, "x": json.loads("[" * 300 + "]" * 300)}
    (fault,) = verify_evidence_file(json.dumps(body).encode()).faults
    assert fault.startswith("This is no saved evidence")


@pytest.mark.parametrize("every", [211, pytest.param(1, marks=pytest.mark.proof)])
def test_each_flipped_byte_is_found(every: int) -> None:
    raw = signed()
    undetected = [
        at
        for at in range(0, len(raw), every)
        if not verify_evidence_file(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).faults
    ]
    assert [] == undetected


def test_a_change_is_named_and_new_digests_do_not_fit_the_signature() -> None:
    body = orjson.loads(signed())
    name, side = body["parts"][1]["name"], body["parts"][1]["side"]
    forged = orjson.loads(evidence())
    forged["parts"][1]["region"] = "eu-central-1"
    named = verify_evidence_file(orjson.dumps({**body, "parts": forged["parts"]})).faults
    assert f"{name} of {side} was changed." in named
    assert "account was changed." in verify_evidence_file(orjson.dumps({**body, "account": "1"})).faults
    assert (
        f"{name} of {side} is missing."
        in verify_evidence_file(orjson.dumps({**body, "parts": body["parts"][2:]})).faults
    )
    sealed_again = with_seal(
        orjson.dumps(forged), Signature(KEY, body["signature"]["public_key"], body["signature"]["signature"])
    )
    assert verify_evidence_file(sealed_again).faults == ("signature: the signature is not of this manifest and key.",)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b'{"schema":"aws-dr-manager/evidence/1","parts":1}'])
def test_what_is_no_evidence_is_a_fault(raw: bytes) -> None:
    assert len(verify_evidence_file(raw).faults) == 1

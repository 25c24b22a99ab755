"""What a pack says against itself: plans, rules and approvals of other digests, a mirror that differs, odd bytes."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from datetime import timedelta
from typing import Any, Literal

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from dr_actions.journal.entries import Entry, EntryKind, entry_after
from dr_actions.model.plan import to_json
from dr_estate.model.journal_chain import genesis
from reports.evidence.pack import Signature, manifest_of, members_of, pack_bytes, signed_text, tar
from reports.evidence.verification import APPROVALS, JOURNAL, MIRROR, key_digest, verify
from tests.dr_actions.control_tables import WORLD
from tests.dr_actions.deciding import APPROVER, INCIDENT, NOW, PLAN, RULES

APPROVED = [{"digest": PLAN.digest, "arn": APPROVER, "at": NOW.isoformat()}]
LATER = {**APPROVED[0], "at": (NOW + timedelta(seconds=1)).isoformat()}


def begun(**changed: Any) -> Entry:
    """The beginning of a run of ``PLAN`` that the approver approved."""
    clearance = {"digest": PLAN.digest, "approver": APPROVER}
    data = {"plan": to_json(PLAN), "digest": PLAN.digest, "clearance": clearance, "rules": RULES.record_with(())}
    data |= {"world": WORLD.to_json(), **changed}
    return entry_after(genesis("prod", INCIDENT, WORLD), 1, NOW, "run-1", EntryKind.BEGIN, None, data)


def faults(entry: Entry, approvals: Any = APPROVED, mirror: Entry | None = None) -> tuple[str, ...]:
    """What is wrong with the pack of such a record."""
    files = {JOURNAL: f"{entry.line}\n".encode(), APPROVALS: json.dumps(approvals).encode()}
    files |= {MIRROR: f"{mirror.line}\n".encode()} if mirror else {}
    about = {"environment": "prod", "incident": INCIDENT}
    return verify(pack_bytes(files, manifest_of(files, about), None, "no key")).faults


def test_a_record_whose_plan_rules_and_approval_agree_has_no_fault() -> None:
    assert () == faults(begun(), mirror=begun())
    without_rules = begun(rules=None)
    assert () == faults(without_rules), "a record may name no rules"


@pytest.mark.parametrize(
    ("changed", "approvals", "fault"),
    [
        ({"digest": "0" * 64}, APPROVED, "the plan is not the one of that digest"),
        ({"clearance": {"digest": "0" * 64, "approver": APPROVER}}, APPROVED, "or of its clearance"),
        ({"rules": {**RULES.record_with(()), "exceptions": [{"check": "a"}]}}, APPROVED, "not those of their digest"),
        ({}, [], "holds no approval of this plan by"),
        ({}, [{"digest": "0" * 64, "arn": APPROVER}], "holds no approval of this plan by"),
        ({}, [LATER], "holds no approval of this plan by"),
        ({}, [{**LATER, "at": "before"}], "its plan or clearance cannot be read (ValueError)"),
        ({"clearance": 7}, APPROVED, "its plan or clearance cannot be read (TypeError)"),
    ],
    ids=["plan", "clearance", "rules", "no approval", "another approval", "given later", "no moment", "no clearance"],
)
def test_what_does_not_agree_is_reported_with_the_entrys_number(changed: Any, approvals: Any, fault: str) -> None:
    (message,) = faults(begun(**changed), approvals)
    assert message.startswith("Entry 1: ")
    assert fault in message


def test_an_approval_that_the_pack_cannot_compare_is_not_proven() -> None:
    files = {JOURNAL: f"{begun().line}\n".encode()}
    about = {"environment": "prod", "incident": INCIDENT}
    verdict = verify(pack_bytes(files, manifest_of(files, about), None, "no key"))
    (claim,) = verdict.unproven
    assert ((), True) == (verdict.faults, claim.startswith(f"Entry 1: that {APPROVER} approved this plan"))
    whole = files | {APPROVALS: json.dumps(APPROVED).encode()}
    assert () == verify(pack_bytes(whole, manifest_of(whole, about), None, "no key")).unproven


def test_a_mirror_that_differs_and_approvals_of_no_shape_are_faults() -> None:
    assert ("journal.jsonl and mirror.jsonl differ from entry 1 on.",) == faults(begun(), mirror=begun(more=1))
    assert "cannot be read" in faults(begun(), approvals=7)[0]


def test_a_signature_of_another_key_kind_or_of_no_key_is_a_fault() -> None:
    for key in ("", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        raw = pack_bytes({}, manifest_of({}, {}), Signature("arn", key, "00"))
        assert "signature.json was changed" in verify(raw).faults[0]


@pytest.mark.parametrize(
    "raw",
    [b"", b"x" * 10_000, tar({"manifest.json": b"[]"}), tar({"manifest.json": b"{}", "signature.json": b"["})],
    ids=["nothing", "noise", "a list", "no JSON"],
)
def test_what_is_no_pack_is_refused_in_a_sentence(raw: bytes) -> None:
    assert verify(raw).faults[0].startswith("This is no whole evidence pack: ")


@given(st.data())
def test_any_change_of_the_bytes_of_a_pack_is_a_fault_and_never_an_error(data: st.DataObject) -> None:
    files = {JOURNAL: f"{begun().line}\n".encode()}
    raw = pack_bytes(files, manifest_of(files, {"environment": "prod", "incident": INCIDENT}), None, "no key")
    at, length = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 600))
    other = raw[:at] + data.draw(st.binary(max_size=600)) + raw[at + length :]
    assert verify(other).faults or other == raw


def test_a_link_in_a_pack_is_no_file() -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as links:
        for name in ("manifest.json", "signature.json"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, name
            links.addfile(entry)
    assert verify(archive.getvalue()).faults[0].startswith("This is no whole evidence pack: ")


def header(name: str, size: int, kind: bytes, *, form: Literal[0, 1] = tarfile.USTAR_FORMAT) -> bytes:
    """The header of a member as another program writes it."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.type = size, kind
    return entry.tobuf(form)


def with_hole() -> bytes:
    """A file of 8 GB, all of it a hole: three blocks."""
    block = bytearray(header("hole", 0, tarfile.GNUTYPE_SPARSE, form=tarfile.GNU_FORMAT))
    block[483:495] = b"77777777777\0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(1024)


HOSTILE = {
    "a hole of 8 GB": with_hole(),
    "a chain of extended headers": 3000 * (header("p", 512, tarfile.XHDTYPE) + b"12 path=abc\n".ljust(512, b"\0")),
    "a chain of long names": 3000 * (header("l", 512, tarfile.GNUTYPE_LONGNAME) + b"abc".ljust(512, b"\0")),
    "a member beyond the end": header("a", 1 << 30, tarfile.REGTYPE),
    "a member of a size below nothing": header("a", -1024, tarfile.REGTYPE, form=tarfile.GNU_FORMAT),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_archive_that_another_program_made_hostile_is_no_pack(hostile: str) -> None:
    (fault,) = verify(HOSTILE[hostile] + header("f", 0, tarfile.REGTYPE) + bytes(1024)).faults
    assert fault.startswith("This is no whole evidence pack: ")
    assert fault.endswith(("is no file.", "goes on beyond its end."))


@pytest.mark.parametrize("missing", [5, "word", [{"a": 1}]])
def test_a_manifest_of_another_shape_is_none(missing: Any) -> None:
    (fault,) = verify(pack_bytes({}, manifest_of({}, {"not_included": missing}), None, "no key")).faults
    assert "manifest.json is not one of this tool" in fault


def test_a_name_that_no_pack_can_hold_is_a_fault() -> None:
    archive, name = io.BytesIO(), "x" * 300
    members = {name: b"1", "manifest.json": manifest_of({name: b"1"}, {}), "signature.json": b'{"unsigned":"so"}'}
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as odd:
        for member, data in members.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(data)
            odd.addfile(entry, io.BytesIO(data))
    assert verify(archive.getvalue()).faults


def test_a_key_that_reads_as_another_ones_too_is_the_one_that_signed() -> None:
    """The true key's base64 before the forger's own PEM: a reader of base64 takes the one, of PEM the other."""
    true, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    der = true.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    manifest = manifest_of({}, {"environment": "sit"})
    signature = own.sign(signed_text(manifest), ec.ECDSA(hashes.SHA256())).hex()
    both = f"{base64.b64encode(der).decode()}\n{pem.decode()}"
    verdict = verify(pack_bytes({}, manifest, Signature("arn", both, signature)))
    assert ((), key_digest(pem)) == (verdict.faults, verdict.key)


def test_the_auditors_key_is_the_same_in_each_form_in_which_it_is_kept() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b64encode(der)
    answer = json.dumps({"KeyId": "arn", "PublicKey": text.decode()}, indent=4).encode()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert len({key_digest(form) for form in (der, text, text + b"\n", pem, answer)}) == 1
    for odd in (b"", b"{", b"{}", b"no key", b"[]", der[:-1]):
        with pytest.raises(ValueError, match=r"\w"):
            key_digest(odd)


def test_the_same_files_are_the_same_bytes() -> None:
    files = {"b": b"2", "a": b"1"}
    raw = pack_bytes(files, manifest_of(files, {}), None)
    assert raw == pack_bytes(dict(files), manifest_of(files, {}), None)
    assert b"1" == members_of(raw)["a"]

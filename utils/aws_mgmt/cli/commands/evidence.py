"""evidence: one archive that proves what was seen, decided and done; `evidence verify FILE` checks one, or
saved evidence, offline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dr_estate.config.environment import Environment
from dr_estate.config.given_file import bytes_of
from dr_estate.model.invocation import Command
from dr_estate.model.visible import one_line
from reports.evidence.saved import verify_evidence_file
from reports.evidence.verification import PackVerdict, key_digest, verify
from reports.incident.review import review_of
from reports.terminal import console
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evidence_pack import make_pack, write_pack
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import NextStep, after_verification, invocation_of
from utils.aws_mgmt.app.options import EvidenceOptions

_NOT_COMPARED = (
    "The signature is valid, but its key is not verified. --public-key FILE compares it with the one you keep: `aws "
    "kms get-public-key --region DR_REGION --key-id alias/ENV-dr-evidence --query PublicKey --output text`.\n"
)


def evidence_command(options: EvidenceOptions, environment: Environment) -> Exit:
    """Write the pack, and say who signed it. Returns 0 also where it is unsigned: the output states it."""
    if options.action or bool(options.incident) == bool(options.run):
        raise UsageError(
            "Which evidence? Name --incident INC-123 or --run RUN_FOLDER; `evidence verify FILE` checks one."
        )
    if options.public_key is not None:
        raise UsageError("--public-key belongs to `evidence verify FILE`: nothing is compared where a pack is made.")
    with console.working("Collecting the evidence"):
        raw, contents = make_pack(options, environment, review_of)
    name = options.incident or options.run.name if options.run else options.incident
    path = options.output / "evidence" / f"{environment.name}-{name}-{_stamp(raw)}.evidence.tar"
    write_pack(path, raw)
    console.result(f"{path}: {len(contents.files)} files, {len(raw)} bytes.\n")
    console.result(
        f"Signed by {contents.signature.key}.\n" if contents.signature else f"UNSIGNED: {contents.unsigned}\n"
    )
    for missing in contents.missing:
        console.complain(f"Not included: {missing}")
    signed = "signed" if contents.signature else "UNSIGNED"
    check = NextStep(Command(("evidence", "verify", str(path))), "checks it, without AWS")
    console.conclude(options.format, f"a pack of {len(contents.files)} files, {signed}", str(check))
    return Exit.READY


def _stamp(raw: bytes) -> str:
    from reports.evidence.pack import sha256

    return sha256(raw)[:12]


def verify_command(options: EvidenceOptions) -> Exit:
    """Check a pack, or saved evidence, without AWS. Returns 0 where that key signed every byte as it is, else 3.

    Without --public-key no key is compared: a pack brings one of its own, and names it as it likes.
    """
    if options.file is None:
        raise UsageError("Which evidence? Name its file: `evidence verify FILE`.")
    for name, given in (("--incident", options.incident), ("--run", options.run)):
        if given:
            raise UsageError(f"{name} belongs to making a pack: `evidence verify FILE` checks all that FILE holds.")
    raw = _bytes_of(options.file)
    verdict = verify_evidence_file(raw) if raw[:1] == b"{" else verify(raw)
    if options.public_key is not None:
        verdict = _verdict_by_key(verdict, options.public_key)
    _note(str(options.file))
    for line in _lines(verdict):
        _note(line)
    if verdict.signed_by and options.public_key is None:
        console.result(_NOT_COMPARED)
    # End with the answer, and with a command for the environment that the pack names.
    environment, incident = (str(verdict.about.get(name) or "") for name in ("environment", "incident"))
    console.begin(invocation_of(replace(options, environment=options.environment or environment)))
    proven = options.public_key is not None and not verdict.faults and not verdict.unproven
    code = Exit.READY if proven else Exit.COULD_NOT_SEE
    vouched = "signed by that key" if options.public_key else "signed, its key NOT VERIFIED"
    approved = ", an approval NOT PROVEN" if verdict.unproven else ""
    whole = f"as it was made, {vouched if verdict.signed_by else 'UNSIGNED'}{approved}"
    answer = f"faults: {len(verdict.faults)}; it proves nothing" if verdict.faults else whole
    compares = options.file if verdict.signed_by and options.public_key is None else None
    after = after_verification(incident, len(verdict.faults), compares)
    console.conclude(options.format, f"{answer}, exit {code}", after)
    return code


def _lines(verdict: PackVerdict) -> Iterator[str]:
    """What the evidence is, each thing that is missing, wrong or not proven, and whether it is as it was made."""
    about = verdict.about
    if about:
        yield f"  of {about.get('environment')}, incident {about.get('incident') or '-'}, made {about.get('made_at')}"
    yield from (f"  not included: {missing}" for missing in about.get("not_included") or ())
    yield from (f"  FAULT: {fault}" for fault in verdict.faults)
    yield from (f"  NOT PROVEN: {claim}" for claim in verdict.unproven)
    if verdict.faults:
        yield f"NOT as it was made; faults: {len(verdict.faults)}."
    else:
        signed = f"signed by {verdict.signed_by}" if verdict.signed_by else f"UNSIGNED: {verdict.unsigned}"
        yield f"Every byte is as it was made; {signed}."


def _note(line: str) -> None:
    """One line of the result: what a hostile file says of itself begins no line of its own."""
    console.result(f"{one_line(line)}\n")


def _bytes_of(path: Path) -> bytes:
    """The bytes of a file. Raises UsageError where there are none, or no end of them."""
    try:
        return bytes_of(path)
    except OSError as unreadable:
        raise UsageError(f"{path}: cannot be read: {unreadable.strerror or unreadable}.") from unreadable


def _verdict_by_key(verdict: PackVerdict, public_key: Path) -> PackVerdict:
    """The verdict, with a fault where nobody signed by that key. Raises UsageError where the file holds none."""
    try:
        wanted = key_digest(_bytes_of(public_key))
    except ValueError as odd:
        raise UsageError(f"{public_key}: it holds no public key (PEM, DER, or what the AWS CLI prints).") from odd
    if verdict.key == wanted:
        return replace(verdict, signed_by=f"the key of {public_key}, public key {wanted}")
    reason = f"it is signed by {verdict.signed_by}" if verdict.key else f"it is UNSIGNED: {verdict.unsigned}"
    return replace(verdict, faults=(*verdict.faults, f"No signature of the key of {public_key} ({wanted}): {reason}."))

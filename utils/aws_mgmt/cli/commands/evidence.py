"""evidence: one archive that proves what was seen, decided and done; `evidence verify FILE` checks one, or
saved evidence, offline."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Environment
from dr_estate.model.invocation import Command
from reports.evidence.saved import verify_saved
from reports.evidence.verification import PackVerdict, verify
from reports.terminal import console
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evidence_pack import make_pack, write_pack
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import NextStep, after_verification, invocation_of
from utils.aws_mgmt.app.options import EvidenceOptions


def evidence_command(options: EvidenceOptions, environment: Environment) -> Exit:
    """Write the pack, and say who signed it. Returns 0 also where it is unsigned: it says so."""
    if options.action or bool(options.incident) == bool(options.run):
        raise UsageError(
            "Which evidence? Name --incident INC-123 or --run RUN_FOLDER; `evidence verify FILE` checks one."
        )
    raw, contents = make_pack(options, environment)
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
    """Check a pack, or saved evidence, without AWS. Returns 0 where every byte is as it was made, else 3."""
    if options.file is None:
        raise UsageError("Which evidence? Name its file: `evidence verify FILE`.")
    try:
        raw = options.file.read_bytes()
    except OSError as unreadable:
        raise UsageError(f"{options.file}: cannot be read: {unreadable.strerror or unreadable}.") from unreadable
    verdict = verify_saved(raw) if raw[:1] == b"{" else verify(raw)
    about = verdict.about
    console.result(f"{options.file}\n")
    if about:
        console.result(
            f"  of {about.get('environment')}, incident {about.get('incident') or '-'}, made {about.get('made_at')}\n"
        )
    for missing in about.get("not_included") or ():
        console.result(f"  not included: {missing}\n")
    for fault in verdict.faults:
        console.result(f"  FAULT: {fault}\n")
    if verdict.faults:
        console.result(f"NOT as it was made; faults: {len(verdict.faults)}.\n")
    else:
        signed = f"signed by {verdict.signed_by}" if verdict.signed_by else f"UNSIGNED: {verdict.unsigned}"
        console.result(f"Every byte is as it was made; {signed}.\n")
    return _conclude(options, verdict)


def _conclude(options: EvidenceOptions, verdict: PackVerdict) -> Exit:
    """End with the answer, and with a command for the environment that the pack names."""
    environment, incident = (str(verdict.about.get(name) or "") for name in ("environment", "incident"))
    console.begin(invocation_of(replace(options, environment=options.environment or environment)))
    code = Exit.COULD_NOT_SEE if verdict.faults else Exit.READY
    whole = f"as it was made, {'signed' if verdict.signed_by else 'UNSIGNED'}"
    answer = f"faults: {len(verdict.faults)}; it proves nothing" if verdict.faults else whole
    console.conclude(options.format, f"{answer}, exit {code}", after_verification(incident, len(verdict.faults)))
    return code

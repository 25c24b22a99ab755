"""What goes into an evidence pack, and its signature: from this machine's files and, where it answers, from AWS."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from dr_actions.authorization.approvals import start_to_item
from dr_actions.journal.entries import Chain, OtherWorld, of_this_world, read_chain
from dr_actions.journal.journal import journal_path, read
from dr_actions.journal.mirror import TableMirror
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment
from dr_estate.config.given_file import bytes_of
from dr_estate.model.recovery_document import RefusedStart
from dr_estate.model.visible import one_line
from dr_estate.model.world_id import is_sandbox
from reports.evidence.pack import Signature, fits, manifest_of, pack_bytes, signed_text
from reports.evidence.verification import APPROVALS, INDEX, JOURNAL, MIRROR, REFUSED_START, REVIEW
from reports.page.render import render
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.connections import AppContext, open_context
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evidence_signing import UNASKED, signature_of
from utils.aws_mgmt.app.incident_record import journals, refusal_of, worlds_of_journals
from utils.aws_mgmt.app.incident_report import incident_report, last_drill, runs_on_record
from utils.aws_mgmt.app.kept_files import FOLDER, LOST
from utils.aws_mgmt.app.options import EvidenceOptions, version
from utils.aws_mgmt.app.target import outlives

_PAGES = {".html"}  # built from the results at any time


# Writes the review of a journal: of which environment and incident, the recovery time objective in minutes, from where,
# and the last start that was refused.
Review = Callable[[Chain, str, str, float, str, RefusedStart | None], str]


@dataclass
class PackContents:
    """The files of a pack by name, what could not be had, and how the manifest was signed."""

    files: dict[str, bytes] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    signature: Signature | None = None
    unsigned: str = "AWS was not asked"


def make_pack(options: EvidenceOptions, env: Environment, review: Review) -> tuple[bytes, PackContents]:
    """Make the pack of the incident or the run that is named, with its ``review``.

    Raises UsageError where there is nothing of it.
    """
    contents = PackContents()
    folders = [_own_run(options.run, options, env)] if options.run else list(_run_folders(options, env, contents))
    # A run's own report names its incident: the pack of one run holds its record too.
    incident = options.incident or _incident_of(_report_of(folders[0]))
    refusal = None
    for folder in folders:
        contents.files |= dict(_files_of(folder, contents))
    journal = _journal_of(options, env, incident)
    if journal is not None:
        contents.files[JOURNAL] = journal.read_bytes()
    contents.files |= _rules_files(options, env)
    about: dict[str, Any] = {
        "environment": env.name,
        "account": env.account,
        "incident": incident,
        "versions": {
            "aws-dr-manager": version(),
            "python": platform.python_version(),
            "botocore": version_of("botocore"),
        },
    }
    about |= {
        "results": [folder.name for folder in folders],
        "made_at": WorldClock().now().isoformat(timespec="seconds"),
    }
    with _open_world(options, env, contents) as app:
        if app is not None and incident:
            _add_the_record(app, incident, contents)
            _add_kept_files(app, incident, contents)
            if refusal := refusal_of(app, incident):
                contents.files[REFUSED_START] = _json(asdict(refusal))
            _add_the_page(options, env, app, incident, contents)
        # After the mirror was fetched: a run that AWS started has no journal on this machine.
        chain = read_chain(contents.files.get(JOURNAL, b""), env.name, incident)
        about["runs"] = runs_on_record(chain.entries)
        if chain.entries:
            text = review(chain, env.name, incident, env.objectives.rto_minutes, JOURNAL, refusal)
            contents.files[REVIEW] = text.encode()
        if not folders and JOURNAL not in contents.files:
            raise UsageError(f"There is nothing of {incident} in {options.output} or in the control table.")
        # Last: the manifest names every file with its digest, and what comes after it is not signed.
        manifest = manifest_of(contents.files, {**about, "not_included": contents.missing})
        if app is not None:
            signature = signature_of(app, signed_text(manifest))
            contents.signature = signature if isinstance(signature, Signature) else None
            contents.unsigned = "" if isinstance(signature, Signature) else signature
    return pack_bytes(contents.files, manifest, contents.signature, contents.unsigned), contents


@contextlib.contextmanager
def _open_world(options: EvidenceOptions, env: Environment, contents: PackContents) -> Iterator[AppContext | None]:
    """The open world; None, with a word on why, where it does not answer."""
    with contextlib.ExitStack() as stack:
        app: AppContext | None = None
        try:
            if not outlives(options, env):
                raise UsageError("no sandbox is up")
            # It may fail: a pack of what is on this machine is made all the same, and says what it lacks.
            app = stack.enter_context(open_context(options, env))
        except UNASKED as silent:
            contents.missing.append(f"{MIRROR}, {APPROVALS}: {silent}")
            contents.unsigned = f"AWS did not answer: {silent}"
        yield app


def _add_the_record(app: AppContext, incident: str, contents: PackContents) -> None:
    """Add the mirror and the approvals as the control table has them."""
    try:
        mirror = "".join(line + "\n" for line in TableMirror(app.control).fetch(incident)).encode()
        approvals = [asdict(approval) for approval in app.approvals.of(incident)]
        starts = [{**start_to_item(start), "userid": start.userid} for start in app.approvals.starts(incident)]
        pins = [asdict(pin) for pin in app.approvals.pins()]
    except UNASKED as silent:
        contents.missing.append(f"{MIRROR}, {APPROVALS}: {silent}")
        return
    if mirror:
        contents.files[MIRROR] = mirror
        # This machine's own file first: a mirror in its place would be compared with itself.
        contents.files.setdefault(JOURNAL, mirror)
    contents.files[APPROVALS] = _json(approvals)
    contents.files["approved-starts.json"] = _json(starts)
    contents.files["pinned-rules.json"] = _json(pins)


def _add_kept_files(app: AppContext, incident: str, contents: PackContents) -> None:
    """Add what AWS's tasks kept of the incident, without its pages."""
    if app.run_files is None:
        return
    with tempfile.TemporaryDirectory(prefix="aws-dr-manager-") as temporary:
        folder = Path(temporary) / FOLDER
        try:
            _, others = app.run_files.fetch(incident, folder)
        except LOST as lost:
            contents.missing.append(f"Files of AWS's task in {app.run_files.place}: {lost}")
        else:
            contents.missing += [f"{key}: somebody else wrote there too" for key in others]
        if folder.is_dir():
            contents.files |= dict(_files_of(folder, contents))


def _add_the_page(
    options: EvidenceOptions, env: Environment, app: AppContext, incident: str, contents: PackContents
) -> None:
    """Add the page of the incident, and the last drill before it."""
    try:
        report = incident_report(options, env, app, incident)
    except (*UNASKED, UsageError, OtherWorld) as none:
        contents.missing.append(f"{INDEX}: {none}")
        return
    contents.files[INDEX] = render(report, {}).encode()
    drill = last_drill(report)
    contents.files["last-drill.json"] = _json(asdict(drill) if drill else None)


def _run_folders(options: EvidenceOptions, env: Environment, contents: PackContents) -> Iterator[Path]:
    """The results of every run of the incident in this world on this machine, the oldest first.

    A rehearsal of the incident is no run of it, and another environment's incident may bear the same name. Of a run
    whose report is damaged nothing shows the incident: it is named, for it may be one of this incident.
    """
    worlds = {world.name for world in worlds_of_journals(options, env)}
    for path in sorted(options.output.glob(f"{env.name}-*/report.json")):
        name = f"runs/{path.parent.name}"
        # A link may lead out of the folder, to what nobody meant to hand to an auditor.
        if path.parent.is_symlink() or path.is_symlink():
            contents.missing.append(f"{name}: it is a link, or its report.json is")
            continue
        try:
            report = _report_of(path.parent)
        except UsageError:
            contents.missing.append(f"{name}: its report.json cannot be read, so it may be a run of {options.incident}")
            continue
        is_own = report.get("environment") == env.name and report.get("world") in worlds
        if is_own and _incident_of(report) == options.incident:
            yield path.parent


def _own_run(folder: Path, options: EvidenceOptions, env: Environment) -> Path:
    """The folder. Raises UsageError where its run is another environment's, or a rehearsal and none is asked for."""
    report = _report_of(folder)
    environment, world = report.get("environment", env.name), str(report.get("world", ""))
    if environment != env.name:
        raise UsageError(f"{folder} is a run of {environment}, and not of {env.name}. Correct -e.")
    if world and is_sandbox(world) is not options.sandbox:
        raise UsageError(f"{folder} is a run in {world}: pack it with{'out' * options.sandbox} --sandbox.")
    return folder


def _report_of(folder: Path) -> Mapping[str, Any]:
    """The report of a run. Raises UsageError where the folder is no run's."""
    try:
        report = json.loads(bytes_of(folder / "report.json"))
    except (OSError, ValueError, RecursionError) as damaged:
        raise UsageError(f"{folder} holds no report.json of a run. Name the Results of a run.") from damaged
    if not isinstance(report, dict):
        raise UsageError(f"{folder} holds no report.json of a run. Name the Results of a run.")
    return report


def _incident_of(report: Mapping[str, Any]) -> str:
    """The incident of a run, "" where it had none."""
    run = report.get("run")
    return str(run.get("incident", "")) if isinstance(run, dict) else ""


def _files_of(folder: Path, contents: PackContents) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.suffix in _PAGES:
            continue
        name = f"runs/{folder.name}/{path.relative_to(folder).as_posix()}"
        try:
            if not fits(name):
                contents.missing.append(f"{one_line(name)}: its name is too long for a pack, or is no text")
            else:
                yield name, bytes_of(path)
        except OSError as unreadable:
            contents.missing.append(f"{one_line(name)}: {unreadable.strerror or unreadable}")


def _journal_of(options: EvidenceOptions, env: Environment, incident: str) -> Path | None:
    """The newest journal that this world has of the incident: a rehearsal in a sandbox is no record of the account."""
    if not incident:
        return None
    try:
        paths = {journal_path(journals(options, w), env.name, incident): w for w in worlds_of_journals(options, env)}
        found = max(filter(Path.exists, paths), key=lambda path: path.stat().st_mtime, default=None)
        if found is not None:
            of_this_world(read(found, env.name, incident), str(found), paths[found])
    except (ValueError, OtherWorld) as wrong:
        raise UsageError(f"{str(wrong).rstrip('.')}.") from wrong
    return found


def _rules_files(options: EvidenceOptions, env: Environment) -> dict[str, bytes]:
    rules = evaluation.rules_of(options, env)
    files = {"rules.json": _json({"digest": rules.digest, "version": rules.version, **rules.to_json()})}
    return files | {"environment.toml": (options.config / f"{env.name}.toml").read_bytes()}


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=datetime.isoformat) + "\n").encode()


def write_pack(path: Path, raw: bytes) -> None:
    """Write the pack for the user alone (0600). Raises OSError, also where the file is there already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(raw)

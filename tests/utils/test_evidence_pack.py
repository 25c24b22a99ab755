"""An evidence pack: made by a command, signed by who may sign, and checked by a stranger without AWS."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dr_actions.journal.entries import EntryKind, entry_after
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Goal, Plan, to_json
from dr_estate.config.environment import Side, load_environment
from dr_estate.model.journal_chain import genesis
from dr_estate.model.world_id import WorldId
from reports.evidence.pack import (
    SEAL,
    SIGNATURE,
    Signature,
    manifest_of,
    members_of,
    pack_bytes,
    sha256,
    signed_text,
    tar,
)
from reports.evidence.verification import APPROVALS, JOURNAL, verify
from sandbox.client.endpoint import Endpoint
from tests.dr_actions import deciding
from tests.dr_actions.deciding import step
from tests.proofs.changes import Aws
from tests.reports.evidence.test_verification import APPROVED, begun
from tests.utils.running import ROOT, Ran, rules, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

INCIDENT = "INC-8"
RUN = {"environment": "prod", "incident": deciding.INCIDENT}
SIT = load_environment(ROOT / "environments", "sit")


@dataclass(frozen=True)
class Desk:
    """A machine with the journal of an incident and a run of it, before a world whose IAM judges every call."""

    world: Endpoint
    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, words: str, person: str = "approver") -> Ran:
        """Run a command here, as ``person``; as a stranger without AWS where there is none."""
        known = signed_in(self.world, person) if person else {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
        for name, value in (known | {"XDG_STATE_HOME": str(self.home)}).items():
            self.monkeypatch.setenv(name, value)
        code = run_command(parse(f"--output {self.home / 'out'} {words}".split()))
        output = self.capsys.readouterr()
        return Ran(code, output.out, output.err)

    def pack(self, person: str = "approver") -> Path:
        """Make the pack of the incident."""
        ran = self.run(f"-e sit evidence --incident {INCIDENT}", person)
        assert ran.code == 0, ran.err
        return Path(ran.out.partition(": ")[0])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with borrowed(SIT, 1) as world:
        here = WorldId.live(SIT.account, world.url)
        moment, data = datetime(2026, 1, 7, tzinfo=UTC), {"says": "seen", "world": here.to_json()}
        entry = entry_after(genesis("sit", INCIDENT, here), 1, moment, "run-1", EntryKind.NOTE, None, data)
        journal = tmp_path / "out" / "incidents" / here.folder / f"sit-{INCIDENT}.journal.jsonl"
        run = tmp_path / "out" / "sit-failover-20260107T000000"
        for folder in (journal.parent, run):
            folder.mkdir(parents=True)
        journal.write_text(entry.line + "\n", encoding="utf-8")
        report_in(run, here.name)
        (run / "evidence.json").write_text("{}", encoding="utf-8")
        world.enforce_iam(True)
        yield Desk(world, tmp_path, monkeypatch, capsys)


def test_the_approver_signs_and_a_stranger_without_aws_checks_every_byte(desk: Desk) -> None:
    path = desk.pack()
    assert path.stat().st_mode & 0o777 == 0o600
    members = members_of(path.read_bytes())
    assert {JOURNAL, "runs/sit-failover-20260107T000000/evidence.json", "rules.json", "approvals.json"} <= set(members)
    checked = desk.run(f"evidence verify {path}", person="")
    assert checked.code == 3, "whose key that is was not compared"
    assert (
        "Every byte is as it was made; signed by the key that it calls arn:aws:kms:eu-west-1:815856636111:key/"
        in checked.out
    )


def test_the_operator_may_not_sign_and_the_pack_says_so(desk: Desk) -> None:
    path = desk.pack("operator")
    checked = desk.run(f"evidence verify {path}", person="")
    assert (checked.code, "UNSIGNED: kms:Sign" in checked.out) == (3, True), checked.out


def test_a_forger_who_packs_again_what_was_signed_is_found_out(desk: Desk) -> None:
    members = members_of(desk.pack().read_bytes())
    journal = members[JOURNAL].replace(b"seen", b"gone")
    files = {name: data for name, data in members.items() if name not in {"manifest.json", SIGNATURE, SEAL}}
    about = {k: v for k, v in json.loads(members["manifest.json"]).items() if k not in {"files", "schema"}}
    forged = {**files, JOURNAL: journal}
    forged |= {"manifest.json": manifest_of(forged, about), SIGNATURE: members[SIGNATURE]}
    verdict = verify(tar({**forged, SEAL: f"{sha256(tar(forged))}\n".encode()}))
    assert ("signature.json: the signature is not of this manifest and key.",) == verdict.faults


@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.proof)])
def test_a_byte_of_a_small_pack_that_is_flipped_is_detected(every: int) -> None:
    here = WorldId.live(SIT.account, "")
    data = {"says": "x", "world": here.to_json()}
    entry = entry_after(
        genesis("sit", "INC-1", here), 1, datetime(2026, 1, 7, tzinfo=UTC), "r", EntryKind.NOTE, None, data
    )
    files = {JOURNAL: (entry.line + "\n").encode()}
    raw = pack_bytes(files, manifest_of(files, {"environment": "sit", "incident": "INC-1"}), None, "no key")
    assert verify(raw).faults == ()
    places = range(0, len(raw), every)
    undetected = [at for at in places if not verify(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).faults]
    assert [] == undetected


def test_a_changed_a_missing_and_an_added_file_are_named() -> None:
    files = {"a.json": b"1", "b.json": b"2"}
    members = members_of(pack_bytes(files, manifest_of(files, {}), None, "no key"))
    other = {name: data for name, data in members.items() if name != "b.json"} | {"a.json": b"3", "c.json": b"4"}
    faults = verify(tar(other)).faults
    assert {"a.json was changed.", "b.json is missing.", "c.json was added."} < set(faults)
    assert verify(b"no pack").faults[0].startswith("This is no whole evidence pack: it is no archive")


def test_a_pack_signed_by_a_forged_key_is_no_pack_of_the_control_stack(desk: Desk) -> None:
    """The pack brings the key and names it as it likes: only a key that the auditor kept says who signed."""
    true, own_key = desk.pack(), desk.home / "key.txt"
    aws = Aws(desk.world.url, desk.world.people["approver"], SIT, tenant="").client("kms", Side.DR)
    public = aws.get_public_key(KeyId=SIT.named(SIT.names.evidence_key))["PublicKey"]
    own_key.write_text(base64.b64encode(public).decode() + "\n", encoding="ascii")
    files = {"a.json": b"1"}
    forged = desk.home / "forged.tar"
    named, twofold = json.loads(members_of(true.read_bytes())[SIGNATURE])["key"], desk.home / "twofold.tar"
    forged.write_bytes(forged_pack(files, named))
    twofold.write_bytes(forged_pack(files, named, own_key.read_text(encoding="ascii")))
    packs = (true, forged, twofold)
    checked = {path: desk.run(f"evidence verify {path} --public-key {own_key}", person="") for path in packs}
    assert (0, f"signed by the key of {own_key}" in checked[true].out) == (checked[true].code, True), checked[true]
    fault = f"FAULT: No signature of the key of {own_key}"
    for path in (forged, twofold):
        assert (3, fault in checked[path].out) == (checked[path].code, True), checked[path]
    alone = desk.run(f"evidence verify {forged}", person="")
    assert (alone.code, "signed, its key NOT VERIFIED, exit 3" in alone.out) == (3, True), alone.out
    assert f"evidence verify {forged} --public-key FILE" in alone.out.partition("Next:")[2]
    unsigned = desk.run(f"evidence verify {desk.pack('operator')} --public-key {own_key}", person="")
    assert (3, "it is UNSIGNED: kms:Sign" in unsigned.out) == (unsigned.code, True), unsigned
    odd = desk.run(f"evidence verify {true} --public-key {true}", person="")
    assert (2, "holds no public key" in odd.err) == (odd.code, True), odd


def test_a_word_that_nothing_is_done_with_is_refused(desk: Desk) -> None:
    """Who names a key, or an incident, believes that it counted."""
    keyed = desk.run(f"-e sit evidence --incident {INCIDENT} --public-key {desk.home / 'key.txt'}")
    assert (2, True) == (keyed.code, "--public-key belongs to `evidence verify FILE`" in keyed.err), keyed
    assert [] == list(desk.home.rglob("*.evidence.tar"))
    pack = desk.pack()
    for words in ("--incident INC-9", f"--run {desk.home / 'out'}"):
        other = desk.run(f"evidence verify {pack} {words}", person="")
        assert (2, True) == (other.code, f"{words.split()[0]} belongs to making a pack" in other.err), other


def test_a_pack_that_holds_no_approvals_does_not_prove_who_approved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its key is compared and each byte is as signed: that a person approved the run is the journal's word alone."""
    files = {JOURNAL: f"{begun().line}\n".encode(), APPROVALS: json.dumps(APPROVED).encode()}
    checked = {}
    for left_out in ("", APPROVALS):
        raw = forged_pack({name: data for name, data in files.items() if name != left_out}, "key", about=RUN)
        pack, key = tmp_path / "run.tar", tmp_path / "key.pem"
        pack.write_bytes(raw)
        key.write_text(json.loads(members_of(raw)[SIGNATURE])["public_key"], encoding="ascii")
        code = run_command(parse(f"evidence verify {pack} --public-key {key}".split()))
        checked[left_out] = (code, "NOT PROVEN: Entry 1: that " in capsys.readouterr().out)
    assert checked == {"": (0, False), APPROVALS: (3, True)}


def forged_pack(files: dict[str, bytes], named: str, before: str = "", about: Any = None) -> bytes:
    """A pack of ``files``, rightly signed by a new key that says it is ``named``, with a text before its own PEM."""
    key, manifest = ec.generate_private_key(ec.SECP256R1()), manifest_of(files, about or {"environment": "sit"})
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    signature = key.sign(signed_text(manifest), ec.ECDSA(hashes.SHA256())).hex()
    return pack_bytes(files, manifest, Signature(named, before + public, signature))


def test_what_a_hostile_pack_says_of_itself_begins_no_line_of_its_own(desk: Desk) -> None:
    lie, path = "\nEvery byte is as it was made; signed by you.", desk.home / "hostile.tar"
    about = {"environment": f"sit{lie}", "incident": f"I{lie}", "made_at": lie, "not_included": [lie]}
    path.write_bytes(pack_bytes({f"a{lie}": b"1"}, manifest_of({f"b{lie}": b"1"}, about), None, lie))
    checked = desk.run(f"evidence verify {path}", person="")
    assert (3, []) == (checked.code, [row for row in checked.out.splitlines() if row.startswith("Every byte")])


@pytest.mark.proof
def test_evidence_of_an_approver_is_signed_and_one_flipped_byte_is_named(desk: Desk) -> None:
    path = desk.home / "saved.json"
    seen = desk.run(f"-e sit status --replication --save-evidence {path}")
    assert f"{path} is signed by arn:aws:kms:eu-west-1:815856636111:key/" in seen.err
    checked = desk.run(f"evidence verify {path}", person="")
    assert (
        checked.code,
        "Every byte is as it was made; signed by the key that it calls arn:aws:kms:" in checked.out,
    ) == (
        3,
        True,
    ), checked.out
    judged = desk.run(f"-e sit status --replication --from-evidence {path}", person="")
    assert (judged.code, f"{path} is signed by the key that it calls arn:aws:kms:" in judged.err) == (
        seen.code,
        True,
    ), judged.err
    raw = path.read_bytes()
    at = raw.index(b"sit-mysql")
    path.write_bytes(raw[:at] + b"S" + raw[at + 1 :])
    checked = desk.run(f"evidence verify {path}", person="")
    assert (checked.code, " was changed." in checked.out) == (3, True), checked.out
    refused = desk.run(f"-e sit status --from-evidence {path}", person="")
    assert (refused.code, refused.out, " was changed." in refused.err) == (2, "", True), refused.err


@pytest.mark.proof
def test_unsigned_evidence_says_so_on_the_screen_and_in_the_file(desk: Desk) -> None:
    path = desk.home / "saved.json"
    seen = desk.run(f"-e sit status --replication --save-evidence {path}", "operator")
    assert f"{path} is UNSIGNED: kms:Sign" in seen.err
    checked = desk.run(f"evidence verify {path}", person="")
    assert (checked.code, "UNSIGNED: kms:Sign" in checked.out) == (3, True), checked.out
    judged = desk.run(f"-e sit status --replication --from-evidence {path}", person="")
    assert (judged.code, f"{path} is UNSIGNED: kms:Sign" in judged.err) == (seen.code, True), judged.err


@pytest.mark.parametrize("words", ["", "--incident INC-8 --run somewhere", "verify", "--incident ../INC"])
def test_what_is_not_named_well_is_a_usage_error(desk: Desk, words: str) -> None:
    ran = desk.run(f"-e sit evidence {words}")
    assert (ran.code, ran.out) == (2, ""), ran.err


def report_in(folder: Path, world: str, environment: str = "sit") -> None:
    """The report of a run of the incident."""
    report = {"environment": environment, "world": world, "run": {"incident": INCIDENT}}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def test_a_pack_holds_no_run_of_a_rehearsal_or_of_another_environment(desk: Desk) -> None:
    out = desk.home / "out"
    report_in(out / "sit-failover-rehearsed", WorldId.sandbox(SIT.account, "later").name)
    report_in(out / "sit-2-failover-20260107T000000", WorldId.live(SIT.account, desk.world.url).name, "sit-2")
    report_in(out / "sit-failback-20260107T010000", WorldId.live(SIT.account, desk.world.url).name)
    packed = {name.split("/")[1] for name in members_of(desk.pack().read_bytes()) if name.startswith("runs/")}
    assert {"sit-failover-20260107T000000", "sit-failback-20260107T010000"} == packed
    for other, reason in (
        ("sit-failover-rehearsed", "is a run in sandbox later: pack it with --sandbox"),
        ("sit-2-failover-20260107T000000", "is a run of sit-2"),
    ):
        ran = desk.run(f"-e sit evidence --run {out / other}")
        assert (ran.code, reason in ran.err) == (2, True), ran.err


def test_a_run_whose_report_is_damaged_is_named_and_the_others_are_packed(desk: Desk) -> None:
    """An auditor sees that one is missing: nothing shows of which incident it was."""
    out = desk.home / "out"
    for name, report in (("cut", b'{"run": {"inc'), ("list", b"[]"), ("bytes", b"\xff\xfe")):
        (out / f"sit-failover-{name}").mkdir()
        (out / f"sit-failover-{name}" / "report.json").write_bytes(report)
    path = desk.pack()
    members = members_of(path.read_bytes())
    packed = {name.split("/")[1] for name in members if name.startswith("runs/")}
    assert {"sit-failover-20260107T000000"} == packed
    missing = json.loads(members["manifest.json"])["not_included"]
    damaged = [f"runs/sit-failover-{name}: its report.json" for name in ("bytes", "cut", "list")]
    assert damaged == [row.partition(" cannot be read")[0] for row in missing if "report.json" in row]
    verified = desk.run(f"evidence verify {path}", person="")
    assert verified.out.count("not included: runs/sit-failover-") == 3, verified.out
    alone = desk.run(f"-e sit evidence --run {out / 'sit-failover-cut'}")
    assert (alone.code, "holds no report.json of a run" in alone.err) == (2, True), alone.err


def test_a_kept_file_that_somebody_else_wrote_too_is_missed_in_the_pack(desk: Desk) -> None:
    bucket = "bbws-dr-evidence-sit"
    config = rules(desk.home, "sit", f'[names]\nanchor_bucket = "{bucket}"')
    desk.world.enforce_iam(False)
    s3 = Aws(desk.world.url, desk.world.people["admin"], SIT, tenant="").client("s3", Side.DR)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": SIT.regions.dr})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for name, body in (("report.md", b"1"), ("report.json", b"1"), ("report.json", b"2")):
        s3.put_object(Bucket=bucket, Key=f"runs/sit/{INCIDENT}/e-1/{name}", Body=body)
    ran = desk.run(f"--config {config} -e sit evidence --incident {INCIDENT}")
    assert ran.code == 0, ran.err
    members = members_of(Path(ran.out.partition(": ")[0]).read_bytes())
    assert {"runs/aws/e-1/report.md"} == {name for name in members if name.startswith("runs/aws")}
    missing = json.loads(members["manifest.json"])["not_included"]
    assert f"runs/sit/{INCIDENT}/e-1/report.json: somebody else wrote there too" in missing, missing


def test_a_link_among_the_runs_brings_no_file_of_elsewhere_into_the_pack(desk: Desk) -> None:
    out, elsewhere = desk.home / "out", desk.home / "elsewhere"
    report_in(elsewhere, WorldId.live(SIT.account, desk.world.url).name)
    (elsewhere / "private.txt").write_text("of nobody else", encoding="utf-8")
    (out / "sit-failover-link").symlink_to(elsewhere, target_is_directory=True)
    members = members_of(desk.pack().read_bytes())
    assert not [name for name in members if "private" in name]
    assert any(
        "runs/sit-failover-link: it is a link" in row for row in json.loads(members["manifest.json"])["not_included"]
    )


def test_a_file_with_an_impossible_name_is_named_and_others_are_packed(desk: Desk) -> None:
    run = desk.home / "out" / "sit-failover-20260107T000000"
    (run / ("a" * 200)).write_text("long", encoding="utf-8")
    (run / os.fsdecode(b"odd\xff.txt")).write_text("no text", encoding="utf-8")
    path = desk.pack()
    members = members_of(path.read_bytes())
    assert "runs/sit-failover-20260107T000000/evidence.json" in members
    missing = json.loads(members["manifest.json"])["not_included"]
    assert len([row for row in missing if "its name" in row]) == 2, missing
    assert verify(path.read_bytes()).faults == ()


def record_a_run(desk: Desk) -> None:
    """A failover that ended, in the journal of this machine and in its mirror."""
    here = WorldId.live(SIT.account, desk.world.url)
    whole = Plan("sit", SIT.account, Goal.FAILOVER, "PRIMARY_LOST", (step("tenant1"),))
    cleared = {"incident": INCIDENT, "operator": "alice", "approver": "", "digest": whole.digest}
    rows: list[tuple[EntryKind, str | None, dict[str, Any]]] = [
        (EntryKind.BEGIN, None, {"plan": to_json(whole), "digest": whole.digest, "clearance": cleared}),
        (EntryKind.CONFIRMED, step("tenant1").id, {"says": "runs"}),
        (EntryKind.VALIDATED, None, {"passed": True, "served": [1, 1]}),
        (EntryKind.END, None, {"outcome": "done", "says": "Every step is done."}),
    ]
    folder = desk.home / "out" / "incidents" / here.folder
    with Journal.open(folder, "sit", INCIDENT, "run-2", lambda: datetime.now(UTC), world=here) as journal:
        for kind, step_id, data in rows:
            journal.append(kind, step_id, **data)


def test_a_pack_holds_page_and_runs_and_is_reviewed_offline(desk: Desk) -> None:
    record_a_run(desk)
    path = desk.pack()
    members = members_of(path.read_bytes())
    assert f"The failover of SIT for {INCIDENT} is done." in members["index.html"].decode()
    manifest = json.loads(members["manifest.json"])
    assert manifest["runs"] == [{"run": "run-2", "goal": "failover", "outcome": "done"}]
    reviewed = desk.run(f"review {path}", person="")
    assert reviewed.code == 0, reviewed.err
    assert f"Post-incident review: {INCIDENT} in SIT" in reviewed.out
    journal = desk.home / "journal.jsonl"
    journal.write_bytes(members[JOURNAL])
    log = desk.run(f"-e sit log --journal {journal}", person="")
    assert "run-2: done" in log.out, log.err


def test_a_later_rehearsal_of_the_incident_does_not_replace_its_journal(desk: Desk) -> None:
    rehearsal, data = WorldId.sandbox(SIT.account, "later"), {"says": "rehearsed"}
    folder = desk.home / "out" / "incidents" / rehearsal.folder
    with Journal.open(folder, "sit", INCIDENT, "run-9", lambda: datetime.now(UTC), world=rehearsal) as journal:
        journal.append(EntryKind.NOTE, **data)
    assert b"rehearsed" not in members_of(desk.pack().read_bytes())[JOURNAL]
    own = desk.home / "out" / "incidents" / WorldId.live(SIT.account, desk.world.url).folder
    copied = own / f"sit-{INCIDENT}.journal.jsonl"
    copied.write_bytes((folder / copied.name).read_bytes())
    refused = desk.run(f"-e sit evidence --incident {INCIDENT}")
    assert (refused.code, "is of another world: sandbox later" in refused.err) == (2, True), refused


def test_a_pack_that_was_changed_is_reviewed_and_called_so(desk: Desk) -> None:
    record_a_run(desk)
    path = desk.pack()
    path.write_bytes(path.read_bytes().replace(b"Every step is done.", b"Every step was made"))
    reviewed = desk.run(f"review {path}", person="")
    assert (reviewed.code, "FAULT: " in reviewed.err) == (3, True), reviewed.err
    for wrong in ("rules.json", "no.tar"):
        (desk.home / "rules.json").write_text("{}", encoding="utf-8")
        refused = desk.run(f"review {desk.home / wrong}", person="")
        assert (refused.code, refused.err.count("\n") <= 2) == (2, True), refused.err


def test_the_report_of_an_incident_is_made_from_its_record(desk: Desk) -> None:
    record_a_run(desk)
    report = desk.run(f"-e sit report --incident {INCIDENT}", "operator")
    assert report.code == 0, report.err
    assert f"Record of the failover of {INCIDENT} in SIT" in report.out
    closing = dict(re.findall(r"^  (\w+): +(.+)$", report.out.partition("In short")[2], re.MULTILINE))
    assert [*closing] == ["Answer", "Served", "Recovery", "Lost", "Standby", "Duration", "Next"], report.out
    assert (closing["Answer"], closing["Served"]) == ("DONE, exit 0", "1 of 1 tenants by eu-west-1")
    assert [] == [word for word in ("CANNOT_SAY", "BLIND", "score", "API calls") if word in report.out], report.out
    (page,) = (desk.home / "out").glob("sit-report-*/report.html")
    text = page.read_text(encoding="utf-8")
    assert f"The failover of SIT for {INCIDENT} is done." in text
    assert "1 of 1 tenants by eu-west-1" in text
    assert (page.parent / "review.md").exists()
    shown = re.findall(r"^In it: (.+)$", report.out, re.MULTILINE)
    assert [] == [name for line in shown for name in line.split(", ") if not (page.parent / name).exists()], shown
    (journal,) = re.findall(r"^journal: (.+)$", report.out, re.MULTILINE)
    assert Path(journal).exists()
    none = desk.run("-e sit report --incident INC-404", "operator")
    assert (none.code, "No run of INC-404 is on record in sit" in none.err) == (2, True), none.err

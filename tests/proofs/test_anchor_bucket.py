"""Heads in a bucket with Object Lock, IAM enforced: a record that is rewritten everywhere else shows against them."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from dr_actions.journal.entries import Entry
from dr_estate.config.environment import Side, load_environment
from tests.proofs.changes import Aws
from tests.utils.running import rules
from tests.utils.test_forged_log import INCIDENT, WORDS, Record
from tests.worlds import borrowed, world_of
from utils.aws_mgmt.app.connections import connect

pytestmark = pytest.mark.proof

BUCKET = "bbws-dr-evidence-sit"


def test_a_record_rewritten_in_all_other_places_shows_in_the_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = rules(tmp_path, "sit", f'[names]\nanchor_bucket = "{BUCKET}"')
    env = load_environment(config, "sit")
    with borrowed(env, 1) as world:
        world.enforce_iam(True)
        record = Record(world, tmp_path, env, monkeypatch, capsys)
        none = record.chain()[:0]
        for entries in (none, record.chain()):
            record.file_holds(record.chain())
            record.mirror_holds(record.chain())
            record.anchors_hold(entries)
            _put(record, entries)
            ran = record.verify(f"--config {config}")
            assert ran.code == (0 if entries else 3), ran.out
        assert f"in the bucket {BUCKET}: anchored: 3 heads" in _plain(ran.out)
        forged = record.chain((WORDS[0], "nothing happened", WORDS[2]))
        record.file_holds(forged)
        record.mirror_holds(forged)
        _put(record, forged)
        ran = record.verify(f"--config {config} --format json")
        assert (ran.code, ran.report["anchors"]["differs_at"]) == (3, 2), ran.out
        assert f"in the bucket {BUCKET}: CONTESTED at entry 2" in ran.report["anchors"]["says"]
        _nobody_takes_away(record)


def test_a_head_whose_upload_began_too_early_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """S3 dates what was uploaded in parts by the beginning of its upload: false heads would be the first to arrive."""
    config = rules(tmp_path, "sit", f'[names]\nanchor_bucket = "{BUCKET}"')
    env = load_environment(config, "sit")
    with borrowed(env, 1) as world:
        world.enforce_iam(True)
        record = Record(world, tmp_path, env, monkeypatch, capsys)
        record.file_holds(record.chain())
        record.mirror_holds(record.chain())
        s3 = Aws(world.url, world.people["operator"], env, tenant="").client("s3", Side.DR)
        uploads = [
            {"Bucket": BUCKET, "Key": f"anchors/sit/{INCIDENT}/{entry.seq:09d}-{entry.digest}"}
            for entry in record.chain((WORDS[0], "nothing happened", WORDS[2]))[1:]
        ]
        begun = [{**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]} for named in uploads]
        record.anchors_hold(record.chain())
        _put(record, record.chain())
        for upload in begun:
            part = {"ETag": s3.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"], "PartNumber": 1}
            s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
        ran = record.verify(f"--config {config}")
        assert (ran.code, f"in the bucket {BUCKET}: anchored: 3 heads" in _plain(ran.out)) == (0, True), ran.out


def _plain(text: str) -> str:
    """A screen's text without its line breaks."""
    return " ".join(text.split())


def _put(record: Record, entries: list[Entry]) -> None:
    """Anchor each entry in the bucket as a run does, with the operator's keys."""
    app = connect(world_of(record.world, "operator"), record.env)
    for entry in entries:
        app.anchors[1].put(INCIDENT, entry)


def _nobody_takes_away(record: Record) -> None:
    """The operator may delete nothing there, and the lock keeps each version from the admin."""
    for person in ("operator", "admin"):
        s3 = Aws(record.world.url, record.world.people[person], record.env, tenant="").client("s3", Side.DR)
        for version in s3.list_object_versions(Bucket=BUCKET)["Versions"]:
            with pytest.raises(ClientError, match="AccessDenied"):
                s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])

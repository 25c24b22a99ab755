"""The files of a run that AWS's task keeps are fetched as it wrote them, also where another caller writes later."""

from __future__ import annotations

from pathlib import Path

from dr_estate.config.environment import Side, load_environment
from reports.allure.results import RESULTS
from tests.proofs.changes import Aws
from tests.utils.running import rules
from tests.worlds import borrowed, world_of
from utils.aws_mgmt.app.connections import connect
from utils.aws_mgmt.app.kept_files import fetch_files, keep_files

BUCKET = "bbws-dr-evidence-sit"
FOLDER = "runs/sit/INC-1/"


def test_a_runs_files_are_fetched_as_they_were_kept(tmp_path: Path) -> None:
    env = load_environment(rules(tmp_path, "sit", f'[names]\nanchor_bucket = "{BUCKET}"'), "sit")
    task, laptop = tmp_path / "task", tmp_path / "laptop"
    (task / "texts").mkdir(parents=True)
    (task / RESULTS).mkdir()
    (task / RESULTS / "1-result.json").write_bytes(b"{}")
    (task / "report.html").write_text("as it ran", encoding="utf-8")
    (task / "texts" / "1.json").write_bytes(b"{}")
    (task / "review.md").write_text("as it ran", encoding="utf-8")
    with borrowed(env, 1) as world:
        world.enforce_iam(True)
        operator, reader = (connect(world_of(world, person), env) for person in ("operator", "reader"))
        assert fetch_files(reader, "INC-1", laptop) == ""
        message = keep_files(operator, "INC-1", "e-1", task, RESULTS)
        assert message == f"3 files of this run are kept in s3://{BUCKET}/runs/sit/INC-1/e-1."
        again = keep_files(operator, "INC-1", "e-1", task, RESULTS)
        assert "were not all kept" in again, "nothing is overwritten"
        refused = keep_files(reader, "INC-1", "e-2", task, RESULTS)
        assert "were not all kept" in refused
        s3 = Aws(world.url, world.people["admin"], env, tenant="").client("s3", Side.DR)
        for name in ("e-1/review.md", "e-1/stray*.txt", "e-1/report.html/below"):
            s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}{name}", Body=b"written later")
        fetched = fetch_files(reader, "INC-1", laptop)
    assert fetched.startswith(f"2 files of AWS's task in {laptop / 'aws'}, its page too: ")
    foreign = ("report.html/below", "review.md", "stray*.txt")
    assert fetched.endswith(f"wrote there too: {', '.join(f'{FOLDER}e-1/{name}' for name in foreign)}.")
    found = laptop / "aws" / "e-1"
    assert (found / "report.html").read_text(encoding="utf-8") == "as it ran"
    assert (found / "texts" / "1.json").read_bytes() == b"{}"
    assert {0o600} == {path.stat().st_mode & 0o777 for path in found.rglob("*") if path.is_file()}
    assert not (found / "review.md").exists()
    assert [] == list(tmp_path.rglob("stray*"))

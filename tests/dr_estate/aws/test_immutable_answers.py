"""Answers that cannot change are kept between two looks, in a file that counts only as it was written."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from dr_estate.aws import immutable_answers
from dr_estate.aws.immutable_answers import ImmutableAnswers, load

ARN = "arn:aws:ecs:eu-west-1:1:task-definition/a:1"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    answers = ImmutableAnswers()
    answers.keep(ARN, {"cpu": 256})
    answers.save(tmp_path / "cache" / "sit.json", "1.0")
    return tmp_path / "cache" / "sit.json"


def test_what_was_kept_is_known_at_the_next_look_and_nobody_else_may_read_it(record: Path) -> None:
    assert load(record, "1.0").get(ARN) == {"cpu": 256}
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert [path.name for path in record.parent.iterdir()] == ["sit.json"], "nothing half-written lies beside it"


def _changed(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"256", b"512"))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _of_another_form(path: Path) -> None:
    path.write_bytes(b'["checksum"]')


def _writable_by_all(path: Path) -> None:
    path.chmod(0o666)


def _a_link(path: Path) -> None:
    path.replace(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("happened", [_changed, _cut, _of_another_form, _writable_by_all, _a_link, _gone])
def test_a_file_that_is_not_as_it_was_written_is_none(record: Path, happened: Callable[[Path], None]) -> None:
    happened(record)
    assert load(record, "1.0").get(ARN) is None


def test_what_another_version_made_of_an_answer_does_not_count(record: Path) -> None:
    assert load(record, "1.1").get(ARN) is None


def test_the_file_has_a_limit_and_what_was_read_last_stays(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(immutable_answers, "MOST_ANSWERS", 2)
    for number in (2, 3):
        answers = load(record, "1.0")
        answers.keep(f"revision {number}", number)
        answers.save(record, "1.0")
    assert load(record, "1.0").known == {"revision 3": 3, "revision 2": 2}


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    answers = ImmutableAnswers()
    answers.keep(ARN, {"cpu": 256})
    answers.save(tmp_path / "cache" / "sit.json", "1.0")
    assert load(tmp_path / "cache" / "sit.json", "1.0").known == {}

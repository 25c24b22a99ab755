"""Answers that need no asking are kept between two looks, in a file that counts only as it was written."""

from __future__ import annotations

import contextlib
import hashlib
import resource
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from dr_estate.aws import immutable_answers
from dr_estate.aws.immutable_answers import ImmutableAnswers, load

ARN = "arn:aws:ecs:eu-west-1:1:task-definition/a:1"
V1 = "read 2026-03-05"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    answers = ImmutableAnswers()
    answers.keep(ARN, V1, {"cpu": 256})
    answers.save(tmp_path / "cache" / "sit.json", "1.0")
    return tmp_path / "cache" / "sit.json"


def test_kept_answers_are_known_at_the_next_look_and_private(record: Path) -> None:
    assert load(record, "1.0").get(ARN, V1) == {"cpu": 256}
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
    assert load(record, "1.0").get(ARN, V1) is None


def test_the_file_of_an_earlier_form_is_none(record: Path) -> None:
    flat = {f"{ARN}@{V1}": {"cpu": 256}}
    content = orjson.dumps(["aws-dr-manager/immutable-answers/1", "1.0", flat], option=orjson.OPT_SORT_KEYS)
    body = {"checksum": hashlib.sha256(content).hexdigest(), "maker": "1.0", "answers": flat}
    record.write_bytes(orjson.dumps(body))
    assert load(record, "1.0").known == {}


def test_what_another_version_made_of_an_answer_does_not_count(record: Path) -> None:
    assert load(record, "1.1").get(ARN, V1) is None


def _look(record: Path, *wanted: str, version: str = V1) -> list[str]:
    """Look once, as a reader does: what is not known is read. Returns what was read."""
    answers, read = load(record, "1.0"), []
    for arn in wanted:
        if answers.get(arn, version) is None:
            answers.keep(arn, version, f"answer of {arn}")
            read.append(arn)
    answers.save(record, "1.0")
    return read


def test_the_file_has_a_limit_and_what_the_last_look_read_or_used_stays(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(immutable_answers, "MOST_ANSWERS", 3)
    _look(record, "a", "b")
    assert _look(record, "b", "c") == ["c"]
    assert _look(record, "b", "d") == ["d"]
    assert list(load(record, "1.0").known) == ["d", "b", "c"], "b was used each time; a was not, for longest"


def test_an_answer_of_another_version_of_the_same_thing_takes_no_room(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(immutable_answers, "MOST_ANSWERS", 5)
    secrets, revisions = ["secret a", "secret b"], ["revision a", "revision b"]
    _look(record, *secrets, *revisions)
    for day in range(1, 8):
        assert _look(record, *secrets, version=f"read on day {day}") == secrets
    assert _look(record, *revisions) == [], "however many days there were"


def test_what_no_look_asks_for_any_more_stays_while_there_is_room(record: Path) -> None:
    _look(record, "a")
    assert _look(record, ARN) == []


def test_what_is_too_large_to_read_again_is_left_out_and_the_rest_is_known(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(immutable_answers, "MOST_BYTES", 1500)
    answers = ImmutableAnswers()
    for arn, size in (("a", 400), ("\u00e4", 400), ("too large by itself", 2000), ("d", 400), ("e", 400)):
        answers.keep(arn, V1, "x" * size)
    answers.save(record, "1.0")
    assert record.stat().st_size <= 1500
    assert list(load(record, "1.0").known) == ["a", "\u00e4", "d"]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    answers = ImmutableAnswers()
    answers.keep(ARN, V1, {"cpu": 256})
    answers.save(tmp_path / "cache" / "sit.json", "1.0")
    assert load(tmp_path / "cache" / "sit.json", "1.0").known == {}


@contextlib.contextmanager
def _full_disk() -> Iterator[None]:
    """Every write of this process ends after ten bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_file_of_before_and_nothing_beside_it(record: Path) -> None:
    answers = load(record, "1.0")
    answers.keep("another", V1, {"cpu": 512})
    with _full_disk():
        answers.save(record, "1.0")
    assert [path.name for path in record.parent.iterdir()] == ["sit.json"]
    assert load(record, "1.0").known.keys() == {ARN}


def test_every_folder_that_is_made_is_the_users_alone(tmp_path: Path) -> None:
    (tmp_path / "of before").mkdir(mode=0o755)
    folder = tmp_path / "of before" / "cache" / "aws-dr-manager" / "111111111111"
    _look(folder / "sit.json", ARN)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (folder, *folder.parents)]
    assert modes[:4] == [0o700, 0o700, 0o700, 0o755]

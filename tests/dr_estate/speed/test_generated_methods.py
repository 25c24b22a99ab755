"""Dataclasses behave the same with methods that an earlier process compiled, and no text is compiled twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import field, make_dataclass
from pathlib import Path
from typing import Any

import pytest

from dr_estate.speed import kept_code
from dr_estate.speed.kept_code import CompiledTexts

SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut off": lambda content: content[:-1],
    "longer": lambda content: content + b"x",
    "another Python's": lambda content: b"\0\0\0\0" + content[4:],
    "one bit": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
}


@pytest.fixture(autouse=True)
def _dataclasses_as_before() -> Iterator[None]:
    yield
    vars(dataclasses).pop("exec", None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file in which a first process left its code."""
    process(tmp_path / "methods.code")[0].save()
    return tmp_path / "methods.code"


def process(path: Path) -> tuple[CompiledTexts, Any, Any]:
    """Define two classes as a new process does: a frozen one, and one with slots."""
    texts = CompiledTexts(path)
    vars(dataclasses)["exec"] = texts.execute
    zones = field(default=(), compare=False)
    place = make_dataclass("Place", [("region", str), ("zones", tuple[str, ...], zones)], frozen=True, order=True)
    names: Any = field(default_factory=list, repr=False)
    count = make_dataclass("Count", [("tasks", int, 0), ("names", list[str], names)], slots=True, kw_only=True)
    return texts, place, count


def test_a_second_process_compiles_no_method(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_code, "compile", None, raising=False)  # would fail
    _, place, _ = process(path)
    assert repr(place("eu-central-1")) == "Place(region='eu-central-1', zones=())"


def test_values_compare_print_and_refuse_as_ever(path: Path) -> None:
    _, place, _ = process(path)
    here = place("eu-central-1", ("a",))
    assert here == place("eu-central-1") < place("eu-west-1")
    assert hash(here) == hash(place("eu-central-1"))
    assert dataclasses.replace(here, region="us-east-1") == place("us-east-1")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'region'"):
        here.region = "elsewhere"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'region'"):
        place()


def test_factories_and_slots_are_each_class_own(path: Path) -> None:
    _, _, count = process(path)
    first, second = count(tasks=2), count()
    first.names.append("web")
    assert (second.names, repr(first), hasattr(first, "__dict__")) == ([], "Count(tasks=2)", False)


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_a_damaged_file_is_not_read_and_is_written_again(path: Path, spoil: Callable[[bytes], bytes]) -> None:
    whole = path.read_bytes()
    path.write_bytes(spoil(whole))
    texts, place, _ = process(path)
    texts.save()
    assert place("eu-central-1") == place("eu-central-1")
    assert path.read_bytes() == whole


def test_code_of_another_source_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "template.code"
    kept_code.write_code(file, compile("1", "page", "eval"), b"1")
    assert eval(kept_code.read_code(file, b"1")) == 1  # noqa: S307 - compiled in the line above
    assert kept_code.read_code(file, b"2") is None


def test_texts_of_many_versions_do_not_pile_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_code, "_MOST_TEXTS", 20)
    for number in range(5):
        texts = CompiledTexts(path)
        vars(dataclasses)["exec"] = texts.execute
        make_dataclass(f"Class{number}", [(f"field{number}", int)])
        texts.save()
    assert 0 < len(kept_code.read_code(path, b"")) <= 20


def test_what_is_known_is_not_written_again(path: Path) -> None:
    before = path.stat().st_mtime_ns, path.stat().st_ino
    process(path)[0].save()
    assert before == (path.stat().st_mtime_ns, path.stat().st_ino)

"""A template is compiled once for each source, engine and setting, and never drawn from another one's code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest

from dr_estate.speed.compiled_templates import CompiledTemplates

HELLO = "<p>{{ name }}</p>"


class CountingEngine(jinja2.Environment):
    """An engine that counts what it compiles."""

    compiled = 0

    def compile(self, *arguments: Any, **named: Any) -> Any:
        """Compile, and count."""
        self.compiled += 1
        return super().compile(*arguments, **named)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of the engine's settings; compiled files lie in a folder of the test's own."""
    monkeypatch.setenv("DR_NO_SPEEDUPS", "")
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "compiled"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "settings.py"
    file.write_text("autoescape = True")
    return file


def drawn(text: str, settings: Path) -> tuple[str, int]:
    """What a new process draws of a template, and how many it compiles."""
    loader, cache = jinja2.DictLoader({"page.html": text}), CompiledTemplates([str(settings)])
    engine = CountingEngine(loader=loader, autoescape=True, bytecode_cache=cache)
    return engine.get_template("page.html").render(name="<b>"), engine.compiled


def test_a_second_process_compiles_nothing_and_draws_the_same(settings: Path) -> None:
    assert [drawn(HELLO, settings) for _ in range(2)] == [("<p>&lt;b&gt;</p>", 1), ("<p>&lt;b&gt;</p>", 0)]


def test_another_source_is_compiled_and_drawn(settings: Path) -> None:
    drawn(HELLO, settings)
    assert drawn("<i>{{ name }}</i>", settings) == ("<i>&lt;b&gt;</i>", 1)


def test_after_a_change_of_settings_or_filters_it_is_compiled_again(settings: Path) -> None:
    drawn(HELLO, settings)
    settings.write_text("autoescape = False")
    assert drawn(HELLO, settings)[1] == 1


def test_a_damaged_file_is_compiled_and_written_again(settings: Path, tmp_path: Path) -> None:
    drawn(HELLO, settings)
    (file,) = tmp_path.rglob("*.code")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert drawn(HELLO, settings) == ("<p>&lt;b&gt;</p>", 1)
    assert file.read_bytes() == whole


def test_where_it_is_switched_off_or_nothing_may_be_written_nothing_is(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    drawn(HELLO, settings)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setenv("DR_NO_SPEEDUPS", "1")
    drawn(HELLO, settings)
    assert [] == [*tmp_path.rglob("*.code")]

"""What a command says in the end is read at 80 columns: no line is longer, but for a command, which is never broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.utils.pseudo_terminal import at_terminal
from tests.utils.running import dr_cli

COLUMNS = 80
RUNS = re.compile(r"(?:python|dr|aws) \S")


@pytest.mark.parametrize(
    "words",
    [
        "explain check rds-parity.parameter-group",
        "explain term recovery-point",
        "evidence verify pyproject.toml",
        "sandbox train",
        "-e sit sandbox down",
    ],
)
def test_no_line_is_longer_than_the_terminal_and_no_word_is_lost_by_that(words: str, tmp_path: Path) -> None:
    piped = dr_cli(words, tmp_path)
    with at_terminal(words, tmp_path, {"COLUMNS": str(COLUMNS), "LINES": "24"}, COLUMNS) as terminal:
        assert terminal.wait() == piped.code
    long = [line for line in terminal.lines if len(line) > COLUMNS and not RUNS.search(line)]
    assert long == []
    assert " ".join(terminal.lines).split() == (piped.out + piped.err).split()

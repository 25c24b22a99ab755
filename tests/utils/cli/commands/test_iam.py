"""iam prints a document that is sent to a file; what comes next is said beside it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.utils.running import dr_cli


def test_the_policies_are_a_document_and_what_comes_next_stands_beside_it(tmp_path: Path) -> None:
    ran = dr_cli("-e sit iam reader", tmp_path)
    assert (ran.code, len(json.loads(ran.out)) > 0) == (0, True)
    assert "Answer:" in ran.err
    assert " -e sit " in ran.err.partition("Next:")[2]
    assert dr_cli("-e sit iam reader --format json", tmp_path).err == ""

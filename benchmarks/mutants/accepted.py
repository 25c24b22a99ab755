"""The mutants that may survive, each with a reason: tests/mutants.toml."""

from __future__ import annotations

import tomllib

from benchmarks.mutants.source import ROOT, Change


def reasons() -> dict[Change, str]:
    """The accepted changes and why each makes no difference that a test could see."""
    rows = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text(encoding="utf-8")).get("accepted", [])
    return {Change(row["module"], row["function"], row["was"], row["becomes"]): row["reason"] for row in rows}

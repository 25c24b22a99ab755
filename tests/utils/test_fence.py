"""fence as its users run it: the printed command ends a split, and visitors that health moved away come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from tests.utils.running import ROOT, Ran, at_endpoint, rules, warm_rules
from tests.worlds import borrowed

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs" / "report.schema.json").read_text()))
QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1"


@dataclass(frozen=True)
class Sit:
    """A small SIT, and where its commands keep their files."""

    world: Endpoint
    home: Path
    config: Path

    def run(self, words: str, person: str = "operator") -> Ran:
        return at_endpoint(self.world, self.home, f"-e sit --config {self.config} {words}", person)

    def kept(self, command: str) -> dict[str, Any]:
        """The JSON report that the last run of a command kept: what --format json prints (test_run_files)."""
        reports = (self.home / "out").glob(f"sit-{command}-*/report.json")
        newest = max(reports, key=lambda path: path.stat().st_mtime_ns)
        found: dict[str, Any] = json.loads(newest.read_text(encoding="utf-8"))
        return found

    def changed(self) -> set[tuple[str, str]]:
        """Region and operation of every change since the last reset, but for the tool's own records and messages."""
        calls = self.world.mutations()
        return {
            (call["region"], call["operation"]) for call in calls if call["service"] not in ("dynamodb", "logs", "sns")
        }


@contextmanager
def _small(home: Path, config: Path) -> Iterator[Sit]:
    with borrowed(load_environment(config, "sit"), tenants=2) as world:
        world.timing(transition_s=0)
        world.keep("healthy")
        yield Sit(world, home, config)


@pytest.fixture(scope="module")
def sit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sit]:
    home = tmp_path_factory.mktemp("sit")
    with _small(home, rules(home, "sit", QUICK)) as small:
        yield small


@pytest.fixture(scope="module")
def warm_sit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sit]:
    """Where nothing runs in the DR region, no visitor can be led."""
    home = tmp_path_factory.mktemp("warm-sit")
    with _small(home, warm_rules(home, "sit", QUICK)) as small:
        yield small


@pytest.mark.proof
@pytest.mark.whole_run("fence")
def test_a_split_leads_every_screen_and_ends_by_the_command_it_prints(sit: Sit) -> None:
    sit.world.return_to("healthy")
    sit.world.inject("both-regions-serve")
    for words in ("status", "failover", "failback", "fence"):
        first, second, *_ = sit.run(words, "reader").out.splitlines()
        assert first.startswith("Visitors read and write in eu-west-1, 2 of 2 tenants, and two databases take "), words
        # What fences already names the run, and never itself.
        assert first.endswith(" fence --execute`" if words == "fence" else " fence --side primary`"), words
        assert second.startswith("BLOCKER: posture SPLIT: "), words
    weighed = sit.kept("failback")
    assert (weighed["recommendation"], " fence --side primary`" in weighed["next_step"]) == ("WAIT", True)
    (gate,) = [gate for gate in weighed["gates"] if gate["id"] == "direction.one-writer"]
    assert (gate["met"], gate["stops"]) == (False, True)
    lost = {loss["subject"] for loss in weighed["data_loss"]}
    assert "sit-mysql of af-south-1" in lost, "what the second writer took"
    began = sit.run("failback --staged --execute --incident INC-1")
    assert (began.code, "direction.one-writer: " in began.err, "fence --side primary" in began.err) == (4, True, True)
    split = sit.kept("status")
    assert [] == list(SCHEMA.iter_errors(split))
    assert (split["posture_severity"], split["score"] < 50, split["recommendation"]) == ("blocker", True, "NOT_READY")
    sit.world.reset_mutations()
    wrong = sit.run("fence --side dr --execute --incident INC-1")
    assert (wrong.code, "fence.side: af-south-1 is the side to stop" in wrong.err) == (4, True), wrong.err
    assert set() == sit.changed()
    _, _, words = split["posture_next"].partition(" fence ")
    ran = sit.run(f"fence {words.partition('`')[0]} --execute --incident INC-1 --format json")
    report = ran.report
    assert (ran.code, report["run"]["outcome"], report["posture"]) == (0, "done", "ON_DR"), ran.err
    assert [] == list(SCHEMA.iter_errors(report))
    primary = sit.changed()
    assert {region for region, _ in primary} == {"af-south-1"}
    assert {name for _, name in primary} == {"RegisterScalableTarget", "UpdateService", "ModifyDBParameterGroup"}
    sit.run("failback --incident INC-1")
    still_lost = {loss["subject"] for loss in sit.kept("failback")["data_loss"]}
    assert "sit-mysql of af-south-1" in still_lost, "the fence stopped the second writer, and moved nothing it took"
    refused = sit.run("fence --release --execute --incident INC-1")
    assert (refused.code, "release.one-writer" in refused.err) == (4, True), "the DR region's database takes writes"


@pytest.mark.proof
@pytest.mark.whole_run("fence")
def test_a_fence_of_the_dr_region_leads_visitors_back_and_is_released(warm_sit: Sit) -> None:
    warm_sit.world.return_to("healthy")
    warm_sit.world.inject("one-tenant-moves-all")
    first, second, *_ = warm_sit.run("status", "reader").out.splitlines()
    assert first.startswith("OUTAGE: "), "visitors are led where no database takes writes"
    assert first.endswith(" fence --side dr`")
    assert second.startswith("BLOCKER: posture ON_DR_UNPLANNED: ")
    ran = warm_sit.run("fence --execute --incident INC-2 --format json")
    assert (ran.code, ran.report["run"]["outcome"], ran.report["posture"]) == (0, "done", "DEGRADED"), ran.err
    assert "does not serve 1 of 2 tenants (tenant2 (scaled to 0))" in ran.report["posture_says"]
    warm_sit.world.repair("one-tenant-moves-all")
    ran = warm_sit.run("fence --release --execute --incident INC-2 --format json")
    assert (ran.code, ran.report["run"]["outcome"], ran.report["posture"]) == (0, "done", "NORMAL"), ran.err
    assert warm_sit.run("status", "reader").code == 0, "the standby is as it was"

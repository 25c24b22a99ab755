"""`explain needs` as its users run it: a tree to read, JSON to compare, and a sentence for a tenant nobody knows."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from dr_estate.snapshot.snapshot import from_json, to_json
from sandbox.client.endpoint import Endpoint
from tests.utils.running import ROOT, Ran, at_endpoint, dr_cli
from tests.worlds import healthy

SIT = load_environment(ROOT / "environments", "sit")
GOLDEN = ROOT / "tests/golden/evidence"


@pytest.fixture
def tenant(sandbox_world: Endpoint) -> str:
    return str(sandbox_world.state()["tenants"][-1])


@pytest.fixture(scope="module")
def evidence(sandbox_world: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The healthy estate as it was observed once."""
    path = tmp_path_factory.mktemp("explain") / "evidence.json"
    path.write_bytes(to_json(healthy(sandbox_world, SIT)))
    return path


def _explain(evidence: Path, words: str) -> Ran:
    return dr_cli(f"-e sit explain {words} --from-evidence {evidence}", evidence.parent)


def test_what_a_tenant_needs_is_followed_to_keys_copies_and_gateways(evidence: Path, tenant: str) -> None:
    ran = _explain(evidence, f"needs {tenant} --format json")
    assert (0, "") == (ran.code, ran.err)
    kinds = {edge["kind"] for edge in ran.report["edges"]}
    assert {"secret-key", "copy-key", "files-key", "gateway-subnet", "acl", "mount-group", "listener"} <= kinds
    assert all(edge["checks"] or edge["not_followed"] for edge in ran.report["edges"])


def test_each_edge_is_printed_with_the_check_that_follows_it(evidence: Path, tenant: str) -> None:
    ran = _explain(evidence, f"needs {tenant}")
    assert 0 == ran.code
    assert "subnet is guarded by network ACL" in ran.out
    assert "[vpc-acls.admit-traffic]" in ran.out


def test_a_tenant_that_is_not_there_is_a_sentence_and_exit_2(evidence: Path) -> None:
    ran = _explain(evidence, "needs nobody")
    assert 2 == ran.code
    assert "There is no tenant 'nobody' in sit" in ran.err


@pytest.mark.proof
def test_calls_are_counted_and_estimated_for_another_number_of_tenants(sandbox_world: Endpoint, tmp_path: Path) -> None:
    ran = at_endpoint(sandbox_world, tmp_path, "-e sit explain calls 2000 --format json")
    assert (0, "") == (ran.code, ran.warned), ran.err
    estimate = ran.report["estimate"]
    assert (ran.report["tenants"], ran.report["calls"]["ecs:DescribeTaskDefinition"]) == (3, 6)
    assert estimate["calls"]["ecs:DescribeTaskDefinition"] == 4000
    assert estimate["calls"]["ecs:DescribeServices"] == 400
    assert estimate["calls"]["secretsmanager:GetResourcePolicy"] == 2001, "one a secret, and the master's"
    assert {name for name, count in estimate["calls"].items() if count >= 2000} == {
        "ecs:DescribeTaskDefinition",
        "secretsmanager:GetResourcePolicy",
    }, "everything else is read in batches, or of what grows with no tenant"
    assert estimate["total_again"] == estimate["total"] - 4000 - 2001
    rates = "1,950 definitions and 20 pages of their families beyond the first 50, 20 a second"
    assert 98 <= estimate["seconds_at_least"] <= 99, rates


def test_the_table_of_calls_says_what_has_no_batch_read(evidence: Path) -> None:
    ran = _explain(evidence, "calls")
    assert 0 == ran.code
    assert "one revision a call" in ran.out


def test_status_prints_the_same_calls_where_it_is_asked_to_explain_them(evidence: Path) -> None:
    command = f"-e sit status --explain calls --from-evidence {evidence}"
    ran = dr_cli(command, evidence.parent)
    assert (0, _explain(evidence, "calls").out) == (ran.code, ran.out)
    for more in ("--replication", "--report", "--gate", "--watch"):
        refused = dr_cli(f"{command} {more}", evidence.parent)
        assert (2, "") == (refused.code, refused.out)
        assert "omit the other options of status" in refused.err


def test_calls_of_an_incomplete_look_are_not_all_and_that_is_exit_3(tmp_path: Path) -> None:
    evidence = tmp_path / "dark.json"
    evidence.write_bytes(lzma.decompress((GOLDEN / "sit-primary-dark.json.xz").read_bytes()))
    unseen = len(from_json(evidence.read_bytes()).unavailable_parts())
    ran = _explain(evidence, "calls")
    assert 3 == ran.code
    assert f"{unseen} parts were not seen" in ran.out
    assert unseen == _explain(evidence, "calls --format json").report["unseen_parts"] > 0

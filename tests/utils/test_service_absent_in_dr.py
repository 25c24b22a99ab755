"""A service of the map that the DR region lacks is named while the primary region is dark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from tests.dr_estate.scan.acme import AWAY, HOME, SUFFIX, build
from tests.hosting import hosted
from tests.proofs.changes import Aws
from tests.utils.running import ROOT, at_endpoint


@pytest.mark.proof
def test_a_failover_names_the_service_that_the_dr_region_lacks(tmp_path: Path) -> None:
    sit = load_environment(ROOT / "environments", "sit")
    with hosted(sit, 0, seeded=False) as world:
        admin, words = world.people["admin"], f"-e acme --config {tmp_path / 'own'}"
        build(world.url, admin.access_key_id, admin.secret_access_key, world.account)
        ecs = Aws(world.url, admin, sit, tenant="").client("ecs", Side.DR)
        cluster, lost = f"acme-main-{SUFFIX[AWAY]}", f"search-{SUFFIX[AWAY]}"
        ecs.delete_service(cluster=cluster, service=lost, force=True)
        at_endpoint(world, tmp_path, f"{words} init --yes --region {HOME}", "admin")
        world.inject("primary-dark")
        ran = at_endpoint(world, tmp_path, f"{words} failover --format json", "admin")
        unmet = {gate["id"] for gate in json.loads(ran.out)["gates"] if not (gate["met"] or gate["relaxed"])}
        assert {"check.ecs.service-exists", "traffic.targets.search"} <= unmet, ran.err

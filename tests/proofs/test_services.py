"""Changes of what stands beside the tenants are found, and harmless ones are not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proofs.changes import Aws
from tests.proofs.faults_of_services import FOUND, HARMLESS, Change
from tests.proofs.watching import Watch, judged, not_passed

pytestmark = pytest.mark.proof
_BEFORE = "before the services' change"


@pytest.fixture(scope="module")
def services_watch(sit_watch: Watch) -> Iterator[Watch]:
    sit_watch.world.keep(_BEFORE)
    yield sit_watch
    sit_watch.world.return_to(_BEFORE)


@pytest.mark.parametrize("change", [*FOUND, *HARMLESS], ids=lambda change: change.name.replace(" ", "-"))
def test_a_change_turns_the_checks_that_it_must(change: Change, services_watch: Watch) -> None:
    world, env = services_watch.world, services_watch.environment
    services_watch.renew()
    try:
        change.make(Aws(world.url, world.people["admin"], env, world.state()["tenants"][-1]))
        results = judged(services_watch.again(change.touches), env)
    finally:
        world.return_to(_BEFORE)
    red = not_passed(results)
    assert red == dict(change.turns), {check: results[check].findings for check in red}

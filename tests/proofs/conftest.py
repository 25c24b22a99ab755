"""The worlds of the proofs: each read once while it is healthy, and one per module that fails over and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from dr_estate.config.environment import Side, load_environment
from sandbox.client.endpoint import Endpoint
from tests.dr_checks.worlds import WARM
from tests.proofs.compared import calls_of, facts_validated
from tests.proofs.enforced import SHORT, Enforced, Ran, Written
from tests.proofs.killing import Undisturbed
from tests.proofs.rig import FULL, INCIDENT, Rig, quick
from tests.proofs.rough import Back
from tests.proofs.watching import Watch, watch
from tests.utils.running import ROOT, rules
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import FailbackOptions

AWAY = ("files/restore_dr:sit-efs",)
HOME = (
    "files/allow_overwrite_primary:sit-efs",
    "files/replicate_to_primary:sit-efs",
    "database/promote_primary:sit-mysql",
)
EVERY_SIDE = tuple(Side)


@dataclass(frozen=True)
class Asked:
    """What is broken in a world, what is overridden to fail over all the same, and how the failback ends."""

    broken: tuple[str, ...]
    ends: Exit
    overrides: tuple[str, ...] = ()


PLAIN = Asked(("primary-dark",), Exit.READY)
# What is left behind makes more actions, and an estate that is not ready before nor after.
LEFT_BEHIND = Asked(
    ("secrets-host-of-the-primary", "definition-primary-database", "primary-dark"),
    Exit.VALIDATION_FAILED,
    ("check.definitions.primary-region-names", "check.secrets.regional-fields"),
)


@pytest.fixture(scope="session")
def sit_watch(sandbox_world: Endpoint) -> Watch:
    """The watched world of SIT, shared with all other tests."""
    return watch(sandbox_world, load_environment(ROOT / "environments", sandbox_world.environment))


@pytest.fixture(scope="session")
def prod_watch() -> Iterator[Watch]:
    """A watched world of PROD, whose customers have host names of their own."""
    prod = load_environment(ROOT / "environments", "prod")
    with borrowed(prod, tenants=3) as world:
        yield watch(world, prod)


@pytest.fixture(scope="session")
def warm_watch() -> Iterator[Watch]:
    """A watched world of SIT with a warm standby: a task a tenant in the DR region, on a read replica."""
    with borrowed(WARM, tenants=3) as world:
        yield watch(world, WARM)


@pytest.fixture(scope="module", params=[PLAIN, LEFT_BEHIND] if FULL else [PLAIN])
def scenario(request: pytest.FixtureRequest) -> Asked:
    """Which world it is."""
    param: Asked = request.param
    return param


@pytest.fixture(scope="module")
def enforced(scenario: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforced]:
    home = tmp_path_factory.mktemp("enforced")
    folder = rules(home, "sit", SHORT)
    env = load_environment(folder, "sit")
    with borrowed(env, 1) as world:
        world.timing(transition_s=0.1, log_upload_s=0, files_lag_s=0, replica_lag_s=0, lag_published_s=1)
        for name in scenario.broken:
            world.inject(name)
        world.enforce_iam(True)
        yield Enforced(world, env, home)


@pytest.fixture(scope="module")
def away(scenario: Asked, enforced: Enforced) -> Ran:
    """The failover."""
    until = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
    waived = (("--override", gate, "DR Manager", until, "the run mends it") for gate in scenario.overrides)
    return enforced.execute("failover", AWAY, *(word for words in waived for word in words))


@pytest.fixture(scope="module")
def written(enforced: Enforced, away: Ran) -> Written:
    """What is written in the DR region."""
    assert away.code == 0, away.said
    return Written.away(enforced)


@pytest.fixture(scope="module")
def due(enforced: Enforced, written: Written) -> Rig:
    """The failback is due: the primary region is repaired."""
    enforced.world.repair("primary-dark")
    assert written.writer.written
    return Rig.of(
        enforced.world,
        quick(enforced.env, poll_s=enforced.env.execution.poll_s),
        enforced.home / "rig",
        FailbackOptions(environment=enforced.env.name, execute=True, staged=True, incident=INCIDENT),
    )


@pytest.fixture(scope="module")
def back(enforced: Enforced, due: Rig) -> Back:
    """The failback by the command line."""
    due.begin()
    ran = enforced.execute("failback", HOME, "--staged")
    ends = "done" if ran.code == Exit.READY else "invalid"
    facts = facts_validated(enforced.evidence("failback"), EVERY_SIDE)
    return Back(ran, Undisturbed(due, ends, facts, calls_of(due), EVERY_SIDE))

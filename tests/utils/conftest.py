"""A lost PROD for the tests of what its people may do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_actions.model.plan import Plan
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, load_environment
from dr_estate.model.world_id import WorldId
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import HURRIED
from tests.utils.lost_prod import Prod
from tests.utils.running import at_endpoint, direct_rules
from tests.worlds import borrowed
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.assessment import assess
from utils.aws_mgmt.app.options import FailoverOptions
from utils.aws_mgmt.app.target import ObservedWorld
from utils.aws_mgmt.cli.terminal import Terminal

QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\nlease_s = 2\n[observation]\nattempts = 1"


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path, Environment, Plan]]:
    home = tmp_path_factory.mktemp("prod")
    folder = direct_rules(home, "prod", QUICK)
    shipped = (folder / "prod.toml").read_text(encoding="utf-8")
    (folder / "prod.toml").write_text(shipped.replace('dns_step = "manual"', 'dns_step = "automatic"'))
    env = load_environment(folder, "prod")
    with borrowed(env, 1) as world:
        world.timing(**HURRIED)
        world.inject("primary-dark")
        world.enforce_iam(True)
        pinned = at_endpoint(world, home, f"-e prod --config {folder} approve --rules", "approver")
        assert pinned.code == 0, pinned.err
        keys = world.people["operator"]
        reader = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
        here = ObservedWorld(WorldId.live(env.account, world.url), reader)
        run = evaluation.CommandRun(home, Terminal())
        options = FailoverOptions(environment="prod", config=folder)
        assessment = assess(options, env, evaluation.observe_world(here, env, run), run).assessment
        assert assessment is not None
        world.keep("lost")
        yield world, home, env, assessment.plan


@pytest.fixture
def prod(
    lost: tuple[Endpoint, Path, Environment, Plan], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Prod]:
    prod_world = Prod(*lost, monkeypatch, capsys)
    yield prod_world
    prod_world.journal.unlink(missing_ok=True)
    prod_world.world.return_to("lost")

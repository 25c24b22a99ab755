"""Somebody who has the operator's keys and this source, and nobody's word, moves nothing of PROD: a search for a way.

Sequences of calls and commands are drawn by a seed and played with IAM enforced, from the same world each time; what of
the estate is another thing afterwards is looked up by plain boto3 with the admin's keys. ``DR_FULL_ALONE=1`` plays two
hundred sequences of each kind. A way that is found is cut down to what is needed of it.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.iam.statements import acting, document
from dr_estate.model.playbook import changing_actions
from dr_estate.model.recovery_document import as_values
from sandbox.client.endpoint import Endpoint
from tests.proofs.attack import EXECUTION, RECORDING, Attacker, Attempt, Draw, allowed_calls, shortest
from tests.proofs.attacked import INCIDENT, Forgery, State, commands, estate, forgery, known_names
from tests.proofs.changes import Aws
from tests.utils.running import at_endpoint, direct_rules, rules
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

SEQUENCES = 200 if os.environ.get("DR_FULL_ALONE") == "1" else 2
CALLS, COMMANDS = 24, 2
AUTOMATED, BY_HAND = "started by AWS", "run by the operator"
QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\nlease_s = 2\n[observation]\nattempts = 1\n"
TIMING = {"transition_s": 0.1, "log_upload_s": 1, "files_lag_s": 1, "replica_lag_s": 0, "lag_published_s": 1}


@dataclass(frozen=True)
class Stage:
    """A PROD whose primary region is lost and whose rules are pinned, what its estate is, and who wants to move it."""

    world: Endpoint
    env: Environment
    attacker: Attacker
    names: dict[str, list[Any]]
    forgery: Forgery
    commands: list[str]
    before: State
    began: str = "lost"

    def draw(self, seed: int) -> Draw:
        """What draws by that seed."""
        drawing = random.Random(seed)  # noqa: S311 - to be drawn again, not to be secret
        items = list(islice(self.forgery.items(drawing), 40))
        keys = [{name: item[name] for name in ("pk", "sk")} for item in items]
        return Draw(drawing, self.env, {**self.names, "item": items, "key": keys}, self.commands)

    def moved(self, sequence: list[Attempt]) -> State:
        """What of the estate is another thing after the sequence, each with what it is now."""
        self.world.return_to(self.began)
        self.attacker.forget()
        for attempt in sequence:
            self.attacker.attempt(attempt)
        now = estate(self.world, self.env)
        return {name: value for name, value in now.items() if value != self.before[name]}

    def ways(self, seeds: range, calls: list[str], most: tuple[int, int]) -> Iterator[str]:
        """The ways that are found by these seeds, each as short as it can be."""
        for seed in seeds:
            sequence = self.draw(seed).sequence(calls, *most)
            if moved := self.moved(sequence):
                way = shortest(sequence, lambda shorter: bool(self.moved(shorter)))
                yield f"seed {seed} moves {', '.join(moved)}: " + "; ".join(map(str, way))


def stage(world: Endpoint, home: Path, config: Path, env: Environment) -> Stage:
    """Lose the primary region, pin the rules by the approver's keys, and see what there is."""
    world.put_image(config)
    world.timing(**TIMING)
    world.inject("primary-dark")
    world.enforce_iam(True)
    rules_of = f"-e prod --config {config}"
    pinned = at_endpoint(world, home, f"{rules_of} approve --rules", "approver")
    assert pinned.code == 0, pinned.err
    report = at_endpoint(world, home, f"{rules_of} --format json failover", "operator").report
    world.keep("lost")
    forged, before = home / "forged", estate(world, env)
    forged.mkdir()
    text = (config / "prod.toml").read_text(encoding="utf-8")
    (forged / "prod.toml").write_text(text.replace("people = 2", "people = 1"), encoding="utf-8")
    digest, iam = report["plan"]["digest"], Aws(world.url, world.people["admin"], env, "").client("iam", Side.GLOBAL)
    ids = {person: iam.get_user(UserName=person)["User"]["UserId"] for person in ("operator", "approver")}
    start = {"Goal": ["failover"], "Incident": [INCIDENT], "PlanDigest": [digest]}
    tricks: list[list[str]] = [[], ["--config", str(forged)], ["--automation", EXECUTION, "--digest", "0" * 64]]
    names = known_names(env, world.state()["tenants"], before)
    names["parameters"] = [{**start, "Arguments": as_values(arguments)} for arguments in tricks]
    items = forgery(env, ids, digest, report["rules"]["digest"])
    return Stage(world, env, Attacker(world, home), names, items, commands(config, forged, digest), before)


@pytest.fixture(scope="module", params=[AUTOMATED, BY_HAND])
def prod(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("alone")
    config = (rules if request.param == AUTOMATED else direct_rules)(home, "prod", QUICK)
    env = load_environment(config, "prod")
    with borrowed(env, 1) as world:
        yield stage(world, home, config, env)


def test_no_sequence_of_calls_and_commands_moves_prod_without_an_approver(prod: Stage) -> None:
    """Where the operator holds a recovery's rights, the calls are the record's alone: docs/security.md says why."""
    calls = allowed_calls(prod.env) if prod.env.automation.enabled else list(RECORDING)
    assert [] == list(prod.ways(range(SEQUENCES), calls, (CALLS, COMMANDS)))


@pytest.mark.parametrize("prod", [AUTOMATED], indirect=True)
def test_the_search_finds_a_way_that_was_left_open_and_cuts_it_down(prod: Stage) -> None:
    """What the search is worth: the same draws, with a recovery's rights in the operator's hands for good."""
    prod.world.return_to("lost")
    iam = Aws(prod.world.url, prod.world.people["admin"], prod.env, tenant="").client("iam", Side.GLOBAL)
    for policy in iam.list_attached_user_policies(UserName="operator")["AttachedPolicies"]:
        iam.detach_user_policy(UserName="operator", PolicyArn=policy["PolicyArn"])
    text = json.dumps(document(acting(prod.env, changing_actions())))
    iam.put_user_policy(UserName="operator", PolicyName="open", PolicyDocument=text)
    prod.world.keep("open")
    opened = replace(prod, before=estate(prod.world, prod.env), began="open")
    way = next(opened.ways(range(40), allowed_calls(prod.env), (CALLS, 0)), "")
    assert " moves " in way
    assert way.count("; ") <= 1, way

"""Cry wolf never: the healthy estate is all green, and what means nothing changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_estate.snapshot.snapshot import Snapshot
from tests.proofs import unrelated
from tests.proofs.changes import Aws
from tests.proofs.mutating import shuffled, with_strangers
from tests.proofs.watching import Watch, judged, not_passed

# The watched world is one for the whole session: it needs not be made anew for each example.
QUICK = settings(max_examples=25)
RANDOM = st.randoms(use_true_random=False)

# Their readers ask for what is ours, by name or as the things of ours that they belong to: no stranger gets in.
ASKED_BY_NAME = frozenset(
    {
        "cloudwatch_alarms.alarms",
        "dns_answers.authorities",
        "backup.opt_ins",
        "backup.recovery_points",
        "backup_plan.tagged",  # whatever its tags select is the plan's own
        "dynamodb.tables",
        "ecr.repositories",
        "efs.file_systems",
        "efs_mounts.mount_targets",
        "efs_policy.policies",
        "elbv2.listeners",
        "kms.keys",
        "ssm_parameters.parameters",
        "rds.automated_backups",
        "account_regions.opt_in",
        "s3.buckets",
        "s3_lifecycle.lifecycles",
        "sns_topics.listeners",
        "sns_topics.topics",
        "vpc.subnets",
    }
)


def test_the_healthy_estate_of_sit_is_all_green(sit_watch: Watch) -> None:
    assert not_passed(judged(sit_watch.healthy, sit_watch.environment)) == {}


@pytest.mark.proof
def test_the_healthy_estate_of_prod_is_all_green(prod_watch: Watch) -> None:
    assert not_passed(judged(prod_watch.healthy, prod_watch.environment)) == {}


def _changes_nothing(watch: Watch, mutated: Snapshot) -> None:
    results = judged(mutated, watch.environment)
    red = not_passed(results)
    findings = {check: [f for f in results[check].findings if f.status == red[check]][:1] for check in red}
    assert findings == {}


@pytest.mark.proof
@QUICK
@given(rnd=RANDOM)
def test_the_order_of_what_aws_lists_means_nothing(sit_watch: Watch, rnd: Random) -> None:
    _changes_nothing(sit_watch, shuffled(sit_watch.healthy, rnd))


@QUICK
@given(rnd=RANDOM)
def test_strangers_in_the_account_mean_nothing(sit_watch: Watch, rnd: Random) -> None:
    env = sit_watch.environment
    ours = (env.named(env.names.dr_vault), env.name)
    _changes_nothing(sit_watch, with_strangers(sit_watch.healthy, rnd, ours, ASKED_BY_NAME))


@pytest.mark.proof
@pytest.mark.parametrize("done", [unrelated.described_and_tagged, unrelated.strangers])
def test_words_on_our_things_and_things_of_others_mean_nothing(
    done: Callable[[Aws, ExitStack], None], sit_watch: Watch
) -> None:
    world = sit_watch.world
    aws = Aws(world.url, world.people["admin"], sit_watch.environment, world.state()["tenants"][0])
    with ExitStack() as undo:
        done(aws, undo)
        seen = sit_watch.whole()
    _changes_nothing(sit_watch, seen)

"""Secrets that lead to the primary region are led to the DR database, and nothing secret is ever told (T18)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_actions.actions.secrets import point_to_dr, promote_replicas
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import refusal
from dr_actions.model.action import Sight, Standing, Verb
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.model.region_references import Way, moved
from dr_estate.model.unseen import Blindness, Unseen
from dr_estate.readers import rds
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import World

PROMOTE, REWRITE = promote_replicas.VERB, point_to_dr.VERB
NAME = "sit-tenant-1-db-credentials"
HOST = "sit-mysql.abc.eu-west-1.rds.amazonaws.com"
WAY = Way("af-south-1", "eu-west-1", "sit-mysql")
WATCHED = (*PROMOTE.watches, *REWRITE.watches)


def _only(verb: Verb, sight: Sight) -> Step:
    (step,) = verb.foresee(sight)
    assert step.subject == NAME
    return step


def _broken(stores: World) -> Sight:
    stores.endpoint.break_("secrets-host-of-the-primary")
    return stores.sight(stores.whole(*WATCHED))


def _value(stores: World, side: Side) -> dict[str, Any]:
    answer = stores.send(side, "secretsmanager:GetSecretValue", SecretId=NAME)
    value: dict[str, Any] = json.loads(answer["SecretString"])
    return value


def _with_database(stores: World, sight: Sight) -> Snapshot:
    """The world anew, its database restored in the DR region."""
    stores.send(
        Side.DR,
        "rds:RestoreDBInstanceToPointInTime",
        SourceDBInstanceAutomatedBackupsArn=_backups(sight),
        UseLatestRestorableTime=True,
        TargetDBInstanceIdentifier="sit-mysql",
    )
    return stores.whole("rds.instances")


def _backups(sight: Sight) -> str:
    return sight.snapshot.get(rds.automated_backups, Side.DR)[0].arn


def test_in_the_healthy_estate_no_secret_leads_away(stores: World) -> None:
    for verb in (PROMOTE, REWRITE):
        assert list(verb.foresee(stores.sight())) == []
        assert list(verb.notes(stores.sight())) == []


def test_a_replica_is_promoted_and_led_to_the_dr_database(stores: World) -> None:
    sight = _broken(stores)
    before, current = _value(stores, Side.DR), sight.snapshot
    promote, rewrite = _only(PROMOTE, sight), _only(REWRITE, sight)
    assert promote.stage < rewrite.stage
    assert rewrite.tenant == "tenant-1"
    assert stores.confirm(REWRITE, rewrite).standing is Standing.CHANGED, "a replica takes no writes"

    assert stores.confirm(PROMOTE, promote).standing is Standing.READY
    assert refusal(stores.act(PROMOTE, promote), GuardContext(stores.env, PROMOTE.writes)) is None
    assert stores.until(Standing.DONE, PROMOTE, promote).standing is Standing.DONE

    assert "has no host" in stores.confirm(REWRITE, rewrite, current).says, "the database comes first"
    seen = _with_database(stores, sight)
    assert stores.confirm(REWRITE, rewrite, seen).standing is Standing.READY
    call = REWRITE.fill(rewrite, stores.look(REWRITE, seen))
    answer = REWRITE.act(rewrite, call, stores.hand)
    done = stores.until(Standing.DONE, REWRITE, rewrite)
    assert done.standing is Standing.DONE

    after = _value(stores, Side.DR)
    assert after["host"].endswith(f"{stores.env.regions.dr}.rds.amazonaws.com")
    assert {**after, "host": ""} == {**before, "host": ""}, "only what led away is changed"
    assert _value(stores, Side.PRIMARY)["host"] == before["host"], "the primary's secret is not touched"
    told = repr((promote, rewrite, call, answer, done))
    assert before["password"] not in told
    assert before["username"] not in told


def test_the_same_change_sent_twice_makes_one_version(stores: World) -> None:
    sight = _broken(stores)
    stores.act(PROMOTE, _only(PROMOTE, sight))
    rewrite, seen = _only(REWRITE, sight), _with_database(stores, sight)
    call = REWRITE.fill(rewrite, stores.look(REWRITE, seen))
    first = REWRITE.act(rewrite, call, stores.hand)
    assert stores.confirm(REWRITE, rewrite).standing is Standing.DONE
    listed = stores.send(Side.DR, "secretsmanager:ListSecretVersionIds", SecretId=NAME)["Versions"]
    assert {"AWSCURRENT", "AWSPREVIOUS"} <= {stage for one in listed for stage in one["VersionStages"]}
    assert first["VersionId"] in {one["VersionId"] for one in listed}
    assert set(first) == {"ARN", "VersionId"}


def test_what_is_put_on_a_replica_is_refused(stores: World) -> None:
    sight = _broken(stores)
    rewrite, seen = _only(REWRITE, sight), _with_database(stores, sight)
    with pytest.raises(ClientError):
        stores.act(REWRITE, rewrite, seen)


def test_tenants_that_are_not_in_question_are_left_alone(stores: World) -> None:
    sight = replace(_broken(stores), only_tenants=frozenset({"tenant2"}))
    assert list(PROMOTE.foresee(sight)) == []
    assert list(REWRITE.foresee(sight)) == []


def _with(sight: Sight, contents: tuple[readers_secretsmanager.Content | readers_secretsmanager.Hidden, ...]) -> Sight:
    key = ("secretsmanager.contents", Side.DR)
    part = replace(sight.snapshot.parts[key], value=contents)
    return replace(sight, snapshot=replace(sight.snapshot, parts={**sight.snapshot.parts, key: part}))


def test_what_cannot_be_moved_is_said_and_left_alone(stores: World) -> None:
    odd = readers_secretsmanager.Content(
        NAME, "1", (readers_secretsmanager.Field("url", "d", names_primary=True, names_dr=False),)
    )
    sight = _with(stores.sight(), (odd,))
    assert list(REWRITE.foresee(sight)) == []
    (note,) = REWRITE.leaves(sight)
    assert "url" in note
    assert NAME in note


def test_a_value_that_may_not_be_read_is_unseen(stores: World) -> None:
    rewrite = _only(REWRITE, _broken(stores))
    hidden = _with(
        stores.sight(), (readers_secretsmanager.Hidden(NAME, Unseen(Blindness.DENIED, "GetSecretValue is denied.")),)
    )
    assert REWRITE.confirm(rewrite, hidden).standing is Standing.UNSEEN
    assert "is denied" in next(iter(REWRITE.notes(hidden)))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("sit-mysql.c1.af-south-1.rds.amazonaws.com:3306", f"{HOST}:3306"),
        ('{"host": "sit-mysql.c1.af-south-1.rds.amazonaws.com"}', f'{{"host": "{HOST}"}}'),
        ("other-sit-mysql.c1.af-south-1.rds.amazonaws.com", "other-sit-mysql.c1.af-south-1.rds.amazonaws.com"),
        ("sit-mysql.c1.af-south-12.rds.amazonaws.com", "sit-mysql.c1.af-south-12.rds.amazonaws.com"),
        ("fs-1.efs.af-south-1.amazonaws.com", "fs-1.efs.af-south-1.amazonaws.com"),
        (
            "arn:aws:secretsmanager:af-south-1:123456789012:secret:a-AbCdEf",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf",
        ),
        ("arn:aws:kms:af-south-1:123456789012:key/mrk-1", "arn:aws:kms:eu-west-1:123456789012:key/mrk-1"),
        ("arn:aws:kms:af-south-1:123456789012:key/1", "arn:aws:kms:af-south-1:123456789012:key/1"),
        ("p@ss af-south-1 \\1 word", "p@ss af-south-1 \\1 word"),
    ],
)
def test_only_names_whose_counterpart_is_certain_are_moved(value: str, wanted: str) -> None:
    assert moved(value, WAY, HOST) == wanted

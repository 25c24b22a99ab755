"""Secrets that point to the primary region are pointed to the DR database, and no secret value is ever shown (T18)."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_actions.actions.secrets import point_to_dr
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import refusal
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Call
from dr_estate.config.environment import Side
from dr_estate.model.references import RegionMove, moved_value
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import rds, secretsmanager
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.estates import only, stands
from tests.dr_actions.actions.failback_world import Home
from tests.dr_actions.plain import sight, with_part
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

NAME, OTHER = "sit-tenant-1-db-credentials", "sit-tenant2-db-credentials"
PRIMARY, DR = SIT.regions.primary, SIT.regions.dr
(DATABASE,) = healthy().get(rds.instances, Side.PRIMARY)
SERVED = replace(DATABASE, arn=DATABASE.arn.replace(PRIMARY, DR), host=DATABASE.host.replace(PRIMARY, DR))
"""The primary's database, restored in the DR region."""
VALUE = {"username": "user-1", "password": "secret-1", "host": DATABASE.host, "port": "3306"}
Value = dict[str, str]


def estate(here: Value, there: Value, replica: bool = False, served: bool = True) -> Snapshot:
    """The estate whose secret has these values; of the DR region's own unless it is a replica."""
    seen = healthy()
    for side, value in ((Side.PRIMARY, here), (Side.DR, there)):
        row = {
            "Name": NAME,
            "VersionId": str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(value))),
            "SecretString": json.dumps(value),
        }
        contents = read(secretsmanager.contents, side, {"batch_get_secret_value": {"SecretValues": [row]}})
        known = {row.name: row for row in (*seen.get(secretsmanager.contents, side), *contents)}
        seen = with_part(seen, secretsmanager.contents, side, tuple(known.values()))
    rows = seen.get(secretsmanager.secrets, Side.DR)
    if not replica:
        rows = tuple(replace(row, replica_of="") if row.name == NAME else row for row in rows)
    seen = with_part(seen, secretsmanager.secrets, Side.DR, rows)
    return with_part(seen, rds.instances, Side.DR, (SERVED,) if served else ())


class Store:
    """A hand that keeps the values of a secret by region, and every call."""

    def __init__(self, **values: Value) -> None:
        self.values = {SIT.region(Side(side)): json.dumps(value) for side, value in values.items()}
        self.calls: list[Call] = []

    def send(self, call: Call) -> dict[str, Any]:
        self.calls.append(call)
        if call.operation == "GetSecretValue":
            return {"SecretString": self.values[call.region], "VersionId": "v1"}
        self.values[call.region] = call.params["SecretString"]
        return {
            "ARN": "arn",
            "VersionId": call.params["ClientRequestToken"],
            "Name": NAME,
            "VersionStages": ["AWSCURRENT"],
        }

    def value(self, side: Side) -> Value:
        found: Value = json.loads(self.values[SIT.region(side)])
        return found


PROMOTE, REWRITE = point_to_dr.PROMOTE_REPLICAS, point_to_dr.POINT_TO_DR
HOST = "sit-mysql.abc.eu-west-1.rds.amazonaws.com"
WAY = RegionMove("af-south-1", "eu-west-1", "sit-mysql")
LEADING = sight(estate(VALUE, VALUE, replica=True, served=False))
"""A replica leads to the primary's database, and none is restored yet."""
RESTORED = sight(estate(VALUE, VALUE))
"""The secret was promoted, and the database restored."""


def test_in_the_healthy_estate_no_secret_leads_away() -> None:
    for action in (PROMOTE, REWRITE):
        assert list(action.plan_steps(sight())) == []
        assert list(action.notes(sight())) == []


def test_a_replica_is_promoted_before_it_is_led_to_the_dr_database() -> None:
    promote, rewrite = only(PROMOTE, LEADING), only(REWRITE, LEADING)
    assert {promote.subject, rewrite.subject} == {NAME}
    assert promote.stage < rewrite.stage
    assert rewrite.tenant == "tenant-1"
    assert stands(REWRITE, LEADING, rewrite)[0] is StepState.DRIFTED, "a replica takes no writes"
    assert stands(PROMOTE, LEADING, promote)[0] is StepState.READY
    assert refusal(PROMOTE.build_call(promote, LEADING), GuardContext(SIT, PROMOTE.writes)) is None
    assert stands(PROMOTE, RESTORED, promote)[0] is StepState.DONE
    promoted = sight(estate(VALUE, VALUE, served=False))
    assert "has no host" in stands(REWRITE, promoted, rewrite)[1], "the database comes first"
    assert stands(REWRITE, RESTORED, rewrite)[0] is StepState.READY
    led = sight(estate(VALUE, {**VALUE, "host": SERVED.host}))
    assert stands(REWRITE, led, rewrite)[0] is StepState.DONE


def test_a_list_late_by_five_minutes_stops_neither_promotion_nor_the_rest() -> None:
    """ListSecrets "might not reflect changes from the last five minutes" (API_ListSecrets, T64)."""
    promote, rewrite = only(PROMOTE, LEADING), only(REWRITE, LEADING)
    assert promote.budget_s > 300
    late = replace(sight(estate(VALUE, VALUE, replica=True)), confirmed_at={promote.id: LEADING.snapshot.taken_at})
    assert stands(REWRITE, late, rewrite)[0] is StepState.READY


def test_a_run_that_goes_on_within_these_minutes_promotes_no_replica_twice() -> None:
    """AWS refuses the second StopReplicationToReplica, and the run would fail upon it."""
    promote, seen_at = only(PROMOTE, LEADING), LEADING.snapshot.taken_at
    for seconds, state in {1: StepState.IN_PROGRESS, 299: StepState.IN_PROGRESS, 301: StepState.READY}.items():
        sent = replace(LEADING, sent_at={promote.id: seen_at - timedelta(seconds=seconds)})
        assert stands(PROMOTE, sent, promote)[0] is state, seconds
    of_another = replace(LEADING, sent_at={"secrets/promote_replicas:other": seen_at})
    assert stands(PROMOTE, of_another, promote)[0] is StepState.READY


def test_only_pointers_to_the_primary_change_and_no_secret_value_is_shown() -> None:
    rewrite, store = only(REWRITE, LEADING), Store(primary=VALUE, dr=VALUE)
    call = REWRITE.build_call(rewrite, RESTORED)
    answer = REWRITE.send(rewrite, call, store)
    assert store.value(Side.DR) == {**VALUE, "host": SERVED.host}
    assert store.value(Side.PRIMARY) == VALUE, "the primary's secret is not touched"
    assert set(answer) == {"ARN", "VersionId"}
    text = repr((rewrite, call, answer, stands(REWRITE, RESTORED, rewrite), RESTORED.snapshot))
    assert VALUE["password"] not in text
    assert VALUE["username"] not in text


def test_the_same_change_sent_twice_has_one_token() -> None:
    rewrite, stores = only(REWRITE, LEADING), [Store(dr=VALUE) for _ in range(2)]
    for store in stores:
        REWRITE.send(rewrite, REWRITE.build_call(rewrite, RESTORED), store)
    first, again = (store.calls[-1].params["ClientRequestToken"] for store in stores)
    assert first == again


@pytest.mark.proof
def test_the_sandbox_keeps_the_former_version_and_a_replica_refuses_values(stores: Home) -> None:
    stores.endpoint.inject("secrets-host-of-the-primary")
    seen = stores.whole(*PROMOTE.reads_parts, *REWRITE.reads_parts)
    promote, rewrite = only(PROMOTE, stores.sight(seen)), only(REWRITE, stores.sight(seen))
    stores.send(
        Side.DR,
        "rds:RestoreDBInstanceToPointInTime",
        SourceDBInstanceAutomatedBackupsArn=seen.get(rds.automated_backups, Side.DR)[0].arn,
        UseLatestRestorableTime=True,
        TargetDBInstanceIdentifier="sit-mysql",
    )
    restored = stores.whole("rds.instances")
    with pytest.raises(ClientError):
        stores.act(REWRITE, rewrite, restored)
    stores.act(PROMOTE, promote)
    assert stores.confirm(REWRITE, rewrite, restored).state is StepState.READY
    before = _value(stores, Side.DR)
    stores.act(REWRITE, rewrite, restored)
    assert stores.until(StepState.DONE, REWRITE, rewrite).state is StepState.DONE
    after = _value(stores, Side.DR)
    assert after["host"].endswith(f"{SIT.regions.dr}.rds.amazonaws.com")
    assert {**after, "host": ""} == {**before, "host": ""}, "only what led away is changed"
    assert _value(stores, Side.PRIMARY) == before, "the primary's secret is not touched"
    listed = stores.send(Side.DR, "secretsmanager:ListSecretVersionIds", SecretId=NAME)["Versions"]
    assert {"AWSCURRENT", "AWSPREVIOUS"} <= {stage for version in listed for stage in version["VersionStages"]}


def _value(world: Home, side: Side) -> dict[str, str]:
    value: dict[str, str] = json.loads(world.send(side, "secretsmanager:GetSecretValue", SecretId=NAME)["SecretString"])
    return value


def test_tenants_that_are_not_in_question_are_left_alone() -> None:
    other = replace(LEADING, only_tenants=frozenset({"tenant2"}))
    assert list(PROMOTE.plan_steps(other)) == []
    assert list(REWRITE.plan_steps(other)) == []


def _with(*contents: readers_secretsmanager.Content | readers_secretsmanager.HiddenSecret) -> PlanContext:
    return sight(with_part(healthy(), readers_secretsmanager.contents, Side.DR, contents))


def test_what_cannot_be_moved_is_said_and_left_alone() -> None:
    odd = readers_secretsmanager.Field("url", "d", names_primary=True, names_dr=False)
    seen = _with(readers_secretsmanager.Content(NAME, "1", (odd,)))
    assert list(REWRITE.plan_steps(seen)) == []
    (note,) = REWRITE.cleanup_notes(seen)
    assert "url" in note
    assert NAME in note


def test_a_value_that_may_not_be_read_is_unseen() -> None:
    why = Unavailable(UnavailableKind.DENIED, "GetSecretValue is denied.")
    hidden = _with(readers_secretsmanager.HiddenSecret(NAME, why))
    assert REWRITE.observe(only(REWRITE, LEADING), hidden).state is StepState.UNAVAILABLE
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
    assert moved_value(value, WAY, HOST) == wanted

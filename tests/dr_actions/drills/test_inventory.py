"""What an estate holds is compared thing by thing; what varies by itself is no difference, what is unseen is one."""

from __future__ import annotations

import base64
import tracemalloc
import zlib
from dataclasses import replace

import pytest

from dr_actions.drills.inventory import Difference, Inventory, differences, inventory, pack, unpack
from dr_estate.config.environment import Side
from dr_estate.readers import backup, ecs, efs, rds, secretsmanager
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import DENIED, Values, service, world

ONE = service("sit-tenant1-service")
FILES = efs.FileSystem("fs-1", "arn:fs-1", "sit-efs", "available", 10, "bursting", 0.0, "gp", True, "k", "ENABLED", "")
HELD: Values = {
    (rds.instances, Side.PRIMARY): (plain.PRIMARY,),
    (ecs.services, Side.DR): (ONE,),
    (efs.file_systems, Side.DR): (FILES,),
    (backup.recovery_points, Side.DR): (plain.COPY,),
}


def seen(**changed: object) -> Snapshot:
    """The estate, but for what is ``changed``: instances, services, files or points."""
    keys = dict(zip(("instances", "services", "files", "points"), HELD, strict=True))
    return world({**HELD, **{keys[name]: value for name, value in changed.items()}})


def compared(**changed: object) -> tuple[Difference, ...]:
    return differences(inventory(seen()), inventory(seen(**changed)))


def test_an_estate_that_is_as_it_was_differs_in_nothing() -> None:
    assert () == compared()


@pytest.mark.parametrize(
    "changed",
    [
        {"services": (replace(ONE, running=1, pending=1),)},
        {"files": (replace(FILES, size_bytes=99),)},
        {"points": (plain.COPY, replace(plain.COPY, arn="another"))},
        {"instances": (replace(plain.PRIMARY, resource_id="db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"),)},
    ],
)
def test_what_grows_by_itself_or_is_drawn_by_lot_is_no_difference(changed: dict[str, object]) -> None:
    was = replace(plain.PRIMARY, resource_id="db-ZZZZZZZZZZZZZZZZZZZZZZZZZZ")
    before = seen(instances=(was,)) if "instances" in changed else seen()
    assert () == differences(inventory(before), inventory(seen(**changed)))


def test_a_value_that_is_not_as_it_was_is_reported_with_both() -> None:
    (difference,) = compared(services=(replace(ONE, desired=3),))
    assert ("ecs.services.dr", "changed") == (difference.part, difference.how)
    assert "sit-tenant1-service" in difference.subject
    assert "desired was 2, is 3" == difference.says


def test_what_is_gone_and_what_is_new_is_reported_by_its_name() -> None:
    other = replace(plain.PRIMARY, identifier="sit-mysql-drill-20260107-030000")
    gone, new = compared(instances=(other,))
    assert {("sit-mysql", "gone"), (other.identifier, "new")} == {(d.subject.split()[0], d.how) for d in (gone, new)}


def test_secrets_that_another_process_reads_are_the_same_secrets() -> None:
    """Their digests are keyed by the process: a drill of three hours may be ended from another machine."""
    secret = secretsmanager.Content("sit/tenant1", "v1", (secretsmanager.Field("host", "a" * 16, False, True),))
    (field,) = secret.fields
    elsewhere = replace(secret, fields=(replace(field, digest="b" * 16),))
    assert () == differences(_holding(secret), _holding(elsewhere))
    (difference,) = differences(_holding(secret), _holding(replace(elsewhere, version="v2")))
    assert "version was v1, is v2" == difference.says


def _holding(secret: secretsmanager.Content) -> Inventory:
    return inventory(world({(secretsmanager.contents, Side.DR): (secret,)}))


def test_a_difference_is_a_row_and_no_page() -> None:
    (difference,) = compared(services=(replace(ONE, task_definition="arn:" + "x" * 2000),))
    assert len(difference.says) < 200
    assert difference.says.endswith("…")


def test_a_part_that_was_not_seen_is_never_equal() -> None:
    (difference,) = compared(instances=DENIED)
    assert ("rds.instances.primary", "unseen") == (difference.part, difference.how)
    blind = inventory(seen(instances=DENIED))
    assert ["unseen"] == [changed_part.how for changed_part in differences(blind, blind)]


def test_what_is_packed_for_the_record_is_the_same_inventory() -> None:
    original = inventory(seen(files=DENIED))
    assert original == unpack(pack(original))
    with pytest.raises(ValueError, match="no inventory"):
        unpack("aGVsbG8=")


@pytest.mark.parametrize("document", ["[]", "1", '{"rds.instances.dr":1}', '{"rds.instances.dr":[1]}', '{"x":["{"]}'])
def test_what_is_no_inventory_is_none_whatever_else_it_is(document: str) -> None:
    with pytest.raises(ValueError, match="no inventory"):
        unpack(packed(document.encode()))


@pytest.mark.proof
def test_what_unpacks_to_gigabytes_is_no_inventory_and_takes_no_memory() -> None:
    small = packed(b" " * (1 << 30))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="no inventory"):
            unpack(small)
        assert tracemalloc.get_traced_memory()[1] < 1 << 29
    finally:
        tracemalloc.stop()


def packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw)).decode()

"""The gate reads a Terraform plan as JSON and says, with addresses, why it must not be applied."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dr_actions.actions.provisioning import changes, refusals
from dr_estate.config.environment import load_environment

SIT = load_environment(Path(__file__).parents[4] / "environments", "sit")
PRIMARY, DR = SIT.regions.primary, SIT.regions.dr


def row(address: str, *actions: str, before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    kind = re.findall(r"\b(\w+)\.\w+(?:\[[^]]*\])?$", address)[0]
    return {"address": address, "type": kind, "change": {"actions": actions, "before": before, "after": after}, **more}


def plan(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"format_version": "1.2", "resource_changes": list(rows), **more}


def arn(region: str) -> dict[str, str]:
    return {"arn": f"arn:aws:ecs:{region}:{SIT.account}:service/a"}


def test_what_is_made_or_changed_in_the_dr_region_may_be_applied() -> None:
    document = plan(
        row("aws_ecs_service.a", "create", after={"region": DR}),
        row("aws_ecs_service.b", "update", before=arn(DR), after=arn(DR)),
        row("aws_ecs_service.c", "delete", before=arn(DR)),
        row("aws_ecs_service.kept", "no-op", before=arn(PRIMARY), after=arn(PRIMARY)),
    )
    assert () == refusals(document, SIT)
    assert ("aws_ecs_service.a: create", "aws_ecs_service.b: update", "aws_ecs_service.c: delete") == changes(document)


@pytest.mark.parametrize(
    ("actions", "doing"),
    [(("delete",), "deleted"), (("delete", "create"), "replaced"), (("create", "delete"), "replaced")],
)
@pytest.mark.parametrize(
    "before", [{"region": PRIMARY}, arn(PRIMARY), {"availability_zone": f"{PRIMARY}a"}], ids=["region", "arn", "zone"]
)
def test_deleting_or_replacing_anything_of_the_primary_region_is_refused(
    actions: tuple[str, ...], doing: str, before: dict[str, str]
) -> None:
    (refusal,) = refusals(plan(row('module.web["a.b"].aws_ecs_service.a[0]', *actions, before=before)), SIT)
    assert f'module.web["a.b"].aws_ecs_service.a[0] would be {doing}: it is in the primary region {PRIMARY}.' == refusal


@pytest.mark.parametrize("kind", SIT.provision.protected)
def test_a_protected_type_is_never_deleted_in_any_region(kind: str) -> None:
    (refusal,) = refusals(plan(row(f"{kind}.a", "delete", before={"region": DR})), SIT)
    assert f"{kind}.a would be deleted: {kind} is a protected type." == refusal


def configured(region: dict[str, Any], key: str = "aws.primary") -> dict[str, Any]:
    resources = [{"address": "aws_lb.a", "provider_config_key": key}]
    module = {"module_calls": {"web": {"module": {"module_calls": {"inner": {"module": {"resources": resources}}}}}}}
    return {"provider_config": {key: {"expressions": {"region": region}}}, "root_module": module}


@pytest.mark.parametrize(
    ("region", "refused"),
    [
        ({"constant_value": PRIMARY}, True),
        ({"constant_value": DR}, False),
        ({"references": ["var.where"]}, True),
        ({"references": ["local.where"]}, True),
        ({}, True),
    ],
)
def test_the_region_comes_from_the_provider_and_an_unknown_one_is_refused(
    region: dict[str, Any], refused: bool
) -> None:
    gone = row('module.web["x"].module.inner[0].aws_lb.a', "delete", before={"name": "a"})
    judged = plan(gone, configuration=configured(region), variables={"where": {"value": PRIMARY}})
    assert refused == bool(refusals(judged, SIT))


def test_what_is_no_resource_of_aws_may_be_replaced() -> None:
    assert () == refusals(plan(row("terraform_data.stamp", "delete", "create", before={}, after={})), SIT)


def test_an_object_left_over_from_a_replacement_is_judged_as_well() -> None:
    (refusal,) = refusals(plan(row("aws_lb.a", "delete", before={"region": PRIMARY}, deposed="ab12")), SIT)
    assert refusal.startswith("aws_lb.a (deposed ab12) would be deleted")


DENIED = SIT.traffic.denied_zones[0]
KNOWN = {
    "values": {
        "root_module": {"resources": [{"type": "aws_route53_zone", "values": {"zone_id": "Z1", "name": DENIED}}]}
    }
}


@pytest.mark.parametrize(
    ("after", "refused"),
    [
        ({"zone_id": "Z1", "name": "a"}, True),
        ({"zone_id": "Z2", "name": f"www.{DENIED}"}, True),
        ({"zone_id": "Z2", "name": f"a.{SIT.traffic.zone}"}, False),
        ({"zone_id": "Z2", "name": SIT.traffic.zone, "type": "NS"}, True),
        ({"zone_id": "Z2", "name": SIT.traffic.zone, "type": "SOA"}, False),
    ],
)
def test_no_record_of_a_denied_zone_is_touched(after: dict[str, str], refused: bool) -> None:
    texts = refusals(plan(row("aws_route53_record.a", "update", before=after, after=after), prior_state=KNOWN), SIT)
    assert ((f"aws_route53_record.a would be changed: it is of the denied zone {DENIED}.",) if refused else ()) == texts


def test_a_denied_zone_itself_is_not_touched_either() -> None:
    assert refusals(plan(row("aws_route53_zone.a", "create", after={"name": f"{DENIED}."})), SIT)


def test_traffic_is_not_moved_by_provisioning() -> None:
    moved = {"zone_id": "Z2", "name": SIT.traffic.origin_record}
    (refusal,) = refusals(plan(row("aws_route53_record.origin", "update", before=moved, after=moved)), SIT)
    assert "it is the origin record" in refusal


@pytest.mark.parametrize(
    ("actions", "after", "refused"),
    [
        (("create",), {}, True),
        (("update",), {"disabled": True}, True),
        (("update",), {"disabled": False, "reference_name": "b"}, False),
    ],
)
def test_no_health_check_is_made_or_disabled(actions: tuple[str, ...], after: dict[str, Any], refused: bool) -> None:
    judged = plan(row("aws_route53_health_check.a", *actions, before={"reference_name": "a"}, after=after))
    assert refused == bool(refusals(judged, SIT))


@pytest.mark.parametrize(
    "unfit",
    [
        {"format_version": "2.0"},
        {"format_version": "1.2", "errored": True},
        {"format_version": "1.2", "complete": False},
        {"format_version": "1.2", "action_invocations": [{"address": "action.aws_lambda_invoke.a"}]},
        {},
    ],
)
def test_a_plan_that_cannot_be_judged_is_refused(unfit: dict[str, Any]) -> None:
    assert refusals(unfit, SIT)

"""A customer's host is read whole, however many routed records bear its name."""

from __future__ import annotations

from typing import Any

from dr_estate.config.environment import Side
from dr_estate.readers import route53
from tests.dr_actions.plain import with_part
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT

HOST, MANY, PAGE = "shop.example.org", 45, 20
ENV = SIT.model_copy(
    update={"traffic": SIT.traffic.model_copy(update={"customer_hosts": {"tenant1": (HOST, "a.example.org")}})}
)


def _row(name: str, number: int) -> dict[str, Any]:
    values = [{"Value": f"192.0.2.{number}"}]
    return {"Name": f"{name}.", "Type": "A", "SetIdentifier": f"{number:03}", "TTL": 60, "ResourceRecords": values}


def test_a_host_of_more_records_than_a_page_holds_is_read_to_its_last_one() -> None:
    rows = [
        _row("a.example.org", 1),
        *(_row(HOST, number) for number in range(MANY)),
        *(_row("z.example.org", 2),) * 30,
    ]
    names: list[str] = []

    def listed(**params: Any) -> dict[str, Any]:
        start = params["StartRecordName"].removesuffix("."), params.get("StartRecordIdentifier", "")
        names.append(start[0])
        after = [row for row in rows if (row["Name"].removesuffix("."), row["SetIdentifier"]) >= start]
        page, rest = after[:PAGE], after[PAGE:]
        following = {
            "NextRecordName": rest[0]["Name"],
            "NextRecordType": "A",
            "NextRecordIdentifier": rest[0]["SetIdentifier"],
        }
        return {
            "ResourceRecordSets": page,
            "IsTruncated": bool(rest),
            "MaxItems": str(PAGE),
            **(following if rest else {}),
        }

    upon = with_part(healthy(), route53.zones, Side.GLOBAL, (route53.ListedZone("Z1", "example.org", private=False),))
    first, second = read(route53.customer_hosts, Side.GLOBAL, {"list_resource_record_sets": listed}, upon, ENV)
    assert [len(found.records) for found in (first, second) if isinstance(found, route53.CustomerHost)] == [1, MANY]
    assert names.count(HOST) == 3  # of the other names no page more is asked for
    assert names.count("a.example.org") == 1

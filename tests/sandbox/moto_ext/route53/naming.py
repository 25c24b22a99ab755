"""The zone shop.example for tests: records changed, refused, listed and asked for."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_ext.conftest import Clients

GLOBAL = "us-east-1"
Record = dict[str, Any]


class Names:
    """The zone shop.example."""

    def __init__(self, clients: Clients) -> None:
        self.route53 = clients("route53", GLOBAL)
        response = self.route53.create_hosted_zone(Name="shop.example", CallerReference="shop")
        self.zone = response["HostedZone"]["Id"].removeprefix("/hostedzone/")
        self.servers = response["DelegationSet"]["NameServers"]

    def change(self, action: str, *records: Record) -> dict[str, Any]:
        changes = [{"Action": action, "ResourceRecordSet": record} for record in records]
        answer = self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": changes})
        info: dict[str, Any] = answer["ChangeInfo"]
        return info

    def refusal(self, action: str, *records: Record) -> tuple[str, str]:
        before = self.records()
        with pytest.raises(ClientError) as refused:
            self.change(action, *records)
        assert self.records() == before
        error = refused.value.response["Error"]
        return error["Code"], error["Message"]

    def records(self) -> list[Record]:
        pages = self.route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self.zone)
        return [record for page in pages for record in page["ResourceRecordSets"]]

    def answer(self, name: str, kind: str = "A") -> list[str]:
        response = self.route53.test_dns_answer(HostedZoneId=self.zone, RecordName=name, RecordType=kind)
        data: list[str] = response["RecordData"]
        return data


def plain(name: str, *values: str, kind: str = "A", **more: Any) -> Record:
    rows = [{"Value": value} for value in values]
    return {"Name": f"{name}.shop.example", "Type": kind, "TTL": 60, "ResourceRecords": rows, **more}

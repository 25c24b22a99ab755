"""Fields that say where they stand in an answer: what is absent is the empty value of its type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import pytest

from dr_estate.reading.answers import At, read


@dataclass(frozen=True)
class Server:
    id: Annotated[str, At("Id", demanded=True)]
    host: Annotated[str, At("Endpoint.Address")]
    port: Annotated[int, At("Endpoint.Port")]
    exit_code: Annotated[int | None, At("ExitCode")]
    stopped_at: Annotated[datetime | None, At("StoppedAt")]
    encrypted: Annotated[bool, At("Encrypted")]
    role: str
    engine: Annotated[str, At("Engine")] = "mysql"


def test_what_is_absent_is_the_empty_value_of_its_type() -> None:
    assert read(Server, {"Id": "a"}, role="source") == Server("a", "", 0, None, None, False, "source", "")


def test_a_zero_is_not_taken_for_absent() -> None:
    assert read(Server, {"Id": "a", "ExitCode": 0}, role="").exit_code == 0


def test_a_null_is_taken_for_absent() -> None:
    row = {"Id": "a", "Endpoint": None, "Encrypted": None}
    assert read(Server, row, role="") == read(Server, {"Id": "a"}, role="")


def test_members_of_a_member_are_read() -> None:
    row = {"Id": "a", "Endpoint": {"Address": "db.example", "Port": 3306}, "Encrypted": True}
    server = read(Server, row, role="")
    assert (server.host, server.port, server.encrypted) == ("db.example", 3306, True)


def test_a_row_without_a_demanded_member_is_not_understood() -> None:
    with pytest.raises(KeyError):
        read(Server, {}, role="")


@dataclass(frozen=True)
class Group:
    attempts: Annotated[int, At("Attempts", absent=3)]
    metrics: Annotated[bool, At("Metrics.Status", on="Enabled")]
    subnets: Annotated[tuple[str, ...], At("Subnets", ordered=True)]
    members: Annotated[tuple[str, ...], At("Members")] = ("unread",)


def test_a_default_of_aws_and_an_empty_list_stand_for_what_is_absent() -> None:
    assert read(Group, {"Subnets": None}) == Group(3, False, (), ())


def test_a_list_becomes_a_tuple_in_order_where_it_has_none() -> None:
    row = {"Attempts": 0, "Metrics": {"Status": "Enabled"}, "Subnets": ["b", "a"], "Members": ["b", "a"]}
    assert read(Group, row) == Group(0, True, ("a", "b"), ("b", "a"))


def test_only_the_word_itself_is_true() -> None:
    assert not read(Group, {"Metrics": {"Status": "Disabled"}}).metrics

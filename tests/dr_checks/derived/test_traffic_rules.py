"""Rules of security groups let the same traffic through, however they are written."""

from __future__ import annotations

import pytest

from dr_checks.derived.traffic_rules import Admission, covers_lists, parse_rule

WEB = ("tcp 80-80 0.0.0.0/0", "tcp 443-443 0.0.0.0/0")
HALVES = ("tcp 0-65535 0.0.0.0/1", "tcp 0-65535 128.0.0.0/1")


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        (WEB, WEB[::-1]),
        (WEB, ("tcp 80-443 0.0.0.0/0",)),
        (WEB, ("all 0.0.0.0/0",)),
        (WEB, HALVES),
        (("tcp 80-443 0.0.0.0/0",), ("tcp 80-200 0.0.0.0/0", "tcp 201-443 0.0.0.0/0")),
        (("tcp 80-443 10.1.0.0/16",), ("tcp 80-200 10.0.0.0/8", "tcp 150-500 10.1.0.0/16")),
        (("tcp 3306-3306 sit-ecs-sg",), ("tcp 3306-3306 vpc",)),
        (("tcp 3306-3306 sit-ecs-sg",), ("tcp 3306-3306 0.0.0.0/0",)),
        (("tcp 3306-3306 vpc",), HALVES),
        (("tcp 80-80 sit-alb-sg",), ("all sit-alb-sg",)),
        (("tcp 80-80 sit/alb (web)",), ("tcp 80-80 vpc", "tcp 443-443 sit/ecs")),
        (("tcp 80-80 ::/0",), ("tcp 80-80 ::/1", "tcp 80-80 8000::/1")),
        (("icmp -1--1 vpc",), ("icmp -1--1 vpc",)),
        (("icmp -1--1 vpc",), ("all vpc",)),
        (("tcp 80-90 0.0.0.0/0",), ("tcp 80-85 0.0.0.0/0", "tcp 86-90 0.0.0.0/1", "tcp 86-90 128.0.0.0/1")),
        (("icmp -1--1 vpc", "50 sit-alb-sg"), ("all vpc",)),
        (("icmp 8--1 vpc",), ("icmp 8--1 0.0.0.0/0",)),
        (("tcp 443-443 a prefix list",), ("tcp 443-443 a prefix list",)),
    ],
)
def test_what_holds_the_traffic_covers_it(theirs: tuple[str, ...], mine: tuple[str, ...]) -> None:
    admission = Admission(mine)
    assert [rule for rule in theirs if not admission.covers(parse_rule(rule))] == []


@pytest.mark.parametrize(
    ("rule", "mine"),
    [
        ("tcp 80-443 0.0.0.0/0", ("tcp 80-200 0.0.0.0/0", "tcp 202-443 0.0.0.0/0")),
        ("tcp 80-443 0.0.0.0/0", ("tcp 81-443 0.0.0.0/0",)),
        ("tcp 80-443 0.0.0.0/0", ("tcp 80-442 0.0.0.0/0",)),
        ("tcp 80-80 0.0.0.0/0", ("udp 80-80 0.0.0.0/0",)),
        ("all 0.0.0.0/0", ("tcp 0-65535 0.0.0.0/0",)),
        ("tcp 80-80 0.0.0.0/0", HALVES[:1]),
        ("tcp 80-80 0.0.0.0/0", ("tcp 80-80 ::/0",)),
        ("tcp 80-80 ::/0", ("tcp 80-80 0.0.0.0/0",)),
        ("tcp 80-80 0.0.0.0/0", ("tcp 80-80 vpc",)),
        ("tcp 80-80 vpc", ("tcp 80-80 sit-ecs-sg",)),
        ("tcp 80-80 vpc", ("tcp 80-80 10.0.0.0/8",)),
        ("tcp 80-80 sit-alb-sg", ("tcp 80-80 sit-ecs-sg",)),
        ("tcp 80-80 another VPC's group", ("all vpc", "all 0.0.0.0/0")),
        ("tcp 443-443 a prefix list", ("all vpc", "all 0.0.0.0/0")),
        ("icmp -1--1 vpc", ("icmp 8--1 vpc", "tcp 0-65535 vpc")),
        ("icmp 8--1 vpc", ("icmp 0--1 vpc", "tcp 0-65535 0.0.0.0/0")),
        ("icmp 8--1 vpc", ("icmp 8--1 sit-alb-sg",)),
        ("50 vpc", ("51 vpc",)),
        ("tcp 80-80 0.0.0.0/0", ()),
    ],
)
def test_what_lets_less_through_does_not(rule: str, mine: tuple[str, ...]) -> None:
    assert not Admission(mine).covers(parse_rule(rule))


@pytest.mark.parametrize(
    ("missing", "mine", "expected"),
    [
        ((), (), True),
        (("tcp 443-443 a prefix list",), ("tcp 80-443 0.0.0.0/0",), True),
        (("tcp 443-443 a prefix list",), ("tcp 80-443 ::/0",), False),
        (("tcp 443-443 a prefix list",), ("tcp 80-80 0.0.0.0/0",), False),
        (("tcp 443-443 another VPC's group",), ("all 0.0.0.0/0",), False),
        (("tcp 443-443 a prefix list", "tcp 22-22 ::/0"), ("all 0.0.0.0/0",), False),
    ],
)
def test_a_prefix_list_is_covered_in_ipv4_by_every_address_alone(
    missing: tuple[str, ...], mine: tuple[str, ...], expected: bool
) -> None:
    assert covers_lists(missing, mine) is expected

"""How each type of health check is held down and set as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_checks.derived.record_pins import CLOSED_PORTS, ENDPOINT, MOST_CHILDREN, as_set, is_pinned, pin
from tests.dr_checks.edges import probe

CHILDREN = ("a", "b")
SUM = probe("hc-1", "", type="CALCULATED", children=CHILDREN, children_needed=1)


@pytest.mark.parametrize("kind", ENDPOINT)
def test_an_endpoint_check_points_to_the_first_closed_port(kind: str) -> None:
    check = probe("hc-1", "host", type=kind)
    assert {"Port": 1, "Inverted": False} == pin(check, ())
    assert {"Port": 3, "Inverted": False} == pin(check, (1, 2, 80))
    assert {"Port": 1, "Inverted": False, "Disabled": False} == pin(replace(check, disabled=True), ())
    assert pin(check, CLOSED_PORTS) is None


def test_a_calculated_check_needs_one_child_more_than_it_has() -> None:
    assert {"HealthThreshold": 3, "Inverted": False} == pin(SUM, ())
    most = replace(SUM, children=("a",) * (MOST_CHILDREN - 1))
    assert {"HealthThreshold": MOST_CHILDREN, "Inverted": False} == pin(most, ())
    assert pin(replace(most, children=("a",) * MOST_CHILDREN), ()) is None
    assert pin(replace(SUM, type="CLOUDWATCH_METRIC"), ()) is None


@pytest.mark.parametrize(("port", "pinned"), [(1, True), (19, True), (20, False), (80, False), (0, False)])
def test_an_endpoint_check_is_pinned_by_its_port(port: int, pinned: bool) -> None:
    check = probe("hc-1", "host", port=port)
    assert pinned == is_pinned(check)
    assert not is_pinned(replace(check, inverted=True))
    assert not is_pinned(replace(check, disabled=True))
    assert not is_pinned(replace(check, type="CLOUDWATCH_METRIC"))


def test_a_calculated_check_is_pinned_by_more_children_than_it_has() -> None:
    assert [False, True] == [is_pinned(replace(SUM, children_needed=needed)) for needed in (2, 3)]


def test_a_check_is_set_as_it_was_with_the_usual_port_of_its_type() -> None:
    names = ("Port", "HealthThreshold", "Inverted", "Disabled")
    check = probe("hc-1", "host", port=8080, inverted=True)
    assert {"Port": 8080, "HealthThreshold": 0, "Inverted": True, "Disabled": False} == as_set(check, names)
    usual = {kind: as_set(probe("hc-1", "host", type=kind, port=0), ("Port",))["Port"] for kind in ENDPOINT}
    assert {"HTTP": 80, "HTTPS": 443, "HTTP_STR_MATCH": 80, "HTTPS_STR_MATCH": 443, "TCP": 80} == usual

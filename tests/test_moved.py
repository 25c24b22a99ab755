"""A former proof is found by its name or its body, and what is not found is said."""

from __future__ import annotations

from tests.moved import cases, places

THEN = """
@pytest.mark.proof
def test_kept():
    assert 1

@pytest.mark.proof
def test_former_name():
    world = begun()
    assert world.served == 12

@pytest.mark.proof
def test_lost():
    assert something(of=quite, another="kind")

def test_no_proof():
    assert 1
"""
NOW = """
pytestmark = pytest.mark.proof

def test_kept():
    assert 1

def test_new_name():
    world = begun()
    assert world.served == 12
"""


def test_each_former_proof_is_shown_where_it_stands_now_or_as_not_found() -> None:
    rows = places(list(cases("a.py", THEN)), list(cases("b.py", NOW)))
    assert [(case.name, place) for case, place in rows] == [
        ("test_kept", "b.py::test_kept"),
        ("test_former_name", "b.py::test_new_name"),
        ("test_lost", ""),
    ]

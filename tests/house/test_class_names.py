"""Class names are unique across the product's rooms: a name alone says which class is meant."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.house.sources import sources

ROOMS = ("dr_estate", "dr_checks", "dr_actions", "reports", "utils", "steps", "sandbox", "benchmarks", "deploy/truth")


def test_class_names_are_unique_across_rooms() -> None:
    places = defaultdict[str, list[str]](list)
    for source in sources(*ROOMS):
        for node in source.of(ast.ClassDef):
            places[node.name].append(f"{source.name}:{node.lineno}")
    assert len(places) > len(ROOMS), "the rooms were not found"
    assert {name: found for name, found in places.items() if len(found) > 1} == {}

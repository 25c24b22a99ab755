"""A repaired method of the emulator takes whatever the one before it took: by place, and by keyword."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from sandbox import moto_ext

PROGRAM = """
import importlib, inspect, sys
for line in sys.stdin.read().split():
    module, owner, name = line.split(":")
    found = inspect.getattr_static(getattr(importlib.import_module(module), owner), name, None)
    if inspect.isfunction(found):
        parameters = list(inspect.signature(found).parameters.values())[1:]
        print(line, "|".join(f"{p.name}:{int(p.kind)}:{int(p.default is p.empty)}" for p in parameters))
"""


def classes() -> Iterator[type]:
    """Every class of the emulator, as the extension left it."""
    moto_ext.install()
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] == "moto":
            yield from (found for found in vars(module).values() if inspect.isclass(found) and found.__module__ == name)


def around_of(method: Callable[..., Any]) -> Callable[..., Any]:
    """The function that stands around the emulator's own."""
    around: Callable[..., Any] = inspect.getclosurevars(method).nonlocals["around"]
    return around


@cache
def wraps() -> dict[str, Callable[..., Any]]:
    """Every wrapped method, by ``module.Class.method``."""
    return {
        f"{owner.__module__}.{owner.__name__}.{name}": method
        for owner in classes()
        for name, method in vars(owner).items()
        if inspect.isfunction(method) and hasattr(method, "_repaired_by_sandbox")
    }


@cache
def replaced() -> dict[str, Callable[..., Any]]:
    """Every method that a function of the extension replaces."""
    return {
        f"{owner.__module__}:{owner.__name__}:{name}": method
        for owner in classes()
        for name, method in vars(owner).items()
        if inspect.isfunction(method) and method.__module__.startswith("sandbox.moto_ext.")
    }


def calls(parameters: list[tuple[str, int, bool]]) -> Iterator[tuple[list[str], dict[str, str]]]:
    """How a method with these (name, kind, required) may be called: by place, by keyword, with what it must have."""
    plain = [p for p in parameters if p[1] in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)]
    by_place = [p[0] for p in plain if p[1] == inspect.Parameter.POSITIONAL_OR_KEYWORD]
    keyword_only = {p[0]: p[0] for p in plain if p[1] == inspect.Parameter.KEYWORD_ONLY}
    yield by_place, keyword_only
    yield [], {p[0]: p[0] for p in plain}
    yield [], {p[0]: p[0] for p in plain if p[2]}


def accepts(method: Callable[..., Any], before: int, parameters: list[tuple[str, int, bool]]) -> list[str]:
    """What ``method`` refuses of such calls, after ``before`` arguments of its own."""
    signature, refusals = inspect.signature(method, follow_wrapped=False), []
    for places, keywords in calls(parameters):
        try:
            signature.bind(*[None] * before, *places, **keywords)
        except TypeError as refusal:
            refusals.append(f"{places} {keywords}: {refusal}")
    return refusals


def parameters_of(method: Callable[..., Any]) -> list[tuple[str, int, bool]]:
    found = list(inspect.signature(method).parameters.values())[1:]
    return [(p.name, int(p.kind), p.default is p.empty) for p in found]


def test_there_are_wraps_and_replacements() -> None:
    assert len(wraps()) > 50
    assert len(replaced()) > 10


@pytest.mark.parametrize("name", sorted(wraps()))
def test_a_wrap_takes_what_its_original_takes(name: str) -> None:
    method = wraps()[name]
    around = around_of(method)
    assert accepts(around, 2, parameters_of(method)) == []
    assert "args[" not in inspect.getsource(around).replace("kwargs[", ""), (
        "an argument by its place is none by keyword"
    )


@pytest.mark.proof
def test_a_replacement_takes_what_the_replaced_method_takes() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM], input="\n".join(replaced()), capture_output=True, text=True, check=True
    )
    found = {}
    for line in answer.stdout.splitlines():
        name, _, written = line.partition(" ")
        parts = [part.split(":") for part in written.split("|") if part]
        parameters = [(part[0], int(part[1]), part[2] == "1") for part in parts]
        if refusals := accepts(replaced()[name], 1, parameters):
            found[name] = refusals
    assert answer.stdout
    assert found == {}

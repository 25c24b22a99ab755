"""Each call that the deciding rooms name is an operation that AWS has: a rule of a wrong name would refuse nothing."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType

import botocore.session
import pytest

from dr_estate.config.recovery_settings import PEOPLE_TAG

ROOMS = ("assessment", "authorization", "guard", "model", "planning")
CALL = re.compile(r"[\w-]+:[A-Za-z]\w+")
SESSION = botocore.session.get_session()


@cache
def operations(service: str) -> frozenset[str]:
    """What AWS can be asked of a service; nothing where there is no such service."""
    known = service in SESSION.get_available_services()
    return frozenset(SESSION.get_service_model(service).operation_names if known else ())


def texts(value: object) -> Iterator[str]:
    """The texts that a table, a function or a plain value consists of."""
    match value:
        case str():
            yield value
        case tuple() | list() | set() | frozenset():
            for member in value:
                yield from texts(member)
        case dict():
            yield from texts([*value.keys(), *value.values()])
        case FunctionType():
            yield from texts(value.__code__)
        case CodeType():
            yield from texts(value.co_consts)


def calls_of(module: ModuleType) -> set[str]:
    """The calls that a module names, in its tables and functions."""
    return {text for text in texts(vars(module)) if CALL.fullmatch(text)} - {PEOPLE_TAG}


@pytest.mark.parametrize("room", ROOMS)
def test_every_call_that_a_deciding_room_names_is_an_operation_of_aws(room: str) -> None:
    package = importlib.import_module(f"dr_actions.{room}")
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]
    named = {call for module in modules for call in calls_of(module)}
    absent = {call for call in named if call.partition(":")[2] not in operations(call.partition(":")[0])}
    assert set() == absent


def test_a_call_by_a_wrong_name_is_noticed() -> None:
    assert "UploadPartCopy" in operations("s3")
    assert "UPLOADPARTCOPY" not in operations("s3")
    assert frozenset() == operations("S3")

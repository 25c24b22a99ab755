"""Whether parameters are sound at first sight; of all others botocore's validator says what is wrong, if anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from math import inf
from typing import Any

from botocore.model import ListShape, Shape, StructureShape
from botocore.serialize import create_serializer

Check = Callable[[Any], bool]
_WHOLE, _REAL = frozenset({int}), frozenset({int, float})
_NUMBERS = {"integer": _WHOLE, "long": _WHOLE, "float": _REAL, "double": _REAL}
_TYPES = {"boolean": bool, "timestamp": datetime}


class QuickSerializer:
    """botocore's serialiser of one protocol, which validates only what is not sound at first sight. Thread-safe."""

    def __init__(self, protocol: str) -> None:
        self._careful, self._quick = create_serializer(protocol), create_serializer(protocol, include_validation=False)
        self._check = cache(_check)

    def serialize_to_request(self, params: dict[str, Any], model: Any) -> dict[str, Any]:
        """The request as a dictionary of its parts. Raises ParamValidationError."""
        shape = model.input_shape
        is_sound = shape is None or self._check(shape)(params)
        chosen = self._quick if is_sound else self._careful
        words: dict[str, Any] = chosen.serialize_to_request(params, model)
        return words


def _check(shape: Shape) -> Check:
    """What finds values of ``shape`` that botocore accepts; it need not find all."""
    if "hostLabel" in shape.serialization or "jsonvalue" in shape.serialization:
        return _unknown
    least, name = shape.metadata.get("min", -inf), shape.type_name
    if isinstance(shape, StructureShape):
        return _structure(shape)
    if isinstance(shape, ListShape):
        of_item = _check(shape.member)
        return lambda value: type(value) is list and len(value) >= least and all(map(of_item, value))
    if name == "string":
        return lambda value: type(value) is str and len(value) >= least
    if name in _NUMBERS:
        numbers = _NUMBERS[name]
        return lambda value: type(value) in numbers and value >= least
    return partial(_is_of, _TYPES[name]) if name in _TYPES else _unknown


def _structure(shape: StructureShape) -> Check:
    if shape.is_document_type or shape.is_tagged_union:
        return _unknown
    required, shapes, checks = frozenset(shape.required_members), shape.members, dict[str, Check]()

    def is_sound(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys():
            return False
        for name, inner in value.items():
            check = checks.get(name)
            if check is None:
                if name not in shapes:
                    return False
                check = checks[name] = _check(shapes[name])  # when first met: shapes may hold themselves
            if not check(inner):
                return False
        return True

    return is_sound


def _is_of(wanted: type, value: Any) -> bool:
    return type(value) is wanted


def _unknown(_: Any) -> bool:
    return False

"""The least parameters that botocore's models accept."""

from __future__ import annotations

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape


def least(shape: Shape | None) -> Any:
    """A value of ``shape`` with the required members alone; {} where an operation takes none."""
    return {} if shape is None else _value(shape)


def _value(shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        return {name: _value(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [_value(shape.member)]
    if isinstance(shape, MapShape):
        return {"k": {"S": "v"}}
    if shape.type_name != "string":
        return 1
    return shape.enum[0] if shape.enum else "a" * max(12, shape.metadata.get("min", 0))

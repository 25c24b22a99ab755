"""An environment file as TOML, from flat keys such as ``traffic.zone``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def render(settings: Mapping[str, Any], comment: str) -> str:
    """The file: keys without a section first, then each section once. Values are text, numbers, booleans and lists."""
    sections: dict[str, dict[str, Any]] = {"": {}}
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = value
    blocks = [f"# {comment}"]
    for section, values in sections.items():
        lines = [f"[{section}]"] if section else []
        lines += [
            f"{name if name.isidentifier() else json.dumps(name)} = {json.dumps(value, ensure_ascii=False)}"
            for name, value in values.items()
        ]
        blocks.append("\n".join(lines))
    return "\n\n".join(block for block in blocks if block) + "\n"

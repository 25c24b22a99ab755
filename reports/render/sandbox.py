"""How the sandbox's endpoint and disasters are shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson


def endpoint(data: dict[str, Any], form: str) -> str:
    """The endpoint of a running sandbox. JSON holds all its people's keys (docs/json.md); the text, the reader's."""
    if form == "json":
        return _json({"endpoint": data["url"], **data})
    reader = data["people"]["reader"]
    dns = data.get("dns")
    lines = [
        f"The sandbox of {data['environment']} is up at {data['url']}",
        f"  account {data['account']}, {data['tenants']} tenants, process {data['pid']}, pace {data['pace']}",
        *([f"  name server {dns[0]}:{dns[1]}"] if dns else []),
        f"  people: {', '.join(sorted(data['people']))} (keys: sandbox show --format json)",
        "Use it with any AWS client:",
        f"  export AWS_ENDPOINT_URL={data['url']}",
        f"  export AWS_ACCESS_KEY_ID={reader['access_key_id']} AWS_SECRET_ACCESS_KEY={reader['secret_access_key']}",
    ]
    return "\n".join(lines) + "\n"


def clock(data: dict[str, float], environment: str, form: str) -> str:
    """The clock of a running sandbox: ``world`` and ``real`` in seconds since 1970, and its ``speed``."""
    world, real = (datetime.fromtimestamp(data[name], UTC) for name in ("world", "real"))
    if form == "json":
        return _json({"world": world.isoformat(), "real": real.isoformat(), "speed": data["speed"]})
    pace = "at the machine's pace" if data["speed"] == 1 else f"{data['speed']:g} times as fast as this machine's"
    return (
        f"The clock of the sandbox of {environment} shows {world:%Y-%m-%d %H:%M:%S} UTC and runs {pace} "
        f"({real:%Y-%m-%d %H:%M:%S} UTC).\n"
    )


def disasters(rows: list[dict[str, Any]], form: str) -> str:
    """The disasters the sandbox can play; those in force are marked."""
    if form == "json":
        return _json(rows)
    width = max((len(row["name"]) for row in rows), default=0)
    return "".join(f"{'*' if row['broken'] else ' '} {row['name']:<{width}}  {row['sentence']}\n" for row in rows)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()

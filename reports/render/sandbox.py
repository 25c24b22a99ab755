"""Texts of the sandbox: its endpoint, clock and disasters, and the list, briefing and debriefing of its training.

The training's texts take 100 columns and are always plain.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from dr_estate.model.visible import json_bytes
from reports.values.escaping import holds_command, markdown, table_lines

WIDTH = 100
_MARKS = {"met": "[x]", "not yet": "[ ]", "not met": "[!]"}
Answer = dict[str, Any]


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
    return json_bytes(value, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def scenarios_text(rows: list[Answer], form: str) -> str:
    """The scenes that can be played."""
    if form == "json":
        return _json(rows)
    if form == "markdown":
        cells = ((row["name"], row["sentence"], row["teaches"], row["minutes"]) for row in rows)
        return "\n".join(table_lines(("scenario", "what happens", "what it teaches", "minutes"), cells)) + "\n"
    lines: list[str] = []
    for row in rows:
        lines += [f"{row['name']} ({row['minutes']} min)", *_lines_of(f"{row['sentence']}.", "  ")]
        lines += _lines_of(f"Teaches {row['teaches']}.", "  ")
    return "\n".join([*lines, "Begin one: `dr_cli.py sandbox train NAME`"]) + "\n"


def briefing(session: Answer, form: str) -> str:
    """Return what the person on call has to know, and how to play."""
    if form == "json":
        return _json(session)
    how = (
        "Play it with the real commands, such as: `dr_cli.py --sandbox status`",
        "How it stands (--hint for a hint, --end to end it): `dr_cli.py sandbox debrief`",
        f"How time passes ({session['speed']:g} times as fast as on the wall; --speed N): `dr_cli.py sandbox clock`",
    )
    if form == "markdown":
        quoted = ">\n".join(f"> {text}\n" for text in _paragraphs(session["briefing"])).splitlines()
        return "\n".join([f"# {session['name']}", "", *quoted, "", *(f"- {line}" for line in how)]) + "\n"
    head = f"Scene {session['name']}, about {session['minutes']} minutes. It begins now."
    body = [line for text in _paragraphs(session["briefing"]) for line in ("", *_lines_of(text, "  "))]
    return "\n".join([head, *body, "", *how]) + "\n"


def debriefing(session: Answer, form: str) -> str:
    """Each goal: how it stands, the evidence, and why it matters."""
    if form == "json":
        return _json(session)
    met = sum(goal["standing"] == "met" for goal in session["goals"])
    state = "SOLVED" if session["solved"] else "NOT SOLVED"
    head = (
        f"{session['scenario']}: {state}, {met} of {len(session['goals'])} goals met, played for "
        f"{session['minutes']} min"
    )
    if form == "markdown":
        return "\n".join([f"# {head}", "", *_rows(session), *_after(session, "- ")]) + "\n"
    lines = [head, ""]
    for goal in session["goals"]:
        lines += _lines_of(f"{_MARKS[goal['standing']]} {goal['standing']}: {goal['sentence']}", "", "    ")
        lines += _lines_of(goal["evidence"], "    ")
        lines += _lines_of(f"Why: {_reason(goal)}", "    ")
    return "\n".join([*lines, *(line for text in _after(session, "") for line in _lines_of(text, ""))]) + "\n"


def ended_text(name: str, environment: str) -> str:
    """That a scene is over."""
    return f"The scene {name} is over: the sandbox of {environment} is as it was before it.\n"


def _rows(session: Answer) -> list[str]:
    rows = ((goal["sentence"], goal["standing"], goal["evidence"], _reason(goal)) for goal in session["goals"])
    return table_lines(("goal", "stands", "evidence", "why it matters"), (map(markdown, row) for row in rows))


def _reason(goal: Answer) -> str:
    return f"{goal['why']} ({', '.join(goal['traps'])})"


def _after(session: Answer, mark: str) -> Iterator[str]:
    """Notes, the hints that were asked for, and how to get more."""
    messages = [f"Note: {note}" for note in session["notes"]]
    messages += [f"Hint {number}: {hint}" for number, hint in enumerate(session["hints"], 1)]
    # No hint after the solution: it would be read as something left to do.
    if session["hints_left"] and not session["solved"]:
        messages.append(f"{session['hints_left']} more hints: `dr_cli.py sandbox debrief --hint`")
    if messages:
        yield ""
    yield from (f"{mark}{line}" for line in messages)


def _paragraphs(text: str) -> list[str]:
    """Its paragraphs, each one line; they are set apart by an empty line."""
    return [" ".join(part.split()) for part in text.split("\n\n")]


def _lines_of(text: str, indent: str, further: str | None = None) -> list[str]:
    if holds_command(text):
        return [indent + text]
    more = indent if further is None else further
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=more, break_on_hyphens=False) or [""]

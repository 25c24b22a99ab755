"""Rendering of what a tenant needs in the DR region: a tree to read, or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dr_checks.derived.need_kinds import FOLLOWED
from dr_checks.derived.needs import Need, Needs
from dr_estate.model.visible import one_line

_FORM = "aws-dr-manager/needs/1"


def render(needs: Needs, form: str) -> str:
    """The graph as text, or as JSON where ``form`` is json."""
    return _json(needs) if form == "json" else "\n".join(_lines(needs)) + "\n"


def _json(needs: Needs) -> str:
    edges = [
        {
            "source": edge.source,
            "kind": edge.kind.name.lower().replace("_", "-"),
            "target": edge.target,
            "checks": list(FOLLOWED[edge.kind].checks),
            "not_followed": FOLLOWED[edge.kind].reason,
        }
        for edge in needs.edges
    ]
    unseen = [unavailable.why for unavailable in needs.unseen]
    return json.dumps({"schema": _FORM, "tenant": needs.tenant, "edges": edges, "unseen": unseen}, indent=2)


def _lines(needs: Needs) -> Iterator[str]:
    yield f"What tenant {needs.tenant} needs in the DR region, and which check follows each edge:"
    by_source: dict[str, list[Need]] = {}
    for edge in needs.edges:
        by_source.setdefault(edge.source, []).append(edge)
    for source, edges in by_source.items():
        yield f"\n{one_line(source)}"
        for edge in edges:
            followed = FOLLOWED[edge.kind]
            # An edge that no check follows is shown with its reason: a gap in sight is written down.
            checks = ", ".join(followed.checks) or f"not followed: {followed.reason}"
            yield f"  {edge.kind}: {one_line(edge.target)}  [{checks}]"
    for unavailable in needs.unseen:
        yield f"\nNot seen: {one_line(unavailable.why)}"

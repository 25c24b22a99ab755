"""The estate map as a tree to read, and as JSON. Every thing stands with the answer of AWS that showed it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap

from dr_estate.model.estate_map import Counterpart, EstateMap, Store, TaskSchedule, Workload
from dr_estate.model.visible import one_line

SCHEMA = "aws-dr-manager/map/1"
# How many workloads, or kinds of stores, a screen has room for.
_BLOCKS = 8
_WIDTH = 100


def render(found: EstateMap, form: str, *, whole: bool = False) -> str:
    """The map as text, or as JSON where ``form`` is json. ``whole``: every row, however many."""
    if form == "json":
        return json.dumps({"schema": SCHEMA, **asdict(found)}, indent=2) + "\n"
    return "\n".join(one_line(line) if line else line for line in _lines(found, whole)) + "\n"


def _lines(found: EstateMap, whole: bool) -> Iterator[str]:
    yield f"Account {found.account}: {found.primary} is the primary region, {found.dr or 'no region'} the DR region."
    yield ""
    yield from _entries(found, whole)
    yield ""
    paired = sum(workload.counterpart is not None for workload in found.workloads)
    dr = found.dr or "no region"
    yield f"Workloads in {found.primary}: {len(found.workloads)}, with a counterpart in {dr}: {paired}"
    # Those without a counterpart first: a screen has room for eight, and these are the gaps.
    alone_first = sorted(found.workloads, key=lambda workload: workload.counterpart is not None)
    several = len({workload.service.names.get("load_balancer") for workload in found.workloads} - {None}) > 1
    yield from _first_blocks([list(_workload(workload, several)) for workload in alone_first], "workloads", whole)
    yield ""
    if found.schedules:
        paired = sum(row.counterpart is not None for row in found.schedules)
        count = f"{len(found.schedules)}, with a counterpart in {dr}: {paired}"
        yield f"Schedules of {found.primary} that start tasks: {count}"
        alone = sorted(found.schedules, key=lambda row: row.counterpart is not None)
        yield from _first_blocks([list(_schedule(row)) for row in alone], "schedules", whole)
        yield ""
    yield f"Stores of {found.primary}: {len(found.stores)}"
    alike = _alike(found.stores, whole)
    yield from _first_blocks([list(_stores(stores)) for stores in alike], "kinds of stores", whole)
    if found.beside:
        others = ", ".join(f"{kind}: {count}" for kind, count in found.beside.items())
        yield f"  Named by nothing that was read of the workloads, and not replicated: {others}."
    yield from _not_read(found)
    yield ""
    yield f"Gaps, what matters most first: {len(found.gaps)}" if found.gaps else "No gap was found in what was read."
    for number, gap in enumerate(found.gaps, start=1):
        text = f"{gap.what}: {gap.consequence} ({gap.evidence})."
        yield from wrap(text, _WIDTH, initial_indent=f"  {number:>2}. ", subsequent_indent=" " * 6)


def _entries(found: EstateMap, whole: bool) -> Iterator[str]:
    yield f"Entries: {len(found.entries)}"
    for entry in found.entries:
        by = f", behind distribution {entry.distribution}" if entry.distribution else ""
        yield f"  {entry.name}{by}"
        yield from _name_lines(entry.aliases, "    asked for as ", whole)
        for leg in entry.legs:
            waits = "" if leg.leads else ", waits"
            yield f"    -> {leg.balancer.region} load balancer {leg.balancer.name} ({leg.policy}{waits})"
    if not found.entries:
        yield "  No record or distribution leads to a load balancer."


def _workload(workload: Workload, several: bool) -> Iterator[str]:
    """``several``: the workloads stand behind several load balancers."""
    balancer = workload.service.names.get("load_balancer", "") if several else ""
    behind = f", behind {balancer}" if balancer else ""
    yield f"  {workload.service.name}  {workload.service.state}, cluster {workload.cluster}{behind}"
    yield from _name_lines([str(route) for route in workload.routes], "    for ", whole=False)
    yield f"    -> {_counterpart(workload.counterpart, workload.unread, workload.unsupported)}"


def _schedule(row: TaskSchedule) -> Iterator[str]:
    yield f"  {row.thing.name}  {row.thing.state}, {row.times}: starts {row.family or 'a task'}, cluster {row.cluster}"
    yield f"    -> {_counterpart(row.counterpart, row.unread)}"


def _counterpart(counterpart: Counterpart | None, unread: bool, unsupported: str = "") -> str:
    if counterpart is None:
        # What was not read may have one: only where all was read is it missing.
        return unsupported or ("not known: not all was read" if unread else "no counterpart")
    thing = counterpart.thing
    state = f", {thing.state}" if thing.state else ""
    return f"{thing.region} {thing.name}{state} ({counterpart.relation})"


def _alike(stores: Sequence[Store], whole: bool) -> list[list[Store]]:
    """Stores that differ in their names alone, together: forty tenants have forty secrets."""
    groups: dict[object, list[Store]] = {}
    for number, store in enumerate(stores):
        copies = tuple((copy.thing.region, copy.thing.state, copy.relation) for copy in store.counterparts)
        # Its number makes a key that no other store has: --all shows each by itself.
        groups.setdefault(number if whole else (store.kind, store.thing.state, copies), []).append(store)
    return list(groups.values())


def _stores(stores: Sequence[Store]) -> Iterator[str]:
    first = stores[0]
    state = f" ({first.thing.state})" if first.thing.state else ""
    more = f" and {len(stores) - 1} more" if len(stores) > 1 else ""
    users = {user for store in stores for user in store.used_by}
    by = f"for {len(users)} workloads" if len(users) > 1 else f"for {next(iter(users))}" if users else first.found
    yield f"  {first.kind}  {first.thing.name}{more}{state}: {by}"
    for copy in first.counterparts or (None,):
        yield f"    -> {_counterpart(copy, first.unread, first.unsupported)}"


def _first_blocks(blocks: Sequence[Sequence[str]], what: str, whole: bool) -> Iterator[str]:
    shown = blocks if whole or len(blocks) <= _BLOCKS else blocks[:_BLOCKS]
    for block in shown:
        yield from block
    if len(blocks) > len(shown):
        yield f"  and {len(blocks) - len(shown)} more {what}: --all"


def _name_lines(names: Sequence[str], before: str, whole: bool) -> Iterator[str]:
    most = len(names) if whole else 2
    if names:
        yield f"{before}{', '.join(names[:most])}{f' and {len(names) - most} more' if len(names) > most else ''}"


def _not_read(found: EstateMap) -> Iterator[str]:
    if not found.unread:
        return
    yield ""
    yield f"Not read: {len(found.unread)}. What stands there is not known: it is no gap, and no counterpart."
    reasons: dict[tuple[str, str], list[str]] = {}
    for read in found.unread:
        reasons.setdefault((read.region, read.service), []).append(read.why)
    regions = {read.region for read in found.unread}
    for region in sorted(regions):
        services = [service for place, service in reasons if place == region]
        why = reasons[region, services[0]][0]
        text = f"{region}: {', '.join(services)}. {'' if len(services) == 1 else 'The first: '}{why}"
        yield from wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")

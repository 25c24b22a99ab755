"""What is seen of a canary, as plain values: its zone, its records, its changes and what the name servers said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_actions.actions.traffic.records import RecordSet
from dr_actions.model.action import Action, PlanContext, StepStatus
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import canary_name
from dr_estate.readers import dns_canary_polls, route53
from dr_estate.readers.dns_canary_polls import DnsChange, Poll
from dr_estate.readers.route53 import Record
from tests.dr_checks.worlds import NOW, SIT, world

TRIAL, ZONE_ID = "TRIAL-20260107-101500", "Z0TRAFFIC"
CANARY = canary_name(SIT, SIT.traffic.zone, TRIAL)
HOME, AWAY = ("192.0.2.1",), ("198.51.100.1",)
ZONE = route53.HostedZone(ZONE_ID, SIT.traffic.zone, ("ns-1.example",), "ENABLED")
SERVERS = ("ns-1.example", "ns-2.example")


def with_traffic(env: Environment, **changes: Any) -> Environment:
    return env.model_copy(update={"traffic": env.traffic.model_copy(update=changes)})


FAILOVER = with_traffic(SIT, policy="failover")
BY_HAND = with_traffic(SIT, dns_step="manual")


def poll(
    name: str, *counts: tuple[str, tuple[str, ...], int], ttls_s: tuple[int, ...] = (60,), silent: int = 0
) -> Poll:
    return Poll(name, counts, ttls_s, silent, SERVERS)


def split(came: int, went: int, **more: Any) -> Poll:
    """A poll of the canary of which so many answers lead to the primary region, and so many to the DR region."""
    rows = [("NOERROR", HOME, came), ("NOERROR", AWAY, went)]
    return poll(CANARY, *(row for row in rows if row[2]), **more)


def sight(
    env: Environment = SIT,
    records: Sequence[RecordSet | Record] = (),
    polls: Any = (),
    changes: Any = (),
    goal: Goal = Goal.CANARY,
    zone: Any = ZONE,
    incident: str = TRIAL,
) -> PlanContext:
    """What an action sees: the canary's own ``records``, and what was asked."""
    rows = tuple(record if isinstance(record, Record) else route53.record(record) for record in records)
    values: Mapping[Any, Any] = {
        (route53.zone, Side.GLOBAL): zone,
        (route53.records, Side.GLOBAL): rows,
        (dns_canary_polls.polls, Side.GLOBAL): polls,
        (dns_canary_polls.changes, Side.GLOBAL): changes,
    }
    return PlanContext(env, world(values, env=env), goal, primary_answers=True, incident=incident)


def judged(
    action: Action, step: Step, seen: PlanContext, since_s: float | None = 30.0, change: str | None = "INSYNC"
) -> StepStatus:
    """How the step stands, its call having been answered so long ago and its change having that status."""
    if since_s is not None:
        seen = replace(seen, sent_at={step.id: NOW - timedelta(seconds=since_s)})
    if change is not None:
        key = (dns_canary_polls.changes.name, Side.GLOBAL)
        value = (DnsChange("/change/C1", change),)
        parts = {**seen.snapshot.parts, key: replace(seen.snapshot.parts[key], value=value)}
        seen = replace(seen, snapshot=replace(seen.snapshot, parts=parts), changes={step.id: "/change/C1"})
    return action.observe(step, seen)

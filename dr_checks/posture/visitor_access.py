"""What visitors can do: read, write, since when, and the one command that ends an outage. From one snapshot. Pure.

Visitors get what the region serves to which DNS leads them. Their writes need its pages, and a database there that
takes writes. What was not seen is unknown: neither an outage, nor that there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from dr_checks.derived.visitors import RegionService, ServiceState, first_failure, region_service
from dr_checks.posture.posture import BLINDNESS, WITNESSES, Posture, PostureName, posture_of
from dr_checks.posture.signals import Api, Signals, TrafficDirection, TrafficHealth, signals_of
from dr_checks.posture.writers import WRITERS, sole_writer, takes_writes
from dr_estate.config.environment import Environment, Side
from dr_estate.model.durations import duration
from dr_estate.model.invocation import Command, aws_command
from dr_estate.model.states import DATABASE
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import (
    control_table,
    dns_answers,
    elbv2,
    http_sites,
    rds,
    recovery_automation,
    route53,
    route53_health_checks,
)
from dr_estate.readers.control_table import ABORTING, BEGUN, FAILING_BACK, ControlState, Incident
from dr_estate.snapshot.snapshot import Snapshot

# The parts of the snapshot that show what visitors can do.
ACCESS_PARTS = WRITERS | {
    reader.name
    for reader in (
        *WITNESSES,
        control_table.standing,
        dns_answers.authorities,
        dns_answers.door,
        dns_answers.led,
        dns_answers.tested,
        elbv2.healthy_hosts,
        elbv2.listeners,
        elbv2.target_groups,
        http_sites.edge_visits,
        http_sites.visits,
        recovery_automation.waiting,
        route53.records,
        route53_health_checks.checks,
        route53_health_checks.failures,
        route53_health_checks.statuses,
    )
}
_LED = {
    TrafficDirection.PRIMARY: (Side.PRIMARY,),
    TrafficDirection.DR: (Side.DR,),
    TrafficDirection.BETWEEN: (Side.PRIMARY, Side.DR),
    TrafficDirection.UNKNOWN: (),
}
_GOING = {FAILING_BACK: ("failback",), ABORTING: ("failback", "--abort")}
_BEGUN = {"failover": ("failover",), "switchover": ("failover", "--planned"), "failback": ("failback",)}
_WEIGHED = {PostureName.PRIMARY_LOST: "failover", PostureName.IMPAIRED: "failover", PostureName.RETURNING: "failback"}


class Access(StrEnum):
    """How many of the visitors can do something."""

    ALL = "all"
    SOME = "some"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class VisitorAccess:
    """Who of the visitors can ``read``, and who can ``write``, at the moment ``at`` (UTC).

    ``regions`` are those to which they are led. ``since``: since when not all of them can do both; None where nothing
    shows that. ``served`` of ``tenants`` get their pages, None where that was not seen. ``reason``: what keeps them, or
    what keeps it from being known. ``command`` is the bare line that ends it, "" where none is needed or known.
    ``two_writers``: what they write goes into two databases. ``asleep``: the schedule has scaled the services to 0.
    """

    read: Access
    write: Access
    at: datetime
    regions: tuple[str, ...] = ()
    since: datetime | None = None
    served: int | None = None
    tenants: int = 0
    reason: str = ""
    command: str = ""
    two_writers: bool = False
    asleep: bool = False

    @property
    def is_outage(self) -> bool:
        """Whether it was seen that not every visitor can read and write."""
        return not self.asleep and bool({self.read, self.write} & {Access.NONE, Access.SOME})

    @property
    def is_urgent(self) -> bool:
        """Whether somebody must act now: an outage, or two databases that take writes."""
        return self.is_outage or self.two_writers

    @property
    def share(self) -> tuple[Access, Access, tuple[str, ...], bool, str]:
        """What of it is another thing to do; minutes that pass are not."""
        return self.read, self.write, self.regions, self.two_writers, self.command

    @property
    def sentence(self) -> str:
        """What visitors can do, as the first line of every screen, page and message."""
        text = self._text()
        return f"{'OUTAGE: ' if self.is_outage else ''}{text[0].upper() if not self.is_outage else text[0]}{text[1:]}."

    @property
    def line(self) -> str:
        """The sentence with the one command that ends the outage, or shows what could not be seen; bare."""
        return f"{self.sentence} {self.purpose} `{self.command}`" if self.command else self.sentence

    @property
    def purpose(self) -> str:
        """What the command is for: what was not seen is no outage that it could end."""
        return "To end it:" if self.is_urgent else "What to do:"

    def _text(self) -> str:
        where, because = f" in {' and '.join(self.regions)}" if self.regions else "", self._because()
        if self.asleep:
            return f"visitors get no page{where} now: its services are scaled to 0 by schedule"
        if self.write is Access.NONE and self.read is Access.NONE:
            return f"visitors can neither read nor write{where}{self._since()}{because}"
        if self.write is Access.NONE:
            reads = "whether they can read is not known" if self.read is Access.UNKNOWN else self._reads(where)
            return f"nobody can write{self._since()}{because}; {reads}"
        if self.read is Access.SOME or self.write is Access.SOME:
            return f"not every visitor can read and write{where}{self._since()}{because}"
        if self.read is Access.UNKNOWN:
            return f"whether visitors can read and write is not known{because}"
        if self.write is Access.UNKNOWN:
            return f"{self._reads(where)}; whether they can write is not known{because}"
        two = ", and two databases take their writes" if self.two_writers else ""
        return f"visitors read and write{where}{self._count()}{two}"

    def _reads(self, where: str) -> str:
        if self.read is Access.SOME:
            return f"visitors of {self.served} of {self.tenants} tenants read{where}"
        return f"visitors read{where}{self._count()}"

    def _count(self) -> str:
        return f", {self.served} of {self.tenants} tenants" if self.served is not None else ""

    def _because(self) -> str:
        return f": {self.reason.rstrip('.')}" if self.reason else ""

    def _since(self) -> str:
        """Since when, to the minute; where nothing shows that, when it was seen."""
        if self.since is None:
            return f", seen at {self.at:%H:%M} UTC"
        day = "" if self.since.date() == self.at.date() else f"{self.since:%Y-%m-%d} "
        return f" since {day}{self.since:%H:%M} UTC ({duration((self.at - self.since).total_seconds())})"


@dataclass(frozen=True, slots=True)
class _RegionAccess:
    """What visitors who are led to one region can do there."""

    read: Access
    write: Access
    served: int | None = None
    tenants: int = 0
    reason: str = ""


def visitor_access(snapshot: Snapshot, env: Environment) -> VisitorAccess:
    """What visitors can do by what the snapshot shows."""
    signals, posture = signals_of(snapshot, env), posture_of(snapshot, env)
    led = _LED[signals.visitors] or _LED[signals.traffic_set]
    rows = [_in_region(snapshot, env, side, signals) for side in led]
    # Of two regions the fewer: the line must not promise what half of the visitors do not get.
    fewest = min((row for row in rows if row.served is not None), key=lambda row: row.served or 0, default=None)
    access = VisitorAccess(
        read=_together([row.read for row in rows]),
        write=_together([row.write for row in rows]),
        at=snapshot.taken_at,
        regions=tuple(env.region(side) for side in led),
        served=fewest.served if fewest else None,
        tenants=fewest.tenants if fewest else 0,
        reason="; ".join(row.reason for row in rows if row.reason),
        two_writers=posture.name is PostureName.SPLIT,
        asleep=signals.primary_asleep and signals.primary_running == 0 and led == (Side.PRIMARY,),
    )
    if not access.reason and {access.read, access.write} != {Access.ALL}:
        access = replace(access, reason=posture.says)
    standing = snapshot.get_if_seen(control_table.standing, Side.DR)
    if access.is_outage:
        access = replace(access, since=_since(access, snapshot, env, posture, standing))
    if not access.is_urgent and access.read is not Access.UNKNOWN:
        return access
    # The order counts: beside a run at work nothing begins, of two writers one is stopped before anything goes on, and
    # what was asked for is approved or ended before anybody asks for more.
    starts = snapshot.get_if_seen(recovery_automation.waiting, Side.DR) or ()
    run = standing.run_at_work(access.at) if standing else None
    remedies = (
        Command(("attach" if env.automation.enabled else "log", "--incident", run.incident)).line if run else "",
        Command(("fence", "--side", posture.to_fence)).line if posture.to_fence else "",
        starts[0].command.line if starts else "",
        _of_run(access, standing),
        _of_database(snapshot, env, led),
        _of_posture(posture, sole_writer(snapshot, env)),
    )
    return replace(access, command=next(filter(None, remedies), ""))


def _in_region(snapshot: Snapshot, env: Environment, side: Side, signals: Signals) -> _RegionAccess:
    """No page is whole without a database that serves; nothing is written where it refuses, or where nobody reads."""
    service, down = _service(snapshot, env, side, signals), _down_database(snapshot, env, side)
    # Without its database WordPress answers 500 for every page (T54).
    if down:
        return _RegionAccess(Access.NONE, Access.NONE, 0, service.tenants, down)
    read, taken = _reads(service), takes_writes(snapshot, env, side)
    served = None if read is Access.UNKNOWN or not service.tenants else service.served
    failing = f"{env.region(side)} does not serve {service.failing}" if service.failing else ""
    if taken is False and read is not Access.NONE and env.names.database:
        refuses = f"{env.database_on(side)} of {env.region(side)} refuses writes"
        return _RegionAccess(read, Access.NONE, served, service.tenants, "; ".join(filter(None, (failing, refuses))))
    write = Access.UNKNOWN if taken is None and read is not Access.NONE else read
    return _RegionAccess(read, write, served, service.tenants, failing)


def _service(snapshot: Snapshot, env: Environment, side: Side, signals: Signals) -> RegionService:
    """The region's service; of a primary region that is silent, what independent witnesses say of its traffic."""
    if side is Side.PRIMARY and signals.primary_api is not Api.ANSWERS:
        dark = signals.primary_traffic is TrafficHealth.UNHEALTHY
        return RegionService(ServiceState.MOST_FAIL if dark else ServiceState.UNKNOWN)
    return region_service(snapshot, env, side)


def _reads(service: RegionService) -> Access:
    if service.state is ServiceState.UNKNOWN:
        return Access.UNKNOWN
    if service.state is ServiceState.SERVES:
        return Access.ALL
    return Access.SOME if service.served else Access.NONE


def _down_database(snapshot: Snapshot, env: Environment, side: Side) -> str:
    """Why the region has no database that can be read, "" where it has one or was not seen."""
    name = env.database_on(side)
    try:
        row = snapshot.find(rds.instances, side, identifier=name)
    except DataUnavailable:
        return ""
    if not name:
        return ""  # the estate has none
    if row is None:
        return f"there is no database {name} in {env.region(side)}"
    state = DATABASE[row.status]
    return "" if state.serves or not state.known else f"{name} of {env.region(side)} is {row.status}"


def _together(shares: Sequence[Access]) -> Access:
    """The visitors of several regions as one."""
    found = set(shares)
    if len(found) == 1:
        return found.pop()
    # One region that fails for certain is an outage for some, whatever is not known of the other.
    return Access.SOME if found & {Access.NONE, Access.SOME} else Access.UNKNOWN


def _since(
    access: VisitorAccess, snapshot: Snapshot, env: Environment, posture: Posture, standing: ControlState | None
) -> datetime | None:
    """Since when: by the run that stopped the writes, or by the health check of the primary region that fails."""
    incident = standing.known_incident if standing else None
    if incident and incident.no_writes_since and access.write in (Access.NONE, Access.SOME):
        return incident.no_writes_since
    by_primary = access.regions == (env.regions.primary,) or _WEIGHED.get(posture.name) == "failover"
    return first_failure(snapshot, env) if by_primary else None


def _of_run(access: VisitorAccess, standing: ControlState | None) -> str:
    """What goes on with the incident's run that has not reached its goal."""
    incident = standing.known_incident if standing else None
    words = _unfinished_command(incident) if incident and access.is_outage else ()
    if incident is None or not words:
        return ""
    if standing is not None and standing.pause is not None:
        return Command(("unpause",)).line  # first: the run is refused before that
    return Command((*words, "--execute", "--incident", incident.id)).line


def _unfinished_command(incident: Incident) -> tuple[str, ...]:
    """The command of the incident's run that has not reached its goal; empty where it has."""
    words = _BEGUN.get(incident.goal, ()) if incident.phase == BEGUN else _GOING.get(incident.phase, ())
    return (*words, "--staged") if words == ("failback",) and incident.staged else words


def _of_database(snapshot: Snapshot, env: Environment, led: Sequence[Side]) -> str:
    """The start of the database that is stopped where visitors are led."""
    for side in led:
        name = env.database_on(side)
        try:
            row = snapshot.find(rds.instances, side, identifier=name)
        except DataUnavailable:
            continue
        if row is not None and row.status == "stopped":
            return aws_command("rds", "StartDBInstance", env.region(side), DBInstanceIdentifier=name)
    return ""


def _of_posture(posture: Posture, writer: Side | None) -> str:
    # Weights left behind: the primary region alone takes writes, and a failback would have nothing to bring back.
    if posture.name is PostureName.RETURNING and writer is Side.PRIMARY:
        return ""
    words = "doctor" if posture.name in BLINDNESS else _WEIGHED.get(posture.name, "")
    return Command((words,)).line if words else ""

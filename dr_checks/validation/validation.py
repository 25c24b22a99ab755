"""Validation after a failover: the DR region serves every tenant independently of the primary region.

These hold of a failed-over estate alone and are judged by ``failover --validate`` and after ``failover --execute``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from dr_checks.compute.definitions import pointers
from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import reads_other_fields_alone, tenant_definitions
from dr_checks.derived.site_visits import EDGE, by_host, edge_visits, is_own, visits_of, way
from dr_checks.dns import answers as dns_answers
from dr_estate.config.environment import Side
from dr_estate.model.invocation import Command
from dr_estate.model.references import balancer_region
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.network.http_probe import Visit
from dr_estate.readers import dns_answers as answers
from dr_estate.readers import ecr, ecs, route53, sns_topics
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.http_sites import VisitRound
from dr_estate.readers.secretsmanager import Content
from dr_estate.snapshot import tenants
from dr_estate.snapshot.tenants import Tenant


@check("every tenant's own site is served by the DR region")
@weigh(Severity.BLOCKER, Area.VALIDATION)
@cite("T07", "REL13-BP03", "NIST CP-4", "NIST CP-10", "SOC2 A1.3")
def tenants_served(view: View) -> Iterator[Finding]:
    """GET of the probe path: the expected status, and the tenant's own answer.

    At the DR load balancer; where that is not reachable from here, through the distribution, while visitors are led
    to this region alone (T71). Where both paths were used, what visitors get is reported beside the region's answer.
    """
    done = visits_of(view.snapshot, view.env, view.side)
    answers_seen = by_host(done) if done else {}
    unavailable = next((visit for visit in (done.tenants if done else ()) if isinstance(visit, Unavailable)), None)
    for tenant in view.tenants:
        host = tenants.site_of(tenant, view.env)
        if host in answers_seen and done is not None:
            yield _visit_finding(view, tenant, answers_seen[host], done)
        elif unavailable is not None:
            yield view.unknown(host, "served", unavailable, tenant.id)
        elif done is not None and done.edge:
            yield view.unknown(host, "served", f"It was not shown{way(done)}.", tenant.id)
        else:
            remedy = f"Look at {view.env.named(view.env.names.load_balancer)} and its services in {view.region}."
            yield view.gap(host, "no answer", "served", "no site answers for this tenant", remedy, tenant.id)
    seen = edge_visits(view.snapshot, view.env, view.side)
    # The load balancer may serve well while visitors are led elsewhere: each path has its own finding.
    if done is not None and not done.edge and seen is not None:
        shown = by_host(seen)
        visited = [(tenant, shown.get(tenants.site_of(tenant, view.env))) for tenant in view.tenants]
        yield from (_visit_finding(view, tenant, answer, seen) for tenant, answer in visited if answer is not None)


def _visit_finding(view: View, tenant: Tenant, answer: Visit, done: VisitRound) -> Finding:
    wanted = " or ".join(map(str, view.env.traffic.expected_probe_statuses)) + ", speaking of its own host"
    measured = f"{answer.status}, {answer.title or answer.realm or 'no title'}{way(done)}"
    if is_own(answer, done, view.env):
        return view.ok(answer.host, measured, wanted, f"visitors sent to {view.region} see this tenant", tenant.id)
    well = answer.status in view.env.traffic.expected_probe_statuses
    reason = "another site answers" if well else "a visitor sees an error"
    remedy = f"Read the target group's health and the task's log of {tenant.id} in {view.region}."
    if done.edge:
        remedy = f"{remedy} {EDGE} itself follows a change of the traffic name within a minute."
    return view.gap(answer.host, measured, wanted, reason, remedy, tenant.id)


@check("every tenant's service runs its full number of healthy tasks in the DR region")
@weigh(Severity.CRITICAL, Area.VALIDATION)
@cite("T07", "T35", "EcsDesiredVsPlanned", "REL13-BP02", "NIST CP-10")
def services_run(view: View) -> Iterator[Finding]:
    """Running tasks against capacity.tasks_per_service. Source: ECS DescribeServices."""
    there = {service.name: service for service in view.get(ecs.services)}
    for tenant in view.tenants:
        needed = view.env.tasks_of(tenant.id)
        name = view.env.named(view.env.names.service, tenant=tenant.id)
        running = there[name].running if name in there else 0
        if running >= needed:
            yield view.ok(name, f"{running} run", f"{needed} or more", "it can carry what the primary did", tenant.id)
        else:
            reason = "the tenant runs on too few tasks, or none"
            ids = view.env.ecs_names(name)
            remedy = Remedy(
                "Read the service's events (quota, image, subnet).",
                (view.command("ecs", "DescribeServices", cluster=ids["cluster"], services=[ids["service"]]),),
            )
            yield view.gap(name, f"{running} run", f"{needed} or more", reason, remedy, tenant.id)


@check("nothing that serves in the DR region depends on the primary region")
@weigh(Severity.BLOCKER, Area.VALIDATION)
@cite("T18", "T21", "SecretRegionalFields", "REL11-BP04", "REL13-BP04")
def independent(view: View) -> Iterator[Finding]:
    """No task definition in use and no secret names a host, registry or ARN of the primary region; all can be read."""
    region = view.env.regions.primary
    wanted = f"nothing of {region}"
    for tenant, mine in sorted(tenant_definitions(view).items()):
        if isinstance(mine, Unavailable):
            yield view.unknown(tenant, wanted, mine, tenant)
        elif found := [*pointers(mine, region), *_images(mine, region)]:
            remedy = f"Register a revision of {mine.family} with the names of {view.region}, and deploy it."
            yield view.gap(mine.family, "; ".join(found), wanted, "it depends on the lost region", remedy, tenant)
        else:
            yield view.ok(mine.family, "none", wanted, "it needs no other region", tenant)
    for content in view.get(readers_secretsmanager.contents):
        if not isinstance(content, Content):
            yield view.unknown(content.name, wanted, content.unseen)
        elif content.failure:
            reason = "no task can start with a secret that cannot be decrypted"
            remedy = f"Let the key of {content.name} in {view.region} be used for it (T19)."
            yield view.gap(content.name, content.failure, wanted, reason, remedy)
        elif named := [field.name for field in content.fields if field.names_primary]:
            if reads_other_fields_alone(view, content.name, named):
                continue  # secrets.regional-fields warns of it
            remedy = f"Put a value into {content.name} in {view.region} that names the DR database."
            yield view.gap(content.name, ", ".join(named), wanted, "it points to the lost region", remedy)


def _images(definition: ecs.TaskDefinition, region: str) -> list[str]:
    images = (container.image for container in definition.containers)
    return [f"image {image}" for image in images if ecr.image_ref(image).region == region]


@check("the traffic name resolves to the DR region")
@weigh(Severity.BLOCKER, Area.VALIDATION)
@cite("T05", "T06", "DnsTargetResourceRoutingRule", "REL11-BP02", "NIST CP-10")
def answers_lead_here(view: View) -> Iterator[Finding]:
    """What Route 53 and the zone's servers answer for the origin name is an address of the DR load balancer.

    Where no DNS server can be reached from here, what the records and health checks choose is a warning, not a pass.
    """
    name, wanted = view.env.traffic.origin_record, f"an address of {view.region}"
    replies, unavailable = _dns_answers(view)
    try:
        door = view.get(answers.door)
    except DataUnavailable as unseen:
        replies, unavailable, door = [], unseen.unavailable, ()
    for answer in replies:
        subject, measured = f"{name} at {answer.asked}", ", ".join(answer.values) or answer.code
        if {*door} & {*answer.values} or view.region in map(balancer_region, map(route53.plain, answer.values)):
            yield view.ok(subject, measured, wanted, "visitors are sent here")
        else:
            remedy = "Make the change batch of the plan's step 7, or wait for it: `dr_cli.py log` shows its progress."
            yield view.gap(subject, measured, wanted, "visitors are still sent elsewhere", remedy)
    out_of_reach = unavailable is not None and unavailable.kind is UnavailableKind.RESOLVER
    if unavailable is not None and out_of_reach and not replies:
        yield _choice_finding(view, wanted, unavailable)
    elif not replies or not (unavailable is None or out_of_reach):
        yield view.unknown(name, wanted, unavailable or "No authoritative server was queried for it.")


def _dns_answers(view: View) -> tuple[list[DnsAnswer], Unavailable | None]:
    """Answers for the traffic name from all available sources, and why a name server was not queried."""
    replies: list[DnsAnswer | Unavailable] = []
    unavailable: Unavailable | None = None
    with suppress(DataUnavailable):  # the name servers answer the same
        tested = view.get(answers.tested, Side.GLOBAL)
        replies += tested
    try:
        servers = view.get(answers.authorities, Side.GLOBAL)
    except DataUnavailable as unseen:
        servers = (unseen.unavailable,)
        with suppress(DataUnavailable):  # found by delegation: needed where Route 53's control plane is silent
            servers = view.get(answers.led, Side.GLOBAL)
    replies += servers
    unavailable = next((answer for answer in servers if isinstance(answer, Unavailable)), None)
    heard = [
        answer for answer in replies if isinstance(answer, DnsAnswer) and answer.name == view.env.traffic.origin_record
    ]
    return [
        answer for answer in heard if answer.type in ("A", "CNAME")
    ], unavailable  # the load balancer is known by IPv4 addresses


def _choice_finding(view: View, wanted: str, unavailable: Unavailable) -> Finding:
    """What Route 53 would answer by its records and health checks, while no answer can be seen from here."""
    name = view.env.traffic.origin_record
    chosen = dns_answers.expected_regions(replace(view, side=Side.GLOBAL))
    measured = f"the records choose {' or '.join(sorted(chosen or ())) or 'a policy that cannot be simulated'}"
    if chosen == frozenset({view.region}):
        reason = f"the answers cannot be seen from here: {unavailable.why}"
        return view.warn(name, measured, wanted, reason, f"Where DNS servers can be reached: dig +short {name}")
    if chosen is None:
        return view.unknown(name, wanted, unavailable)
    remedy = f"Make the change batch of the plan's step 7: {Command(('log',))} names it."
    return view.gap(name, measured, wanted, "visitors are still sent elsewhere", remedy)


@check("nothing in the old primary region writes data")
@weigh(Severity.NORMAL, Area.VALIDATION)
@cite("T41", "REL11-BP02", "NIST CP-10")
def primary_fenced(view: View) -> Iterator[Finding]:
    """No tenant's task runs in the old primary. A region that cannot be seen is unfenced: a warning until it can."""
    region, wanted = view.env.regions.primary, "0 tasks"
    part = view.snapshot.parts.get((ecs.services.name, Side.PRIMARY))
    # A warning: the region that was lost must not fail the validation of the one that took over.
    if part is not None and isinstance(part.value, Unavailable):
        reason = "it may recover and write: both regions would serve, and scheduled jobs would run twice"
        remedy = (
            f"As soon as {region} answers, and before anything else: `dr_cli.py fence --side primary` plans how it "
            "stops writing. Keep the pin."
        )
        yield view.warn(region, "not seen: UNFENCED", wanted, reason, remedy)
        return
    # Tasks that are desired start as soon as the region can start any (T41).
    running = [s for s in view.get(ecs.services, Side.PRIMARY) if s.running or s.desired]
    for service in running:
        reason = "both regions serve: scheduled jobs and webhooks run twice, and writes are lost"
        yield view.gap(service.name, f"{service.running} run", wanted, reason, _fence(view, service.name))
    if not running:
        yield view.ok(region, "0 tasks", wanted, "no old task can write")


def _fence(view: View, service: str) -> Remedy:
    """The commands that fence one service: its bounds first, or auto scaling starts it again (T36)."""
    env, target = (
        view.env.on(Side.PRIMARY),
        {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"},
    )
    bounds = {"ResourceId": env.scaling_id(service), "MinCapacity": 0, "MaxCapacity": 0}
    scaling, ecs_call = ("application-autoscaling", "RegisterScalableTarget"), ("ecs", "UpdateService")
    return Remedy(
        "Stop it: its bounds first, or auto scaling starts it again.",
        (
            view.command(*scaling, Side.PRIMARY, **target, **bounds),
            view.command(*ecs_call, Side.PRIMARY, **env.ecs_names(service), desiredCount=0),
        ),
    )


@check("the notification topics of the DR region have subscribers")
@weigh(Severity.CRITICAL, Area.VALIDATION)
@cite("T40", "SnsTopicsBothRegions", "REL12-BP02")
def topics_heard(view: View) -> Iterator[Finding]:
    """Each topic exists in the DR region and has a confirmed subscription."""
    for topic in view.get(sns_topics.topics):
        measured = f"{topic.confirmed} listen" if topic.exists else "absent"
        if topic.exists and topic.confirmed:
            yield view.ok(topic.name, measured, "1 or more", "stakeholders hear what happens")
        else:
            remedy = f"Subscribe an address that people read (aws_sns_topic_subscription of '{topic.name}')."
            yield view.gap(topic.name, measured, "1 or more", "no one is notified of the next steps", remedy)

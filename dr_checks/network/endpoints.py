"""Checks of VPC endpoints in the DR region: what takes the tasks' requests to AWS must let them through.

Both as they start, and as they use the copies of their buckets and tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.derived.pairing import tenant_definitions, tenant_services, vpc_name
from dr_checks.derived.standing import Ground
from dr_checks.derived.traffic_rules import Admission, TrafficRule
from dr_checks.derived.ways import table_of
from dr_estate.config.environment import Side
from dr_estate.iam.moments import moment_keys
from dr_estate.iam.resource_policies import PolicyAnswer, PolicyRequest, answer_of
from dr_estate.model import states
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecr, ecs, iam_store_roles, vpc
from dr_estate.readers.iam_store_roles import StoreRight, StoreRole

_HTTPS = TrafficRule("tcp", 443, 443, "")
# What stands behind the seventh part is ECS's: the JSON key, stage and version of a secret (API_Secret).
_SECRET_PARTS = 7
_WANTED = "HTTPS from the tasks, and a policy that allows what they ask for"


@check("the VPC endpoints of the DR region let the tasks through to what they start with")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("REL02-BP02", "REL13-BP02", "NIST CP-8", "NIST SC-7")
def admit_tasks(view: View) -> Iterator[Finding]:
    """Security groups of interface endpoints admit TCP 443 from each service, and every policy allows each request.

    An endpoint takes the requests whether or not there is another way out. Source: AWS PrivateLink guide, "Control
    access to VPC endpoints using endpoint policies"; ECR User Guide, "Amazon ECR interface VPC endpoints".
    """
    # What a task asks for stands in its definition: without that no endpoint can be called open for it.
    unread = [found for found in tenant_definitions(view).values() if isinstance(found, Unavailable)]
    judged = _available(view, Side.DR)
    for endpoint in view.get(vpc.endpoints):
        if not states.ENDPOINT[endpoint.state].known and takes(view, endpoint):
            yield view.undocumented(f"{endpoint.service} {endpoint.id}".strip(), _WANTED, endpoint.state)
    pairs = list(_start_requests(view)) if judged else []
    used = [e for e in judged if e.service in {service for service, _ in pairs} and takes(view, e)]
    for endpoint in used:
        yield _tasks_finding(view, endpoint, [request for service, request in pairs if service == endpoint.service])
    for row in dict.fromkeys(unread) if judged else ():
        yield view.unknown("all endpoints", _WANTED, row)
    if not used and not (judged and unread):
        name = vpc_name(view)
        yield view.none_expected(name, "no endpoint takes what tasks ask for: see vpc-reach.way-out")


@check("the VPC endpoints of the DR region let the tasks through to the copies of their buckets and tables")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, applies=if_replicated)
@cite("REL02-BP02", "REL13-BP04", "NIST CP-8")
def admit_stores(view: View) -> Iterator[Finding]:
    """What the task roles may do with the sources today passes the endpoints' policies, or passes none there either.

    A policy copied from the primary region names its buckets: tasks start, and are refused their objects. Source: VPC
    User Guide, "Endpoint policies for gateway endpoints".
    """
    wanted = "a policy that allows what tasks do with the copies"
    used = [e for e in _available(view, Side.DR) if e.service in _STORES and takes(view, e)]
    rows = view.get(iam_store_roles.rights, Side.GLOBAL) if used else ()
    roles = [row for row in rows if isinstance(row, StoreRole)]
    for row in (row for row in rows if isinstance(row, Unavailable)):
        yield view.unknown("all endpoints", wanted, row)
    for endpoint in used if roles or not rows else ():
        every = [(role, right) for role in roles for right in role.rights]
        pairs = [pair for pair in every if pair[1].action.startswith(f"{endpoint.service}:")]
        yield _stores_finding(view, endpoint, pairs, wanted)
    if not used:
        name = vpc_name(view)
        yield view.none_expected(name, "no endpoint takes what tasks ask of buckets and tables")


_STORES = frozenset({"s3", "dynamodb"})


def _stores_finding(
    view: View, endpoint: vpc.VpcEndpoint, pairs: Sequence[tuple[StoreRole, StoreRight]], wanted: str
) -> Finding:
    subject = f"{endpoint.service} {endpoint.id}".strip()
    if not pairs:
        return view.none_expected(subject, "no right of tasks on all of a store that it leads to is known")
    answers = {pair: _answer(endpoint, _store_request(view, *pair)) for pair in pairs}
    lacking = {pair: answer for pair, answer in answers.items() if answer is not PolicyAnswer.ALLOWED}
    if lacking:  # only then does it matter what passes today
        theirs = [e for e in _available(view, Side.PRIMARY) if e.service == endpoint.service]
        lacking = {pair: answer for pair, answer in lacking.items() if not _alike(view, answer, pair, theirs)}
    refused = [right for (_, right), answer in lacking.items() if answer in _REFUSED]
    if refused:
        # Three name the policy; the remedy is the same for all.
        measured = ", ".join(dict.fromkeys(f"{right.action} on {right.copy}" for right in refused[:3]))
        reason = "tasks start, and are refused what they read and write in the primary region today"
        remedy = f"aws_vpc_endpoint for {endpoint.service} in {view.region}: a policy with the ARNs of the copies."
        return view.gap(subject, measured, wanted, reason, remedy)
    if lacking:
        return view.undecided(subject, wanted, _CONDITIONS, f"the policy of {subject}")
    return view.ok(subject, "open", wanted, "it keeps tasks from nothing that they use today")


def _store_request(view: View, role: StoreRole, right: StoreRight) -> PolicyRequest:
    return _request(view, role.arn, right.action, right.copy, view.region)


def _alike(
    view: View, answer: PolicyAnswer, pair: tuple[StoreRole, StoreRight], theirs: Sequence[vpc.VpcEndpoint]
) -> bool:
    """Whether an endpoint of the primary region says no more to the same task today."""
    role, right = pair
    request = _request(view, role.today, right.action, right.source, view.env.regions.primary)
    return bool({answer, *_REFUSED} & {_answer(endpoint, request) for endpoint in theirs})


def _available(view: View, side: Side) -> list[vpc.VpcEndpoint]:
    return [endpoint for endpoint in view.get(vpc.endpoints, side) if states.ENDPOINT[endpoint.state].serves]


def _answer(endpoint: vpc.VpcEndpoint, request: PolicyRequest) -> PolicyAnswer:
    """What its policy says; one that AWS names none for lets everything through. Its own id is in each request."""
    through = (("aws:SourceVpce", endpoint.id),) if endpoint.id else ()
    # A request through an endpoint has no aws:SourceIp (IAM guide, global condition keys).
    arriving = replace(request, context=(*request.context, *through), absent=("aws:SourceIp",))
    return answer_of(endpoint.policy, arriving) if endpoint.policy else PolicyAnswer.ALLOWED


def _tasks_finding(view: View, endpoint: vpc.VpcEndpoint, requests: list[PolicyRequest]) -> Finding:
    subject = f"{endpoint.service} {endpoint.id}".strip()
    closed = sorted(set(_shut_out(view, endpoint))) if endpoint.kind == "Interface" else []
    answers = {request: _answer(endpoint, request) for request in requests} if endpoint.policy else {}
    refused = [f"{r.action} on {r.resource}" for r, a in answers.items() if a in _REFUSED]
    if closed or refused:
        measured = "; ".join([*(f"TCP 443 closed to {name}" for name in closed), *refused[:3]])
        sentence = (
            f"aws_vpc_endpoint for {endpoint.service} in {view.region}: security_group_ids that admit TCP 443 from the "
            "tasks, and a policy that allows their requests."
        )
        remedy = Remedy(sentence, tuple(_let_in(view, endpoint, closed)))
        return view.gap(subject, measured, _WANTED, "tasks fail to start: ResourceInitializationError", remedy)
    if PolicyAnswer.UNDECIDED in answers.values():
        return view.undecided(subject, _WANTED, _CONDITIONS, f"the policy of {subject}")
    return view.ok(subject, "open", _WANTED, "the tasks' requests pass it")


def _let_in(view: View, endpoint: vpc.VpcEndpoint, services: list[str]) -> Iterator[str]:
    """The command that admits HTTPS from the groups of these services, at the first group of the endpoint."""
    callers = {
        id_ for _, service in tenant_services(view) if service.name in services for id_ in service.security_groups
    }
    known = {row.id for row in view.get(vpc.security_groups)}
    guards = [id_ for id_ in endpoint.groups if id_ in known]
    if guards and callers and callers <= known:
        https = {"IpProtocol": "tcp", "FromPort": _HTTPS.first, "ToPort": _HTTPS.last}
        # At one group: what any group of an interface admits is admitted.
        rule = {**https, "UserIdGroupPairs": [{"GroupId": id_} for id_ in sorted(callers)]}
        yield view.command("ec2", "AuthorizeSecurityGroupIngress", GroupId=guards[0], IpPermissions=[rule])


_CONDITIONS = "Its policy has conditions that only AWS itself evaluates."
_REFUSED = (PolicyAnswer.DENIED, PolicyAnswer.SILENT)


def takes(view: View, endpoint: vpc.VpcEndpoint, place: str = "") -> bool:
    """Whether requests of tasks go through the endpoint: by AWS's own name, or by the routes of a subnet of theirs.

    With ``place`` by those of that subnet alone: a gateway endpoint stands in the route tables it is associated with.
    """
    if endpoint.kind != "Gateway":
        # Without private DNS an interface endpoint has only names of its own, for which no task asks.
        return endpoint.private_names
    places = {place} if place else {place for _, service in tenant_services(view) for place in service.subnets}
    tables = view.get(vpc.route_tables)
    own = (table_of(tables, place) for place in places)
    return any(table is not None and table.id in endpoint.route_tables for table in own)


def _shut_out(view: View, endpoint: vpc.VpcEndpoint) -> Iterator[str]:
    """The services whose tasks the groups of the endpoint do not let in."""
    ground, groups = Ground(view, Side.DR), [row for row in view.get(vpc.security_groups) if row.id in endpoint.groups]
    admission = Admission([rule for group in groups for rule in group.ingress], ground.own)
    services = [service for _, service in tenant_services(view)] if endpoint.groups else []
    ends = {service.name: ground.end_of(service.security_groups, service.subnets) for service in services}
    closed = {end for end in set(ends.values()) if not admission.admits(_HTTPS, end)}  # most services stand alike
    yield from (name for name, end in ends.items() if end in closed)


def _start_requests(view: View) -> Iterator[tuple[str, PolicyRequest]]:
    """The services that tasks ask as they start, each with its request."""
    for definition in tenant_definitions(view).values():
        if not isinstance(definition, Unavailable):
            for service, action, resource in dict.fromkeys(_starting(view, definition)):
                yield service, _request(view, definition.execution_role, action, resource, view.region)


def _starting(view: View, definition: ecs.TaskDefinition) -> Iterator[tuple[str, str, str]]:
    region, account = view.region, view.env.account
    for container in definition.containers:
        image = ecr.image_ref(container.image)
        if image.region == region:
            repository = f"arn:aws:ecr:{region}:{image.account}:repository/{image.repository}"
            yield "ecr.api", "ecr:GetAuthorizationToken", "*"
            yield "ecr.dkr", "ecr:BatchGetImage", repository
            # ECR keeps the layers of images in this bucket of AWS (ECR User Guide, interface VPC endpoints).
            yield "s3", "s3:GetObject", f"arn:aws:s3:::prod-{region}-starport-layer-bucket/any"
        for _, source in container.sources:
            arn = ":".join(source.split(":")[:_SECRET_PARTS])
            if ":secretsmanager:" in source:
                yield "secretsmanager", "secretsmanager:GetSecretValue", arn
            else:
                yield "ssm", "ssm:GetParameters", source
        if container.log_group:
            group = f"arn:aws:logs:{region}:{account}:log-group:{container.log_group}:log-stream:any"
            yield "logs", "logs:CreateLogStream", group


def _request(view: View, role: str, action: str, resource: str, region: str) -> PolicyRequest:
    account = view.env.account
    known = (
        ("aws:RequestedRegion", region),
        ("aws:PrincipalAccount", account),
        ("aws:PrincipalArn", role),
        ("aws:ResourceAccount", account),
        *moment_keys(view.now),
    )
    return PolicyRequest((role, f"arn:aws:iam::{account}:root"), action, resource, known)

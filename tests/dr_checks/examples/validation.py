"""Examples of the checks that hold after a failover: does the DR region serve, as itself and by itself?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import dns_answers, ecs, http_sites, sns_topics
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.readers.http_sites import VisitRound
from dr_estate.reading.reader import Reader
from tests.dr_checks.compute import ONE, TWO, D, P, both_services, container, definition, definitions, image
from tests.dr_checks.edges import ORIGIN, PRIMARY, RECORDS, SECONDARY, traffic
from tests.dr_checks.examples.answers import AT_HOME, AWAY, ELSEWHERE, GONE, HERE, SOA, THERE
from tests.dr_checks.examples.sites import (
    BROKEN,
    FROM_AFAR,
    ONE_HOST,
    PASSWORD,
    STRANGER,
    THROUGH,
    TOO_LATE,
    TWO_HOST,
    WELL,
    edge_to_dr,
    through,
)
from tests.dr_checks.examples.sites import ONE as ONE_SITE
from tests.dr_checks.examples.sites import TWO as TWO_SITE
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

STOPPED = tuple(service(name, desired=0, running=0) for name in (ONE, TWO))
SAFE = readers_secretsmanager.Content(
    "sit-tenant1-db-credentials",
    "v1",
    (readers_secretsmanager.Field("host", names_primary=False, names_dr=True, digest="a"),),
)
TIED = replace(SAFE, fields=(readers_secretsmanager.Field("host", names_primary=True, names_dr=False, digest="a"),))
OUT_OF_REACH = Unavailable(UnavailableKind.RESOLVER, "DNS server ns-1 did not answer.")
SILENT = Unavailable(UnavailableKind.UNREACHABLE, "route53 in us-east-1 does not answer.", "us-east-1")
LED_AWAY = (replace(PRIMARY, weight=0), replace(SECONDARY, weight=100))
TOPIC = sns_topics.Topic("bbws-dr-events", exists=True, confirmed=1, pending=0)


def _started_with(field: str) -> tuple[tuple[str, str], ...]:
    """Secrets of a container that is started with this field of the first tenant's."""
    return (("DB", f"arn:aws:secretsmanager:{D}:{SIT.account}:secret:{SAFE.name}-AbCdEf:{field}::"),)


def given(check: str, expected: Status, subject: str = "", **changed: Any) -> Example:
    """An example of an estate that failed over, all well but for what is changed."""
    parts: dict[tuple[Reader[Any], Side], Any] = {
        (http_sites.visits, Side.DR): changed.get("visits", WELL),
        (ecs.services, Side.PRIMARY): changed.get("old", STOPPED),
        (ecs.services, Side.DR): changed.get("services", both_services()),
        (ecs.task_definitions, Side.DR): changed.get("definitions", definitions(D)),
        (readers_secretsmanager.contents, Side.DR): changed.get("contents", (SAFE,)),
        (dns_answers.authorities, Side.GLOBAL): changed.get("authorities", (SOA, AWAY)),
        (dns_answers.door, Side.PRIMARY): HERE,
        (dns_answers.door, Side.DR): changed.get("door", THERE),
        (sns_topics.topics, Side.DR): changed.get("topics", (TOPIC,)),
        (dns_answers.tested, Side.GLOBAL): changed.get("tested", (replace(AWAY, asked="Route 53"),)),
        **(traffic(records=changed["records"]) if "records" in changed else {}),
        **changed.get("edge", {}),
        **({(dns_answers.led, Side.GLOBAL): changed["led"]} if "led" in changed else {}),
    }
    return Example(f"validation.{check}", expected, world(parts), frozenset([subject] if subject else []))


def nobody_asked(example: Example, reader: Reader[Any], side: Side) -> Example:
    """The same, but that part was never read."""
    parts = {key: part for key, part in example.snapshot.parts.items() if key != (reader.name, side)}
    return replace(example, snapshot=replace(example.snapshot, parts=parts))


def visited(*answers_: Any, stranger: Any = STRANGER) -> dict[str, Any]:
    """The round of visits in the DR region."""
    return {"visits": VisitRound(stranger, answers_)}


EXAMPLES = [
    given("tenants-served", Status.PASS),
    given("tenants-served", Status.PASS, TWO_HOST, **visited(ONE_SITE, PASSWORD)),
    given("tenants-served", Status.FAIL, TWO_HOST, **visited(ONE_SITE, BROKEN)),
    given("tenants-served", Status.FAIL, TWO_HOST, **visited(ONE_SITE, replace(TWO_SITE, names_host=False))),
    given("tenants-served", Status.FAIL, TWO_HOST, **visited(ONE_SITE, replace(TWO_SITE, digest=STRANGER.digest))),
    given("tenants-served", Status.FAIL, TWO_HOST, **visited(ONE_SITE)),
    given("tenants-served", Status.FAIL, ONE_HOST, visits=None),
    given("tenants-served", Status.UNKNOWN, TWO_HOST, **visited(ONE_SITE, DENIED)),
    given("tenants-served", Status.UNKNOWN, visits=DENIED),
    given("tenants-served", Status.PASS, TWO_HOST, visits=FROM_AFAR, edge=edge_to_dr(THROUGH)),
    given("tenants-served", Status.FAIL, TWO_HOST, visits=FROM_AFAR, edge=edge_to_dr(**through(ONE_SITE, TOO_LATE))),
    given("tenants-served", Status.UNKNOWN, TWO_HOST, visits=FROM_AFAR, edge=edge_to_dr(**through(ONE_SITE))),
    given("tenants-served", Status.UNKNOWN, visits=FROM_AFAR, edge=edge_to_dr(THROUGH, led=(AT_HOME,))),
    given("tenants-served", Status.UNKNOWN, visits=FROM_AFAR, edge=edge_to_dr(THROUGH, led=(AT_HOME, AWAY))),
    given("tenants-served", Status.UNKNOWN, visits=FROM_AFAR),
    given("tenants-served", Status.FAIL, TWO_HOST, edge=edge_to_dr(**through(TOO_LATE))),
    given("services-run", Status.PASS, ONE),
    given("services-run", Status.PASS, TWO, services=both_services(running=3)),
    given("services-run", Status.FAIL, TWO, services=both_services(running=1)),
    given("services-run", Status.FAIL, TWO, services=(service(ONE),)),
    given("services-run", Status.UNKNOWN, services=DENIED),
    given("independent", Status.PASS, "sit-tenant2"),
    given("independent", Status.PASS, contents=()),
    given("independent", Status.FAIL, "sit-tenant2", definitions=definitions(D, changes={"image": image(P)})),
    given(
        "independent",
        Status.FAIL,
        "sit-tenant2",
        definitions=definitions(D, changes={"environment": container("tenant2", P).environment}),
    ),
    *(
        given("independent", status, contents=(TIED,), definitions=definitions(D, changes={"secrets": started}))
        for status, started in ((Status.PASS, _started_with("password")), (Status.FAIL, _started_with("host")))
    ),
    given("independent", Status.FAIL, SAFE.name, contents=(replace(SAFE, fields=(), failure="KMSAccessDenied"),)),
    given("independent", Status.UNKNOWN, definitions=(definition("tenant1", D), DENIED)),
    given(
        "independent",
        Status.UNKNOWN,
        contents=(SAFE, readers_secretsmanager.HiddenSecret("sit-tenant2-db-credentials", DENIED)),
    ),
    given("independent", Status.UNKNOWN, contents=DENIED),
    given("answers-lead-here", Status.PASS),
    given("answers-lead-here", Status.FAIL, authorities=(SOA, AWAY, replace(AT_HOME, asked="ns-2"))),
    given("answers-lead-here", Status.FAIL, authorities=(SOA, ELSEWHERE)),
    given("answers-lead-here", Status.FAIL, authorities=(SOA, GONE)),
    given("answers-lead-here", Status.UNKNOWN, authorities=(SOA, DENIED)),
    given("answers-lead-here", Status.UNKNOWN, authorities=(SOA, AWAY, DENIED)),
    given("answers-lead-here", Status.UNKNOWN, authorities=(SOA,), tested=()),
    given("answers-lead-here", Status.UNKNOWN, door=DENIED),
    given("answers-lead-here", Status.PASS, tested=DENIED),
    given("answers-lead-here", Status.PASS, authorities=(OUT_OF_REACH,)),
    given("answers-lead-here", Status.PASS, authorities=SILENT, tested=SILENT, led=(AWAY,)),
    given("answers-lead-here", Status.FAIL, authorities=SILENT, tested=SILENT, led=(AWAY, AT_HOME)),
    given("answers-lead-here", Status.UNKNOWN, authorities=SILENT, tested=SILENT, led=(AWAY, SILENT)),
    given("answers-lead-here", Status.UNKNOWN, authorities=SILENT, tested=SILENT),
    given("answers-lead-here", Status.PASS, authorities=OUT_OF_REACH),
    given("answers-lead-here", Status.FAIL, authorities=OUT_OF_REACH, tested=(AT_HOME,)),
    given("answers-lead-here", Status.WARN, ORIGIN, authorities=OUT_OF_REACH, tested=DENIED, records=LED_AWAY),
    given("answers-lead-here", Status.WARN, ORIGIN, authorities=OUT_OF_REACH, door=OUT_OF_REACH, records=LED_AWAY),
    given("answers-lead-here", Status.FAIL, ORIGIN, authorities=OUT_OF_REACH, door=OUT_OF_REACH, records=RECORDS),
    given("answers-lead-here", Status.UNKNOWN, authorities=OUT_OF_REACH, tested=DENIED),
    given("primary-fenced", Status.PASS, P),
    given("primary-fenced", Status.PASS, old=()),
    given("primary-fenced", Status.WARN, P, old=DENIED),
    given("primary-fenced", Status.FAIL, TWO, old=(STOPPED[0], service(TWO, desired=0, running=1))),
    given("primary-fenced", Status.FAIL, TWO, old=(STOPPED[0], service(TWO, desired=2, running=0))),
    nobody_asked(given("primary-fenced", Status.UNKNOWN), ecs.services, Side.PRIMARY),
    given("topics-heard", Status.PASS, TOPIC.name),
    given("topics-heard", Status.FAIL, TOPIC.name, topics=(replace(TOPIC, confirmed=0, pending=1),)),
    given("topics-heard", Status.FAIL, TOPIC.name, topics=(replace(TOPIC, exists=False, confirmed=0),)),
    given("topics-heard", Status.UNKNOWN, topics=DENIED),
]

"""Examples of the checks on the tenants' own sites."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.network.http_probe import Handshake, Visit
from dr_estate.readers import control_table, dns_answers, ecs, elbv2, http_sites, rds
from dr_estate.readers.http_sites import VisitRound
from dr_estate.reading.reader import Reader
from tests.dr_checks.databases import PRIMARY as DATABASE
from tests.dr_checks.databases import REPLICA
from tests.dr_checks.edges import DR_BALANCER, PRIMARY_BALANCER, balancer
from tests.dr_checks.examples.answers import AWAY, HERE, THERE
from tests.dr_checks.worlds import DENIED, NOW, SIT, WARM, Example, service, world

ONE_HOST, TWO_HOST = (f"tenant{n}.{SIT.traffic.tenant_domain}" for n in (1, 2))
STRANGER = Visit("nobody.invalid", 200, 0.01, False, "", "ok")
ONE = Visit(ONE_HOST, 200, 0.2, True, "tenant1: log in", "one")
TWO = Visit(TWO_HOST, 200, 0.3, True, "tenant2: log in", "two")
PASSWORD = replace(TWO, status=401, names_host=False, title="")
WELL = VisitRound(STRANGER, (ONE, TWO))
BROKEN = replace(TWO, status=503, names_host=False, title="", digest="503")
BOTH = (service("sit-tenant1-service"), service("sit-tenant2-service"))
SHAKEN = Handshake(ONE_HOST, NOW + timedelta(days=90), "")
FROM_AFAR = Unavailable(UnavailableKind.NOT_REACHABLE, "192.0.2.1:80 is not reachable from here.", SIT.regions.dr)
THROUGH = VisitRound(replace(STRANGER, host="not-a-tenant"), (ONE, TWO), edge=True)
TOO_LATE = replace(TWO, status=504, names_host=False, title="", digest="504")
ZERO = service("sit-tenant2-service", 0, 0)
ASLEEP = (ZERO, replace(ZERO, name="sit-tenant1-service"))
ALWAYS_OFF = WARM.model_copy(
    update={
        "scaling_schedule": SIT.scaling_schedule.model_copy(
            update={"off_from": NOW.replace(hour=0).time(), "off_until": NOW.replace(hour=23, minute=59).time()}
        )
        if SIT.scaling_schedule
        else None
    }
)


def given(check: str, expected: Status, subject: str = "", env: Environment = WARM, **changed: Any) -> Example:
    """An example in which both regions' sites are well but for what is changed in the DR region."""
    parts: dict[tuple[Reader[Any], Side], Any] = {
        (http_sites.visits, Side.PRIMARY): WELL,
        (http_sites.visits, Side.DR): changed.get("visits", WELL),
        (http_sites.handshakes, Side.PRIMARY): (SHAKEN,),
        (http_sites.handshakes, Side.DR): changed.get("handshakes", (SHAKEN,)),
        (elbv2.load_balancer, Side.PRIMARY): balancer(PRIMARY_BALANCER),
        (elbv2.load_balancer, Side.DR): changed.get("balancer", balancer(DR_BALANCER)),
        (rds.instances, Side.DR): changed.get("databases", ()),
        (ecs.services, Side.DR): changed.get("services", (service("sit-tenant1-service"), ZERO)),
        **(edge_to_dr(changed["edge"]) if "edge" in changed else {}),
        **({(control_table.standing, Side.DR): changed["standing"]} if "standing" in changed else {}),
    }
    return Example(f"sites.{check}", expected, world(parts, env=env), frozenset([subject] if subject else []), env)


def edge_to_dr(edge: object, led: object = (AWAY,)) -> dict[tuple[Reader[Any], Side], Any]:
    """The visits through the distribution, with all visitors led to the DR region unless given."""
    return {
        (http_sites.edge_visits, Side.GLOBAL): edge,
        (dns_answers.authorities, Side.GLOBAL): led,
        (dns_answers.door, Side.PRIMARY): HERE,
        (dns_answers.door, Side.DR): THERE,
    }


def through(*answers: Any, stranger: Visit = THROUGH.stranger) -> dict[str, Any]:
    """The round of visits through the distribution."""
    return {"edge": VisitRound(stranger, answers, edge=True)}


def round_of(*answers: object, stranger: Visit = STRANGER) -> dict[str, Any]:
    """The DR region's round of visits."""
    return {"visits": VisitRound(stranger, answers)}  # type: ignore[arg-type]  # plain test values


EXAMPLES = [
    given("every-site-answers", Status.PASS),
    given("every-site-answers", Status.PASS, **round_of(ONE, PASSWORD)),
    given("every-site-answers", Status.PASS, visits=None),
    given("every-site-answers", Status.PASS, env=SIT, **round_of(ONE, BROKEN)),
    given("every-site-answers", Status.FAIL, TWO_HOST, env=SIT, databases=(DATABASE,), **round_of(ONE, BROKEN)),
    given("every-site-answers", Status.PASS, env=SIT, databases=(REPLICA,), **round_of(ONE, BROKEN)),
    given("every-site-answers", Status.UNKNOWN, env=SIT, databases=DENIED, **round_of(ONE, BROKEN)),
    given("every-site-answers", Status.PASS, env=ALWAYS_OFF, **round_of(ONE, BROKEN)),
    given("every-site-answers", Status.FAIL, TWO_HOST, **round_of(ONE, BROKEN)),
    given(
        "every-site-answers",
        Status.FAIL,
        env=SIT,
        services=(service("sit-tenant1-service"), service("sit-tenant2-service")),
        **round_of(ONE, BROKEN),
    ),
    given(
        "every-site-answers",
        Status.WARN,
        TWO_HOST,
        env=SIT,
        services=BOTH,
        standing=control_table.in_force([]),
        **round_of(ONE, BROKEN),
    ),
    given(
        "every-site-answers",
        Status.FAIL,
        TWO_HOST,
        env=SIT,
        services=BOTH[:1],
        standing=control_table.in_force([]),
        **round_of(ONE, BROKEN),
    ),
    given("every-site-answers", Status.UNKNOWN, **round_of(ONE, DENIED)),
    given("every-site-answers", Status.UNKNOWN, visits=DENIED),
    given("every-site-answers", Status.UNKNOWN, SIT.regions.dr, visits=FROM_AFAR),
    given("every-site-answers", Status.PASS, visits=FROM_AFAR, edge=THROUGH),
    given(
        "every-site-answers",
        Status.FAIL,
        TWO_HOST,
        visits=FROM_AFAR,
        **through(ONE, TOO_LATE),
        services=BOTH,
    ),
    given("every-site-answers", Status.UNKNOWN, TWO_HOST, visits=FROM_AFAR, **through(ONE)),
    given(
        "every-site-answers",
        Status.UNKNOWN,
        TWO_HOST,
        visits=FROM_AFAR,
        **through(ONE, replace(TWO, cached=True)),
    ),
    given("every-site-answers", Status.UNKNOWN, visits=FROM_AFAR, edge=DENIED),
    given("every-site-answers", Status.UNKNOWN, visits=DENIED, edge=THROUGH),
    given(
        "every-site-answers",
        Status.PASS,
        env=SIT,
        visits=FROM_AFAR,
        services=(ZERO, replace(ZERO, name="sit-tenant1-service")),
    ),
    given("every-site-answers", Status.UNKNOWN, env=SIT, visits=FROM_AFAR),
    given("edge-agrees", Status.NOT_APPLICABLE),
    given("edge-agrees", Status.PASS, ONE_HOST, edge=THROUGH),
    given("edge-agrees", Status.FAIL, TWO_HOST, **through(ONE, TOO_LATE)),
    given("edge-agrees", Status.FAIL, ONE_HOST, **through(ONE, stranger=replace(STRANGER, digest="one"))),
    given("edge-agrees", Status.NOT_APPLICABLE, **through(TOO_LATE), **round_of(ONE, BROKEN)),
    given("edge-agrees", Status.NOT_APPLICABLE, edge=THROUGH, visits=FROM_AFAR),
    given("edge-agrees", Status.NOT_APPLICABLE, "all sites", **through(replace(ONE, host="shop.example"))),
    given("edge-agrees", Status.UNKNOWN, **through(FROM_AFAR)),
    given("own-identity", Status.PASS),
    given("own-identity", Status.PASS, visits=FROM_AFAR, edge=THROUGH),
    given("own-identity", Status.UNKNOWN, visits=FROM_AFAR),
    given("own-identity", Status.PASS, **round_of(ONE, PASSWORD)),
    given("own-identity", Status.PASS, **round_of(BROKEN)),
    given("own-identity", Status.PASS, visits=None),
    given("own-identity", Status.FAIL, TWO_HOST, **round_of(ONE, replace(TWO, digest="ok", names_host=False))),
    given("own-identity", Status.FAIL, TWO_HOST, **round_of(ONE, replace(ONE, host=TWO_HOST, names_host=False))),
    given("own-identity", Status.FAIL, TWO_HOST, **round_of(ONE, replace(PASSWORD, realm=f'Basic realm="{ONE_HOST}"'))),
    given("own-identity", Status.FAIL, **round_of(ONE, PASSWORD, stranger=replace(STRANGER, digest="two"))),
    given("own-identity", Status.UNKNOWN, visits=DENIED),
    given("in-good-time", Status.PASS, **round_of(replace(ONE, time_s=5.0))),
    given("in-good-time", Status.PASS, visits=None),
    given("in-good-time", Status.PASS, **round_of()),
    given("in-good-time", Status.FAIL, ONE_HOST, **round_of(replace(ONE, time_s=5.1), TWO)),
    given("in-good-time", Status.UNKNOWN, visits=DENIED),
    given("handshake-accepted", Status.PASS),
    given("handshake-accepted", Status.PASS, handshakes=()),
    given("handshake-accepted", Status.PASS, balancer=None, handshakes=()),
    given("handshake-accepted", Status.FAIL, ONE_HOST, handshakes=(replace(SHAKEN, problem="Hostname mismatch"),)),
    given("handshake-accepted", Status.FAIL, handshakes=(replace(SHAKEN, not_after=NOW + timedelta(days=29)),)),
    given("handshake-accepted", Status.UNKNOWN, handshakes=(DENIED,)),
    given("handshake-accepted", Status.UNKNOWN, handshakes=DENIED),
]

"""Examples of private names of the database."""

from __future__ import annotations

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import route53_private_names
from dr_estate.readers.route53_private_names import PrivateName, PrivateNames, TakenName
from tests.dr_checks.compute import D, P
from tests.dr_checks.worlds import DENIED, Example, world

NAME = frozenset({"db.sit.internal"})


def _endpoint(region: str, instance: str = "sit-mysql") -> PrivateName:
    return PrivateName("db.sit.internal", f"{instance}.cab.{region}.rds.amazonaws.com")


THERE = PrivateNames(Side.PRIMARY, (_endpoint(P), PrivateName("crm.sit.internal", f"crm.cab.{P}.rds.amazonaws.com")))


def _given(expected: Status, *rows: object, subjects: frozenset[str] = frozenset()) -> Example:
    return Example(
        "private-names.database", expected, world({(route53_private_names.names, Side.GLOBAL): rows}), subjects
    )


HOST = f"secretsmanager.{D}.amazonaws.com"
TAKEN = PrivateNames(Side.DR, (), (TakenName(HOST, "amazonaws.com", "Z1"),))


def _hidden(expected: Status, row: object, *subjects: str) -> Example:
    rows = (PrivateNames(Side.PRIMARY, (), TAKEN.taken), row)
    shown = world({(route53_private_names.names, Side.GLOBAL): rows})
    return Example("private-names.aws-names", expected, shown, frozenset(subjects))


SITE = TakenName("tenant1.wpsit.kimmyai.io", "wpsit.kimmyai.io", "Z1")


def _sites(expected: Status, here: tuple[TakenName, ...] | None, there: tuple[TakenName, ...] | None = ()) -> Example:
    rows = (PrivateNames(Side.PRIMARY, (), sites=there), PrivateNames(Side.DR, (), sites=here))
    subjects = frozenset({"wpsit.kimmyai.io (Z1)"} if expected is Status.FAIL else ())
    return Example(
        "private-names.own-sites", expected, world({(route53_private_names.names, Side.GLOBAL): rows}), subjects
    )


def _unseen_sites(expected: Status, *rows: object) -> Example:
    return Example("private-names.own-sites", expected, world({(route53_private_names.names, Side.GLOBAL): rows}))


EXAMPLES = [
    _sites(Status.PASS, ()),
    _sites(Status.UNKNOWN, None),
    _sites(Status.UNKNOWN, (), None),
    _sites(Status.PASS, (SITE,), (SITE,)),
    _sites(Status.FAIL, (SITE,)),
    _sites(Status.FAIL, (SITE,), (TakenName("tenant2.wpsit.kimmyai.io", "wpsit.kimmyai.io", "Z1"),)),
    _unseen_sites(Status.UNKNOWN, DENIED, PrivateNames(Side.DR, ())),
    _unseen_sites(Status.NOT_APPLICABLE, PrivateNames(Side.PRIMARY, ()), PrivateNames(Side.DR, None)),
    _hidden(Status.PASS, PrivateNames(Side.DR, (_endpoint(D),))),
    _hidden(Status.FAIL, TAKEN, HOST),
    _hidden(Status.NOT_APPLICABLE, PrivateNames(Side.DR, None)),
    _hidden(Status.UNKNOWN, DENIED),
    _given(Status.PASS, THERE, PrivateNames(Side.DR, (_endpoint(D),)), subjects=NAME),
    _given(Status.FAIL, THERE, PrivateNames(Side.DR, ()), subjects=NAME),
    _given(Status.FAIL, THERE, PrivateNames(Side.DR, (_endpoint(P),)), subjects=NAME),
    _given(Status.FAIL, THERE, PrivateNames(Side.DR, (_endpoint(D, "old-mysql"),)), subjects=NAME),
    _given(Status.UNKNOWN, THERE, DENIED),
    _given(Status.UNKNOWN, DENIED, PrivateNames(Side.DR, (_endpoint(D),))),
    _given(Status.NOT_APPLICABLE, PrivateNames(Side.PRIMARY, ()), PrivateNames(Side.DR, ())),
    _given(Status.NOT_APPLICABLE, THERE, PrivateNames(Side.DR, None)),
]

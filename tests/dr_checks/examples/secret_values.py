"""Examples of the check of how tenants' secrets compare."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, rds, secretsmanager
from dr_estate.readers.secretsmanager import Content, Field, HiddenSecret, MasterUser, Secret, UntriedValue
from tests.dr_checks.compute import D, definition
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, service, world

CHECK = "secret-values.alike"
SECRETS, VALUES = (secretsmanager.secrets, Side.DR), (secretsmanager.contents, Side.DR)
THERE, HERE = (ecs.tasks, Side.PRIMARY), (ecs.tasks, Side.DR)
TENANTS = ("tenant1", "tenant2", "tenant3")
NAMES = tuple(f"sit-{tenant}-db-credentials" for tenant in TENANTS)
THIRD, MASTER = frozenset(NAMES[2:]), SIT.named(SIT.names.master_secret)
CHANGED = NOW - timedelta(hours=1)
HOME = SIT.region(Side.PRIMARY)
Tasks = tuple[ecs.Task, ...] | Unavailable


def _fields(number: int) -> tuple[Field, Field, Field]:
    """The same host, a user of the tenant's name, and a password of its own."""
    return (
        Field("host", "h", False, False, as_tenant="h"),
        Field("username", f"u{number}", False, False, as_tenant="u"),
        Field("password", f"p{number}", False, False, as_tenant=f"p{number}"),
    )


HOST, USER, PASSWORD = _fields(3)
OTHER_HOST, OTHER_USER = replace(HOST, digest="x", as_tenant="x"), replace(USER, digest="x", as_tenant="x")


def _task(age: timedelta, service: str = "sit-tenant3-service") -> ecs.Task:
    return ecs.Task("arn", f"service:{service}", "RUNNING", "arn", "a", (), NOW - age)


OLD, YOUNG = _task(timedelta(days=9)), _task(timedelta(minutes=9))
STARTING = replace(YOUNG, status="PENDING")
CRASHING = replace(YOUNG, started_at=NOW - timedelta(minutes=4))
STEADY = replace(YOUNG, started_at=NOW - timedelta(minutes=5))


def _given(
    expected: Status,
    row: Content | HiddenSecret,
    there: Tasks = (OLD,),
    here: Tasks = (),
    tenants: int = 3,
    changed: datetime | None = CHANGED,
    home: str = HOME,
) -> Example:
    """The last tenant's secret is ``row``, and ``tenants`` are there."""
    rows = [Content(NAMES[number], "v", _fields(number + 1)) for number in (0, 1)]
    secrets = tuple(Secret(name, f"arn:{name}", "", home, "v", changed, None) for name in NAMES[-tenants:])
    values = {SECRETS: secrets, VALUES: tuple([*rows, row][-tenants:]), THERE: there, HERE: here}
    subjects = frozenset() if expected is Status.PASS else THIRD
    return Example(CHECK, expected, world(values, TENANTS[-tenants:]), subjects)


def _together(expected: Status, field: Field, *of_master: Field, there: Tasks = (OLD,)) -> Example:
    """All tenants have this field alike, and the master credentials ``of_master``."""
    secrets = tuple(Secret(name, f"arn:{name}", "", HOME, "v", CHANGED, None) for name in NAMES)
    rows = (*(Content(name, "v", (field,)) for name in NAMES), Content(MASTER, "v", of_master))
    return Example(CHECK, expected, world({SECRETS: secrets, VALUES: rows, THERE: there, HERE: ()}, TENANTS))


def _master(expected: Status, found: Any, database: Any = ()) -> Example:
    subjects = frozenset() if expected is Status.UNKNOWN else frozenset({MASTER})
    values = {(secretsmanager.master_user, Side.DR): found, (rds.instances, Side.PRIMARY): database}
    return Example("secret-values.master-user", expected, world(values), subjects)


def _read(expected: Status, *suffixes: str) -> Example:
    """Containers of the last tenant, whose user is odd, are started with what ``suffixes`` of its secret's ARN name."""
    arns = [f"arn:aws:secretsmanager:{D}:{SIT.account}:secret:{name}-AbCdEf" for name in NAMES]
    rows = [Content(NAMES[number], "v", _fields(number + 1)) for number in (0, 1)]
    sources = tuple((f"V{number}", arns[2] + suffix) for number, suffix in enumerate(suffixes))
    values = {
        SECRETS: tuple(Secret(n, arn, "", HOME, "v", CHANGED, None) for n, arn in zip(NAMES, arns, strict=True)),
        VALUES: (*rows, ODD),
        THERE: (OLD,),
        HERE: (),
        (ecs.services, Side.DR): (service("sit-tenant3-service"),),
        (ecs.task_definitions, Side.DR): (definition("tenant3", D, {"secrets": sources}),),
    }
    return Example(CHECK, expected, world(values, TENANTS), THIRD)


def _equal(*names: str, empty: bool = False) -> Example:
    """The others have these fields alike, the last has others; ``empty``: nobody has anything in them."""
    rows = [
        Content(name, "v", tuple(Field(f, d, False, False, as_tenant=d, empty=empty) for f in names))
        for name, d in zip(NAMES, ("x", "x", "x" if empty else "y"), strict=True)
    ]
    secrets = tuple(Secret(name, f"arn:{name}", "", HOME, "v", CHANGED, None) for name in NAMES)
    values = {SECRETS: secrets, VALUES: tuple(rows), THERE: (OLD,), HERE: ()}
    return Example(CHECK, Status.PASS, world(values, TENANTS))


def _borrowed(expected: Status, number: int, name: str, others: tuple[str, ...] = ()) -> Example:
    """The first tenant's value, which names that tenant, is in ``number`` secrets; ``others`` are those of the rest."""
    first, same = Field(name, "x1", False, False, as_tenant="x"), Field(name, "x1", False, False, as_tenant="x1")
    own = [Field(name, digest, False, False, as_tenant=digest) for digest in others]
    rows = [Content(found, "v", (f,)) for found, f in zip(NAMES, (first, *[same] * (number - 1), *own), strict=False)]
    tenants = TENANTS[: len(rows)]
    secrets = tuple(Secret(row.name, f"arn:{row.name}", "", HOME, "v", CHANGED, None) for row in rows)
    old = tuple(_task(timedelta(days=9), f"sit-{tenant}-service") for tenant in tenants)
    values = {SECRETS: secrets, VALUES: tuple(rows), THERE: old, HERE: ()}
    subjects = frozenset() if expected is Status.PASS else frozenset({NAMES[1]})
    return Example(CHECK, expected, world(values, tenants), subjects)


def _untried(expected: Status, there: Any, here: Tasks = (), changed: datetime | None = CHANGED) -> Example:
    """The last tenant's secret is as the others' and was written ``changed``; ``there`` is what no task has tried."""
    rows = tuple(Content(NAMES[number], "v", _fields(number + 1)) for number in range(3))
    secrets = tuple(Secret(name, f"arn:{name}", "", HOME, "v", changed, None) for name in NAMES)
    values: dict[Any, Any] = {SECRETS: secrets, VALUES: rows, THERE: (OLD,), HERE: here}
    values |= {(secretsmanager.untried, Side.PRIMARY): there}
    return Example(CHECK, expected, world(values, TENANTS), THIRD if expected is Status.WARN else frozenset())


def _third(*fields: Field, failure: str = "") -> Content:
    return Content(NAMES[2], "v", fields, failure)


OF_FIRST = replace(USER, digest="u1", as_tenant="u1")  # the first tenant's user, in another's secret
ODD, EMPTY = _third(HOST, OTHER_USER, PASSWORD), _third(HOST, USER, replace(PASSWORD, empty=True))
LATE = _task(timedelta(minutes=9), "sit-tenant2-service")
YOUNG_OF_ALL = tuple(_task(timedelta(minutes=9), f"sit-{tenant}-service") for tenant in TENANTS)
MANAGED = replace(PRIMARY, managed_secret="arn:aws:secretsmanager:af-south-1:1:secret:rds!db-1")
DATABASE = Field("dbname", "d", False, False, as_tenant="d", known=True)
UNTRIED = (UntriedValue(NAMES[2], "v", ("password",)),)
OF_ALL = [
    _untried(Status.WARN, UNTRIED),
    _untried(Status.PASS, UNTRIED, here=(STEADY,)),
    _untried(Status.PASS, (UntriedValue(NAMES[2], "v", ()),)),
    _untried(Status.PASS, (UntriedValue(NAMES[2], "former", ("password",)),)),
    _untried(Status.PASS, DENIED),
    _together(Status.PASS, HOST, HOST),
    _together(Status.PASS, HOST),
    _together(Status.WARN, HOST, OTHER_HOST, there=(OLD,)),
    _together(Status.WARN, HOST, OTHER_HOST, there=()),
    _together(Status.WARN, HOST, OTHER_HOST, there=DENIED),
    _together(Status.PASS, HOST, OTHER_HOST, there=YOUNG_OF_ALL),
    _together(Status.PASS, replace(HOST, names_primary=True), OTHER_HOST),
    *(_together(Status.WARN, replace(HOST, name=n), replace(OTHER_HOST, name=n)) for n in ("port", "db.engine")),
    _together(Status.PASS, replace(HOST, name="note"), replace(OTHER_HOST, name="note")),
    _together(Status.PASS, DATABASE),
    _together(Status.WARN, replace(DATABASE, known=False)),
    _together(Status.WARN, replace(DATABASE, known=False, of_another=True)),
    _together(Status.FAIL, replace(PASSWORD, digest="e", as_tenant="e", empty=True)),
    _together(Status.PASS, replace(PASSWORD, digest="e", as_tenant="e", empty=True), there=YOUNG_OF_ALL),
    _master(Status.PASS, MasterUser(MASTER, (("username", True),))),
    _master(Status.PASS, MasterUser(MASTER, (("username", True),)), (PRIMARY,)),
    _master(Status.PASS, MasterUser(MASTER, (("username", True),)), DENIED),
    _master(Status.WARN, MasterUser(MASTER, (("username", True),)), (MANAGED,)),
    _master(Status.FAIL, MasterUser(MASTER, (("username", False),)), (MANAGED,)),
    _master(Status.NOT_APPLICABLE, MasterUser(MASTER, ()), (MANAGED,)),
    _master(Status.FAIL, MasterUser(MASTER, (("admin.user", True), ("username", False)))),
    _master(Status.NOT_APPLICABLE, MasterUser(MASTER, ())),
    _master(Status.NOT_APPLICABLE, None),
    _master(Status.UNKNOWN, DENIED),
]
EXAMPLES = [
    *OF_ALL,
    _given(Status.PASS, _third(HOST, USER, PASSWORD)),
    _given(Status.PASS, _third(HOST, replace(USER, digest="u", as_tenant="t"), PASSWORD)),
    _given(Status.FAIL, ODD),
    _given(Status.FAIL, _third(OTHER_HOST, USER, PASSWORD)),
    _given(Status.FAIL, EMPTY),
    _given(Status.FAIL, EMPTY, tenants=1),
    _given(Status.FAIL, ODD, there=DENIED, here=(OLD,)),
    _given(Status.FAIL, ODD, there=(OLD, LATE)),
    _given(Status.PASS, ODD, there=(OLD, YOUNG)),
    _given(Status.FAIL, ODD, there=(OLD, STARTING)),
    _given(Status.FAIL, ODD, there=(OLD, CRASHING)),
    _given(Status.FAIL, ODD, there=(_task(timedelta(minutes=4)),)),
    _given(Status.FAIL, ODD, there=(OLD, replace(YOUNG, unhealthy=True))),
    _given(Status.PASS, ODD, there=(CRASHING, STEADY)),
    _given(Status.WARN, ODD, there=(STARTING,)),
    _given(Status.PASS, ODD, here=(YOUNG,)),
    _given(Status.FAIL, ODD, there=(OLD, YOUNG), home=""),
    _given(Status.PASS, ODD, here=(YOUNG,), home=""),
    _given(Status.PASS, ODD, tenants=2),
    _given(Status.PASS, ODD, tenants=1),
    _given(Status.PASS, _third(replace(OTHER_HOST, names_primary=True), USER)),
    _given(Status.FAIL, _third(HOST, OF_FIRST, PASSWORD)),
    _given(Status.FAIL, _third(HOST, USER, PASSWORD, replace(DATABASE, known=False, of_another=True))),
    _given(Status.FAIL, _third(HOST, OTHER_USER, PASSWORD, replace(DATABASE, known=False, of_another=True))),
    _given(Status.PASS, _third(HOST, OF_FIRST, PASSWORD), there=(OLD, YOUNG)),
    _given(Status.PASS, _third(HOST, replace(OF_FIRST, names_primary=True), PASSWORD)),
    _borrowed(Status.FAIL, 2, "username"),
    _borrowed(Status.FAIL, 2, "username", others=("z",)),
    _borrowed(Status.PASS, 2, "host"),
    _borrowed(Status.PASS, 2, "db_password"),
    _borrowed(Status.PASS, 3, "username"),
    _read(Status.FAIL, ":username::", ":password::"),
    _read(Status.FAIL, ""),
    _read(Status.WARN, ":password::"),
    _read(Status.WARN),
    _equal("password", "api_key"),
    _equal("note", empty=True),
    _given(Status.WARN, ODD, there=()),
    _given(Status.WARN, ODD, there=DENIED, here=DENIED),
    _given(Status.WARN, ODD, changed=None),
    _given(Status.UNKNOWN, HiddenSecret(NAMES[2], DENIED)),
    _given(Status.UNKNOWN, _third(replace(HOST, as_tenant=""))),
    _given(Status.PASS, _third(failure="DecryptionFailure")),
    Example(CHECK, Status.NOT_APPLICABLE, world({SECRETS: (), VALUES: ()})),
    Example(CHECK, Status.UNKNOWN, world({SECRETS: DENIED})),
]

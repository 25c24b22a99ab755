"""Check of what the secrets of tenants say, without their values: one unlike the others, and never used."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta

from dr_checks.core.model import Area, Finding, Severity, Status, View, check, cite, weigh
from dr_checks.derived.database_copies import primary_database
from dr_checks.derived.pairing import tenant_definitions
from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import source_of, without_suffix
from dr_estate.model.kept_values import is_secret
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs, secretsmanager
from dr_estate.readers.secretsmanager import Content, Field, HiddenSecret, Secret, names_user

_WANTED = "as those of the other tenants, or in use"
_DATABASE = re.compile(r"(?:^|[._])(?:host|hostname|host_name|port|engine)$", re.IGNORECASE)
# No command: to start all tasks of the primary region with a wrong value would stop who is served today.
_PROVED = "Start one task with it, or put it right; one that runs with it for five minutes proves it."
_MANY = 3  # secrets: fewer show nothing that is common to all
_RUNNING = "RUNNING"  # one that is still to start may never find its secrets
_STEADY = timedelta(minutes=5)  # one that cannot log in ends sooner, and another is started


@check("no tenant's secret differs from the other tenants' in what it leads to, unless tasks run with it")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, stops=True)
@cite("T18", "T53", "SecretRegionalFields", "REL13-BP04", "NIST CP-10")
def alike(view: View) -> Iterator[Finding]:
    """Fields are compared by digests: equal for most tenants, or equal but for the tenant's own name (user, schema).

    Running tasks have the values of their start, so a wrong one shows only when the DR region starts others. What a
    task runs with steadily since the change is right, whatever the others have, and what no container is started with a
    warning: an application may read it by itself. Passwords are alike nowhere: only an empty one is reported. One that
    names the primary region is secrets.regional-fields' matter. What another tenant's secret has with its own name in
    it is that tenant's, however many there are. What all have alike, unlike the master credentials' host, port or
    engine or the naming rule's schema, is a warning until tasks run with it; so is what was written after all running
    tasks had started, a password too. Source: T18, T53; Secrets Manager API, SecretValueEntry (CreatedDate).
    """
    there, contents = view.get(secretsmanager.secrets), {row.name: row for row in view.get(secretsmanager.contents)}
    names = {view.env.named(view.env.names.tenant_secret, tenant=found.id): found.id for found in view.tenants}
    known = {row.name: row for row in there if row.name in names and row.deleted_at is None}
    read = {name: row for name, row in contents.items() if name in known}
    master = contents.get(view.env.named(view.env.names.master_secret))
    seen = [row for row in read.values() if isinstance(row, Content)]
    usual, owned, untried = _usual(seen), _tenant_values(seen), _untried_fields(view, known)
    # Digests are compared, never values: evidence holds no secret.
    compared = 0
    for name, row in sorted(read.items()):
        if isinstance(row, HiddenSecret):
            yield view.unknown(name, _WANTED, row.unseen, names[name])
        elif row.fields and not all(field.as_tenant for field in row.fields):
            yield view.unknown(name, _WANTED, "This evidence does not hold how fields compare.", names[name])
        elif row.fields:
            compared += 1
            taken = [field for field in row.fields if _is_anothers(field, owned, usual)]
            if any(field.of_another for field in taken):  # then a user that does not name this tenant is its too
                taken += [f for f in row.fields if names_user(f.name) and f.digest == f.as_tenant and f not in taken]
            odd = [field for field in row.fields if field in taken or _is_odd(field, usual)]
            changed = [] if odd else [field.name for field in row.fields if _is_doubtful(field, master)]
            found = _secret_finding(view, known[name], odd, [field.name for field in taken], changed, names[name])
            fields = untried.get((name, row.version), ())
            yield _change_warning(view, name, fields, names[name]) if fields and found.status is Status.PASS else found
    if not compared and not any(isinstance(row, HiddenSecret) for row in read.values()):
        yield view.none_expected("all secrets", "none can be read: see secrets.secret-exists, secrets.decryptable")


@check("the master credentials of the DR region name the master user of the database that is restored there")
@weigh(Severity.NORMAL, Area.INFRASTRUCTURE)
@cite("T18", "SecretRegionalFields", "REL13-BP04", "NIST CP-10")
def master_user(view: View) -> Iterator[Finding]:
    """A restore keeps the master user, which cannot be changed. Its password is not compared.

    A password that RDS manages is in a secret of RDS in the primary region and is changed every week: a restored
    database has the password of its copy's time, and no such secret. Sources: RDS API, MasterUsername of instances,
    automated backups and snapshots, MasterUserSecret; RDS User Guide, "Password management with AWS Secrets Manager".
    """
    found, wanted = view.get(secretsmanager.master_user), "the database's master user"
    name = view.env.named(view.env.names.master_secret)
    fields = found.fields if found else ()
    if wrong := [field for field, is_right in fields if not is_right]:
        reason = "a person who looks for the administrator's way into the database is refused"
        remedy = f"Put {', '.join(wrong)} right in {view.env.regions.primary} (aws_secretsmanager_secret_version)."
        yield view.gap(name, f"another in {', '.join(wrong)}", wanted, reason, remedy)
    elif fields and (managed := _managed_secret(view)):
        yield _not_its_password(view, name, managed)
    elif fields:
        yield view.ok(name, "the same", wanted, "an administrator can log in to what is restored")
    else:
        reason = "it cannot be read, names no user, or no copy of the database is here: see secrets.decryptable"
        yield view.none_expected(name, reason)


def _managed_secret(view: View) -> str:
    """The secret in which RDS manages the primary database's password, "" where there is none or none is seen."""
    try:
        database = primary_database(view)
    except DataUnavailable:
        return ""
    return database.managed_secret if database else ""


def _not_its_password(view: View, name: str, managed: str) -> Finding:
    reason = (
        "RDS rotates the password there, and a restored database has the one of its copy's time: an administrator who "
        "takes it from here is refused"
    )
    remedy = (
        "After a restore, set a new master password (aws rds modify-db-instance) and put it here; or end "
        "manage_master_user_password of the aws_db_instance, and keep the password in this secret."
    )
    return view.warn(name, f"the password is in {managed}", "the password of the database", reason, remedy)


def _secret_finding(
    view: View, secret: Secret, odd: list[Field], taken: list[str], changed: list[str], tenant: str
) -> Finding:
    if changed and not _runs_with_secret(view, secret, tenant):
        return _common_change_warning(view, secret, changed, tenant)
    if not odd:
        return view.ok(secret.name, "alike", _WANTED, "its tasks log in where the others' do", tenant)
    rest = [field for field in odd if field.name not in taken]
    others, empty = (", ".join(f.name for f in rest if f.empty is wanted) for wanted in (False, True))
    words = [(others, f"another {others} than the other tenants'"), (empty, f"nothing in {empty}")]
    words.insert(0, (", ".join(taken), f"{', '.join(taken)} of another tenant"))
    measured = "; ".join(says for names, says in words if names)
    started, is_read = _runs_with_secret(view, secret, tenant), _is_read(view, secret, odd, tenant)
    if started:
        return view.ok(secret.name, measured, _WANTED, "tasks run with it since it was changed", tenant)
    reason = "its tasks would log in to another database, as somebody else, or not at all, once others are started"
    remedy = (
        f"Compare it with the others' in {view.env.regions.primary}, and put right or accept what differs "
        "(aws_secretsmanager_secret_version); a task that runs with it for five minutes proves it."
    )
    if started is None or not is_read:
        return view.warn(secret.name, measured, _WANTED, reason, remedy, tenant)
    says = f"{measured}; no task runs steadily with it"
    # Nobody logs in by nothing, or finds this tenant's data by another's; what is merely unlike may be right.
    return view.gap(secret.name, says, _WANTED, reason, remedy, tenant, stops=bool(taken or empty))


def _untried_fields(view: View, known: Mapping[str, Secret]) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """By secret and version the fields with which no task of either region was started; none where that is not seen."""
    try:
        rows = view.get(secretsmanager.untried, Side.PRIMARY)
    except DataUnavailable:
        return {}  # the primary region's tasks are not seen: they prove nothing, and refute nothing
    tenants = {name: secretsmanager.tenant_of(view.env, name) or "" for name in known}
    found = (row for row in rows if row.name in known and known[row.name].replica_of)
    return {
        (row.name, row.version): row.fields
        for row in found
        if not _runs_with_secret(view, known[row.name], tenants[row.name])
    }


def _change_warning(view: View, name: str, fields: tuple[str, ...], tenant: str) -> Finding:
    """Warn of a value that no task was started with: whether it opens the database is not known."""
    measured = f"{', '.join(fields)} written after its tasks started"
    reason = "running tasks have the former value: whether those of a failover can log in with this one is not known"
    return view.warn(name, measured, _WANTED, reason, _PROVED, tenant)


def _common_change_warning(view: View, secret: Secret, fields: list[str], tenant: str) -> Finding:
    """Warn of what all tenants' secrets may have been changed to alike, where no task is seen to run with it."""
    measured = f"{', '.join(fields)} as the other tenants', unlike the master credentials or the naming rule"
    reason = "no task is seen that runs steadily since the change: whether one finds its database with it is not known"
    return view.warn(secret.name, measured, _WANTED, reason, _PROVED, tenant)


def _is_doubtful(field: Field, master: Content | HiddenSecret | None) -> bool:
    """Whether it is not what the naming rule says, or another host, port or engine than the master credentials'."""
    if field.known is not None:
        return not field.known
    named = [row for row in master.fields if row.name == field.name] if isinstance(master, Content) else []
    leads = bool(_DATABASE.search(field.name)) and not field.names_primary
    return leads and any(row.digest != field.digest for row in named)


def _is_read(view: View, secret: Secret, fields: list[Field], tenant: str) -> bool:
    """Whether a container of the DR region is started with one of the fields, or with all; where unseen it may be."""
    try:
        definition = tenant_definitions(view).get(tenant)
    except DataUnavailable:
        return True
    if not isinstance(definition, ecs.TaskDefinition):
        return True
    sources = [source_of(value) for container in definition.containers for _, value in container.sources]
    names = (secret.arn, without_suffix(secret.arn))
    keys = {source.key for source in sources if source.is_secret and source.arn in names}
    return "" in keys or any(field.name in keys for field in fields)


def _runs_with_secret(view: View, secret: Secret, tenant: str) -> bool | None:
    """Whether a task of the tenant runs steadily that is younger than the secret, None where none runs or is seen.

    The primary region's tasks run with its own value: that proves the one of a replica, and no other.
    """
    group = ecs.GROUP_OF + view.env.named(view.env.names.service, tenant=tenant)
    found: list[tuple[Side, ecs.Task]] = []
    for side in (Side.PRIMARY, Side.DR):
        try:
            mine = [task for task in view.get(ecs.tasks, side) if task.group == group and task.status == _RUNNING]
        except DataUnavailable:
            continue  # who is not seen proves nothing
        found += [(side, task) for task in mine if task.created_at]
    if not found or secret.changed_at is None:
        return None
    with_it = [task for side, task in found if side is Side.DR or secret.replica_of]
    younger = [task for task in with_it if task.created_at and task.created_at > secret.changed_at]
    return any(_is_steady(view, task) for task in younger)


def _is_steady(view: View, task: ecs.Task) -> bool:
    """Whether a running task is well for some time: one that cannot log in is started again and again."""
    since = task.started_at or task.created_at
    return not task.unhealthy and since is not None and view.now - since >= _STEADY


def _usual(rows: list[Content]) -> Mapping[str, frozenset[str]]:
    """By field the digests that more than half of two tenants or more have, by value and without the tenant's name."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for field in row.fields:
            counts[field.name].update({field.digest, field.as_tenant})
    total = Counter(field.name for row in rows for field in row.fields)
    return {
        name: frozenset(digest for digest, number in counter.items() if number > 1 and 2 * number > total[name])
        for name, counter in counts.items()
    }


def _tenant_values(rows: list[Content]) -> frozenset[tuple[str, str]]:
    """By field and digest, the values that name the tenant of one secret and are in another's too.

    What all of three or more have is common, whatever word of it is a tenant's name; of two, a user and no host.
    """
    having = Counter((field.name, field.digest) for row in rows for field in row.fields)
    total = Counter(field.name for row in rows for field in row.fields)
    named = {(f.name, f.digest) for row in rows for f in row.fields if f.digest != f.as_tenant}
    return frozenset(
        key
        for key in named
        if 1 < having[key] and (having[key] < total[key[0]] or (total[key[0]] < _MANY and names_user(key[0])))
    )


def _is_anothers(field: Field, owned: frozenset[tuple[str, str]], usual: Mapping[str, frozenset[str]]) -> bool:
    """Whether the value is one that names the tenant of another's secret, and not its own, or another's schema."""
    is_of_others = field.names_primary or is_secret(field.name)
    named = (field.name, field.digest) in owned and field.digest == field.as_tenant and not is_of_others
    # Two tenants whose values were swapped have each a schema that nobody else has. One schema for all is no swap.
    return named or (field.of_another and field.digest not in usual[field.name])


def _is_odd(field: Field, usual: Mapping[str, frozenset[str]]) -> bool:
    if field.empty and is_secret(field.name):
        return True  # also where all have none: it opens no database
    wanted = usual[field.name]
    if wanted & {field.digest, field.as_tenant}:
        return False
    return field.empty or (bool(wanted) and not field.names_primary and not is_secret(field.name))

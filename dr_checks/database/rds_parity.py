"""Checks that the DR region offers the primary database's parameters, options, engine version and class."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, NothingToJudge, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.database_copies import NO_PRIMARY, database_name, primary_database, replicas
from dr_checks.derived.parameter_groups import set_parameters
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.engines import ENGINES, engine_of
from dr_estate.readers import rds, rds_groups

# Enough to see the cause; the commands set them all.
_SHOWN = 5


def _primary(view: View) -> rds.Instance:
    return view.need(primary_database(view), database_name(view), NO_PRIMARY)


def _offer(view: View, source: rds.Instance) -> rds_groups.Offer:
    return view.need(view.find(rds_groups.offers, instance=source.identifier), database_name(view), NO_PRIMARY)


def _by_name(view: View, side: Side = Side.DR) -> dict[str, rds_groups.ParameterGroup]:
    return {group.name: group for group in view.get(rds_groups.parameter_groups, side)}


@check("the DR region's parameter group matches the primary database's")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, stops=True)
@cite("T22", "RdsParameterGroupParity", "REL13-BP04", "NIST CP-7", "NIST CP-10", "SOC2 A1.2")
def parameter_group(view: View) -> Iterator[Finding]:
    """Same family, same values as set by people: of the replica's own group (a promotion keeps it, T22), else of the
    group that a restore will name. Order and description do not matter, nor do what is logged and a limit
    (max_connections) that is higher here.
    """
    source = _primary(view)
    view.need(source.parameter_groups, database_name(view), NO_PRIMARY)
    name, applied = source.parameter_groups[0]
    # pending-reboot and its like: what runs is another set of values than the one that is compared below.
    if applied not in ("in-sync", "applying", ""):
        reason = "the primary does not run with the group's values until it is rebooted"
        yield view.warn(source.identifier, applied, "in-sync", reason, "Reboot it in a maintenance window.")
    restored = view.env.named(view.env.names_in_dr.db_parameter_group or name)
    used = {replica.parameter_groups[0][0] for replica in replicas(view) if replica.parameter_groups} or {restored}
    model, there = _by_name(view, Side.PRIMARY).get(name), _by_name(view)
    for wanted_name in sorted(used):
        if wanted_name == name and name.startswith("default."):
            reason = "AWS makes the same one in every region"
            yield view.ok(name, "a default group", "as in the primary region", reason)
        elif model is None:
            unread = f"The parameter group {name} of {view.env.regions.primary} was not read."
            yield view.unknown(wanted_name, f"like {name}", unread)
        else:
            yield _compare_parameters(view, wanted_name, model, there.get(wanted_name))


def _compare_parameters(
    view: View, name: str, model: rds_groups.ParameterGroup, there: rds_groups.ParameterGroup | None
) -> Finding:
    remedy = f"Apply aws_db_parameter_group '{name}' with the DR provider, from the same module as the primary's."
    if there is None:
        reason = "a restore that names it fails, and one that does not runs with defaults"
        return view.gap(name, "absent", f"like {model.name}", reason, remedy)
    if there.family != model.family:
        # RDS refuses a restore of one engine version with the group of another (API_RestoreDBInstanceToPointInTime).
        reason = "no restore can use another family's group"
        return view.gap(name, there.family, model.family, reason, remedy, stops=True)
    own = dict(there.parameters)
    differing = _differences(dict(model.parameters), own)
    if differing:
        shown = ", ".join(differing[:_SHOWN]) + (f" and {len(differing) - _SHOWN} more" if differing[_SHOWN:] else "")
        reason = "limits, modes or character sets would change with the failover"
        values = {key: value for key, value in model.parameters if own.get(key) != value and not _refuses(key, value)}
        healing = Remedy(remedy, set_parameters(view, name, values))
        stops = any(found.partition(" ")[0] in _SHUTS_OUT for found in differing)
        return view.gap(name, shown, f"like {model.name}", reason, healing, stops=stops)
    more = sum(_admits_more(key, value, own.get(key, "")) for key, value in model.parameters)
    measured = f"{len(own) - more} values equal" + (f", higher limits: {more}" if more else "")
    return view.ok(name, measured, f"like {model.name}", f"family {there.family}")


# What decides whether a client without TLS is let in, and whether a server starts upon data of another server (MySQL
# Reference Manual, lower_case_table_names).
_SHUTS_OUT = frozenset({"require_secure_transport", "rds.force_ssl", "lower_case_table_names"})
# What a server writes into its own log of it: the sites are the same.
_OF_LOGS = frozenset({"slow_query_log", "long_query_time", "log_min_duration_statement", "log_connections"})
# An engine's own default: set so by a person (a thaw after a failback), or by nobody, it is the same.
_AS_NOT_SET = {engine.read_only: engine.writable for engine in ENGINES.values()}


def _differences(here: dict[str, str], over: dict[str, str]) -> list[str]:
    model, there = (
        {k: v for k, v in parameters.items() if _AS_NOT_SET.get(k) != v and k not in _OF_LOGS}
        for parameters in (here, over)
    )
    unequal = (key for key in model.keys() | there.keys() if model.get(key) != there.get(key))
    # A primary that is fenced is no model: nothing is to be read-only here for that.
    wanted = (key for key in unequal if key in there or not _refuses(key, model[key]))
    names = sorted(key for key in wanted if not _admits_more(key, model.get(key, ""), there.get(key, "")))
    return [f"{key} {there.get(key, 'not set')} (primary: {model.get(key, 'not set')})" for key in names]


def _refuses(parameter: str, value: str) -> bool:
    """Whether a value of a parameter lets a database refuse writes."""
    return _AS_NOT_SET.get(parameter, value) != value


def _admits_more(parameter: str, there: str, here: str) -> bool:
    """Whether a parameter is a limit that is higher here; 0 is no limit of some, and none at all of others."""
    is_limit = parameter.startswith("max_") and there.isdecimal() and here.isdecimal()
    return is_limit and 0 < int(there) < int(here)


@check("the option group that the primary database uses exists in the DR region with the same options")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T25", "REL13-BP04", "NIST CP-7", "NIST CP-9")
def option_group(view: View) -> Iterator[Finding]:
    """A missing option group fails the cross-region copy (T25) and the restore; default groups are in every region."""
    there = {group.name: group for group in view.get(rds_groups.option_groups)}
    models = {group.name: group for group in view.get(rds_groups.option_groups, Side.PRIMARY)}
    source = _primary(view)
    names = [name for name, _ in source.option_groups if not name.startswith("default:")]
    for name in names:
        options = models[name].options if name in models else ()
        wanted, found = ", ".join(options) or "no options", there.get(name)
        remedy = f"Apply aws_db_option_group '{name}' with the DR provider, from the same module as the primary's."
        if found is None:
            cause = "without it, copying and restoring a database with persistent options fail"
            yield view.gap(name, "absent", wanted, cause, remedy)
        elif name not in models:
            unread = f"The option group {name} of {view.env.regions.primary} was not read."
            yield view.unknown(name, "the same options", unread)
        elif set(options) - set(found.options):
            cause = "a database restored with it would lack these options"
            yield view.gap(name, ", ".join(found.options) or "no options", wanted, cause, remedy)
        else:
            yield view.ok(name, ", ".join(found.options) or "no options", wanted, "the options are the same")
    if not names:
        reason = "AWS makes the same one in every region"
        yield view.ok(database_name(view), "a default group", "as in the primary region", reason)


@check("the DR region runs, or can run, the engine version of the primary database")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE)
@cite("T17", "RdsMajorMinorParity", "REL13-BP04", "NIST CP-7", "rds_instance_deprecated_engine_version")
def engine_version(view: View) -> Iterator[Finding]:
    """The region offers the version (a deprecated one is a WARN); a replica's is the same major and no older minor."""
    source = _primary(view)
    offer = _offer(view, source)
    subject, version = source.identifier, f"{source.engine} {source.engine_version}"
    upgrade = (
        "Upgrade the primary and every copy to a version that both regions offer (aws_db_instance.engine_version)."
    )
    if offer.version_status is None:
        reason = "no instance of this version can be created there: neither restore nor replica"
        yield view.gap(subject, "not offered", version, reason, upgrade)
    elif not states.VERSION[offer.version_status].known:
        yield view.undocumented(subject, f"{version} available", offer.version_status)
    elif not states.VERSION[offer.version_status].serves:
        reason = "AWS will force an upgrade, and may refuse to create an instance of this version"
        yield view.warn(subject, offer.version_status, f"{version} available", reason, upgrade)
    else:
        yield view.ok(subject, "offered", version, "a copy can be restored in this version")
    for replica in replicas(view):
        yield _compare_versions(view, replica, source)


def _compare_versions(view: View, replica: rds.Instance, source: rds.Instance) -> Finding:
    here, there = _numbers(source.engine_version), _numbers(replica.engine_version)
    subject = f"{replica.identifier} (replica)"
    measured, wanted = replica.engine_version, source.engine_version
    major = engine_of(source.engine).major_numbers
    if here[:major] != there[:major] or there < here:
        reason = "a replica must be of the same major version, and never older than its source"
        return view.gap(subject, measured, wanted, reason, f"Upgrade the replica {replica.identifier} to {wanted}.")
    if there > here:
        reason = "after a failover the old primary could not replicate from it: no way back without an upgrade"
        return view.warn(subject, measured, wanted, reason, f"Upgrade the primary to {measured} as well.")
    return view.ok(subject, measured, wanted, "the same version on both sides")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


@check("the primary database's instance class and storage can be ordered in the DR region")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("T17", "REL13-BP02", "REL10-BP01", "NIST CP-7", "SOC2 A1.1")
def orderable(view: View) -> Iterator[Finding]:
    """Class, Multi-AZ and storage type, for this engine version. Source: DescribeOrderableDBInstanceOptions."""
    source = _primary(view)
    offer = _offer(view, source)
    if offer.version_status is None:
        raise NothingToJudge(source.instance_class, "not even the version is offered: rds-parity.engine-version")
    zones = "two zones" if source.multi_az else "one zone"
    wanted = f"{source.instance_class}, {source.storage_type}, {zones}"
    measured = f"orderable with {', '.join(offer.storage_types)}" if offer.orderable else "not orderable"
    short_of_zones = source.multi_az and not offer.multi_az
    if offer.orderable and source.storage_type in offer.storage_types and not short_of_zones:
        yield view.ok(source.instance_class, measured, wanted, "the same database can be created there")
    else:
        reason = "the restore or replica would be refused: this region does not offer the class or storage"
        of_engine = {"Engine": source.engine, "EngineVersion": source.engine_version}
        remedy = Remedy(
            f"Choose a class and storage that {view.region} offers, and write it into aws_db_instance.",
            (view.command("rds", "DescribeOrderableDBInstanceOptions", **of_engine),),
        )
        subject = source.instance_class
        yield view.gap(subject, measured + (", one zone only" if short_of_zones else ""), wanted, reason, remedy)

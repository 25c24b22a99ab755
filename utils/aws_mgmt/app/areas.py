"""Which checks each command judges: by area, and of `status` by name and severity."""

from __future__ import annotations

from difflib import get_close_matches

from dr_checks.core.model import Area, Severity
from dr_checks.core.registry import checks
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.options import DrTestOptions, FailoverOptions, Options, StatusOptions

READINESS = tuple(area for area in Area if area is not Area.VALIDATION)
_TESTED = (Area.INFRASTRUCTURE, Area.REPLICATION, Area.TENANTS, Area.PREREQUISITES)


def disasters() -> dict[str, str]:
    """The sandbox's disasters, name and sentence: what a tabletop exercise talks about."""
    from sandbox.disasters import catalogue

    return {disaster.name: disaster.sentence for disaster in catalogue()}


def areas_of(options: StatusOptions | DrTestOptions | FailoverOptions) -> tuple[Area, ...]:
    """The areas the selectors choose; selectors add up, and none of them means all areas. A failover is validated."""
    if isinstance(options, FailoverOptions):
        return (Area.VALIDATION,)
    if isinstance(options, StatusOptions):
        selected = {Area.REPLICATION: options.replication, Area.INFRASTRUCTURE: options.infrastructure}
    else:
        selected = dict.fromkeys(_TESTED, options.infra or options.restore or options.start) | {
            Area.DNS: options.dns or options.canary
        }
    return tuple(area for area in READINESS if selected.get(area, False)) or READINESS


def chosen_checks(options: Options) -> frozenset[str]:
    """The checks that ``status`` was narrowed to, by id and by severity; none where it was not.

    Raises UsageError for an id that there is not, and where nothing is left.
    """
    if not isinstance(options, StatusOptions) or not (options.checks or options.severity):
        return frozenset()
    known = checks()
    for name in options.checks:
        if name not in known:
            near = get_close_matches(name, known, n=3) or sorted(known)[:3]
            raise UsageError(f"There is no check {name}. Is it one of {', '.join(near)}?")
    ranks = list(Severity)
    judged = ranks[: ranks.index(Severity(options.severity)) + 1] if options.severity else ranks
    areas = areas_of(options)
    chosen = {
        name
        for name, check in known.items()
        if check.area in areas
        # One that may find a blocker is judged whatever its other gaps are.
        and (check.severity in judged or check.stops)
        and (not options.checks or name in options.checks)
    }
    if not chosen:
        raise UsageError("No check is left: --check, --severity and the areas name none in common.")
    return frozenset(chosen)


def omitted_count(options: Options, chosen: frozenset[str], areas: tuple[Area, ...]) -> int:
    """How many checks of readiness ``status`` and ``test`` were not asked for, by name, severity or area."""
    if not isinstance(options, StatusOptions | DrTestOptions):
        return 0
    judged = len(chosen) or sum(check.area in areas for check in checks().values())
    return sum(check.area in READINESS for check in checks().values()) - judged

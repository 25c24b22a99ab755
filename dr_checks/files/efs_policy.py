"""Checks that the EFS policies of both regions grant the same access."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import check
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import efs_policy
from dr_estate.readers.efs_policy import FileSystemPolicy

_WANTED = "as the primary region's"


@check(
    "the file system policy of the DR region grants the access that the primary region's grants",
    severity=Severity.CRITICAL,
    area=Area.INFRASTRUCTURE,
    rules=("REL13-BP04", "NIST CP-7"),
)
def admits_alike(view: View) -> Iterator[Finding]:
    """Every allow of the primary's policy is here, and no deny that it has not; each file system has its own policy.

    A policy that is missing here lets in more than the primary's: a warning. Source: DescribeFileSystemPolicy.
    """
    name = view.env.named(view.env.names.file_system)
    there, here = view.get(efs_policy.policies, Side.PRIMARY), view.get(efs_policy.policies)
    if not there or not here:
        yield view.none_expected(name, "one region has no file system: see efs.file-system-exists")
        return
    original, copy = there[0], here[0]
    unavailable = next((found for found in (original, copy) if isinstance(found, Unavailable)), None)
    if isinstance(original, Unavailable) or isinstance(copy, Unavailable):
        yield view.unknown(name, _WANTED, unavailable or "The policy could not be read.")
        return
    yield _judged(view, name, original, copy)


def _judged(view: View, name: str, original: FileSystemPolicy, copy: FileSystemPolicy) -> Finding:
    refused = [f"denies {statement}" for statement in copy.denies if statement not in original.denies]
    if copy.present:
        refused += [f"does not allow {statement}" for statement in original.allows if statement not in copy.allows]
    if copy.present and not original.present:
        refused.append("has a policy, the primary's allows every client")
    remedy = f"aws_efs_file_system_policy of '{name}' in {view.region}: the statements of the primary region's."
    if refused:
        reason = "tasks of the DR region could not mount the tenants' files"
        return view.gap(name, "; ".join(refused), _WANTED, reason, remedy)
    open_ = [f"does not deny {statement}" for statement in original.denies if statement not in copy.denies]
    open_ += ["has no policy"] if original.present and not copy.present else []
    open_ += [
        f"allows {statement}" for statement in copy.allows if original.present and statement not in original.allows
    ]
    if open_:
        reason = "it allows clients that the primary's denies"
        return view.warn(name, "; ".join(open_), _WANTED, reason, remedy)
    return view.ok(name, _WANTED, _WANTED, "it grants the access that the primary region's grants")

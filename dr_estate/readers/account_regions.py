"""Whether the account has opted into the regions of the estate (T16)."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.reading.reader import GLOBAL, ReadContext, part

READS = frozenset({"account:GetRegionOptStatus"})


@dataclass(frozen=True, slots=True)
class RegionOptIn:
    """A region's status: ENABLED, ENABLED_BY_DEFAULT, ENABLING, DISABLING or DISABLED."""

    region: str
    status: str


@part(*GLOBAL, reads=READS)
def opt_in(context: ReadContext) -> tuple[RegionOptIn, ...]:
    """The status of the primary and the DR region."""

    def status(region: str) -> RegionOptIn:
        answer = context.call("account", "get_region_opt_status", RegionName=region)
        return RegionOptIn(region, context.understand(lambda: answer["RegionOptStatus"], region))

    return tuple(context.each(status, (context.env.regions.primary, context.env.regions.dr)))

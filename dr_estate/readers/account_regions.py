"""Whether the account has opted into the regions of the estate (T16)."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.reading.part import GLOBAL, part
from dr_estate.reading.reader import Look

READS = frozenset({"account:GetRegionOptStatus"})


@dataclass(frozen=True, slots=True)
class OptIn:
    """A region's status: ENABLED, ENABLED_BY_DEFAULT, ENABLING, DISABLING or DISABLED."""

    region: str
    status: str


@part(*GLOBAL, reads=READS)
def opt_in(look: Look) -> tuple[OptIn, ...]:
    """The status of the primary and the DR region."""

    def status(region: str) -> OptIn:
        answer = look.call("account", "get_region_opt_status", RegionName=region)
        return OptIn(region, look.understand(lambda: answer["RegionOptStatus"], region))

    return tuple(look.each(status, (look.env.regions.primary, look.env.regions.dr)))

"""Where the rules of other systems are documented."""

from __future__ import annotations

import re
from functools import cache

_WELL_ARCHITECTED = "https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar/"
_PATTERNS = (
    (r"(REL09)-BP\d+", _WELL_ARCHITECTED + "back-up-data.html"),
    (r"(REL11)-BP\d+", _WELL_ARCHITECTED + "design-your-workload-to-withstand-component-failures.html"),
    (r"(REL13)-BP\d+", _WELL_ARCHITECTED + "plan-for-disaster-recovery-dr.html"),
    (r"NIST CP-\d+", "https://csrc.nist.gov/projects/cprt/catalog#/cprt/framework/version/SP_800_53_5_2_0/home"),
)


@cache  # few rules stand at many checks
def rule_link(rule: str) -> tuple[str, str] | None:
    """Return (name, URL) of a rule whose document is public, else None."""
    return next(((rule, url) for pattern, url in _PATTERNS if re.fullmatch(pattern, rule)), None)

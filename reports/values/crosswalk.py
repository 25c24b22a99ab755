"""Controls of other frameworks, and how the scenarios that serve each came out. The one table of what is what. Pure.

A check names the controls it serves in its ``rules``. A control that no check names is listed all the same: nothing in
a report says anything about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dr_checks.core.model import CheckResult, Status, worst
from dr_checks.core.registry import checks


class Framework(StrEnum):
    """Whose controls they are."""

    WELL_ARCHITECTED = "AWS Well-Architected, reliability pillar"
    NIST = "NIST SP 800-53 Rev. 5, contingency planning"
    ISO = "ISO 22301:2019, clause 8"
    SOC2 = "SOC 2, availability criteria"


@dataclass(frozen=True, slots=True)
class Control:
    """One control. ``rule`` is what a check's ``rules`` call it, ``id`` what its framework does."""

    framework: Framework
    id: str
    title: str
    rule: str


def _controls(framework: Framework, prefix: str, titles: Mapping[str, str]) -> tuple[Control, ...]:
    return tuple(Control(framework, name, title, f"{prefix}{name}") for name, title in titles.items())


CONTROLS = (
    *_controls(
        Framework.WELL_ARCHITECTED,
        "",
        {
            "REL09-BP01": "Identify and back up all data that needs it, or reproduce it from sources",
            "REL09-BP02": "Secure and encrypt backups",
            "REL09-BP03": "Perform data backup automatically",
            "REL09-BP04": "Recover data periodically to verify backups and processes",
            "REL13-BP01": "Define recovery objectives for downtime and data loss",
            "REL13-BP02": "Use defined recovery strategies to meet the objectives",
            "REL13-BP03": "Test the disaster recovery implementation",
            "REL13-BP04": "Manage configuration drift at the DR site",
            "REL13-BP05": "Automate recovery",
        },
    ),
    *_controls(
        Framework.NIST,
        "NIST ",
        {
            "CP-1": "Policy and procedures",
            "CP-2": "Contingency plan",
            "CP-3": "Contingency training",
            "CP-4": "Contingency plan testing",
            "CP-6": "Alternate storage site",
            "CP-7": "Alternate processing site",
            "CP-8": "Telecommunications services",
            "CP-9": "System backup",
            "CP-10": "System recovery and reconstitution",
            "CP-11": "Alternate communications protocols",
            "CP-12": "Safe mode",
            "CP-13": "Alternative security mechanisms",
        },
    ),
    *_controls(
        Framework.ISO,
        "ISO22301 ",
        {
            "8.2": "Business impact analysis and risk assessment",
            "8.3": "Business continuity strategies and solutions",
            "8.4": "Business continuity plans and procedures",
            "8.5": "Exercise programme",
            "8.6": "Evaluation of documentation and capabilities",
        },
    ),
    *_controls(
        Framework.SOC2,
        "SOC2 ",
        {
            "A1.1": "Processing capacity is monitored and meets the demand",
            "A1.2": "Backup processes and recovery infrastructure are in place",
            "A1.3": "Recovery procedures are tested",
        },
    ),
)


@dataclass(frozen=True, slots=True)
class ControlResult:
    """A control with the results of its checks, worst first. ``served`` counts its checks, run or not."""

    control: Control
    results: tuple[CheckResult, ...]
    served: int

    @property
    def applicable(self) -> tuple[CheckResult, ...]:
        """The results that count."""
        return tuple(result for result in self.results if result.status is not Status.NOT_APPLICABLE)

    def count(self, status: Status) -> int:
        """How many came out so."""
        return sum(result.status is status for result in self.results)

    @property
    def status(self) -> Status:
        """The worst of what counts; NOT_APPLICABLE where nothing does."""
        found = [result.status for result in self.applicable]
        return worst(found) if found else Status.NOT_APPLICABLE

    @property
    def is_satisfied(self) -> bool:
        """Whether every scenario that counts passed, and at least one did."""
        # all() of nothing is true: a control without a scenario that counts is not satisfied by that.
        return bool(self.applicable) and self.count(Status.PASS) == len(self.applicable)

    @property
    def sentence(self) -> str:
        """How many pass, of how many that count."""
        if self.applicable:
            return f"{self.count(Status.PASS)} of {len(self.applicable)} pass"
        if self.results:
            return "none of its scenarios applies here"
        return "its scenarios were not run" if self.served else "no scenario speaks about it"


def crosswalk(results: Iterable[CheckResult]) -> tuple[ControlResult, ...]:
    """Every control with the ``results`` of the checks that serve it, in the table's order."""
    # For an auditor: what is open first. An accepted gap stands before a warning, for it is a gap.
    order = [Status.FAIL, Status.UNKNOWN, Status.EXCEPTED, Status.WARN, Status.PASS, Status.NOT_APPLICABLE]
    known = sorted(results, key=lambda result: (order.index(result.status), result.check))
    serving = {
        control.rule: {check.id for check in checks().values() if control.rule in check.rules} for control in CONTROLS
    }
    return tuple(
        ControlResult(
            control,
            tuple(result for result in known if result.check in serving[control.rule]),
            len(serving[control.rule]),
        )
        for control in CONTROLS
    )

"""The rules of other systems that checks name are real, and none that ARC had for this estate is forgotten."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from functools import cache
from pathlib import Path

import moto.config
import pytest

from dr_checks.core.registry import checks

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCS = ROOT / "docs"
ROOMS = ("dr_actions", "dr_checks", "dr_estate", "reports", "sandbox", "steps", "utils")
NAMES = tomllib.loads((HERE / "rule_names.toml").read_text(encoding="utf-8"))
RULES = sorted({rule for check in checks().values() for rule in check.rules})
CLAUSE = re.compile(r"NIST (AC|AU|CP|SC|SI)-\d+(\(\d+\))?|ISO22301 8\.[45]|SOC2 (A1\.[123]|CC\d\.\d)")
BEST_PRACTICE = re.compile(r"REL(\d\d)-BP(\d\d)")


@cache
def _managed_by_config() -> frozenset[str]:
    """AWS's list of Config managed rules, by identifier: the emulator ships it."""
    path = Path(str(moto.config.__file__)).parent / "resources" / "aws_managed_rules.json.gz"
    return frozenset(json.loads(gzip.decompress(path.read_bytes()))["ManagedRules"])


def _arc() -> set[str]:
    return {rule for rules in NAMES["arc"].values() for rule in rules}


def _is_real(rule: str) -> bool:
    if practice := BEST_PRACTICE.fullmatch(rule):
        most: int = NAMES["well_architected"].get(f"REL{practice[1]}", 0)
        return 1 <= int(practice[2]) <= most
    if CLAUSE.fullmatch(rule):
        return True
    if any(rule in names for names in (_arc(), NAMES["own"], NAMES["audit_manager"], NAMES["prowler"])):
        return True
    identifier: str = rule.upper().replace("-", "_")
    return identifier in _managed_by_config()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_a_check_names_exists(rule: str) -> None:
    assert _is_real(rule), "no system has a rule of this name"


@pytest.mark.parametrize(
    "invented", ["SnsSubscriptionConfirmed", "REL13-BP06", "NIST ZZ-1", "elb_made_up", "ELB_MADE_UP"]
)
def test_an_invented_rule_is_found_out(invented: str) -> None:
    assert not _is_real(invented)


def test_every_readiness_rule_of_arc_is_covered_or_left_out_with_a_reason() -> None:
    ours = {rule for kind in NAMES["kinds_of_this_estate"] for rule in NAMES["arc"][kind]}
    left_out = set(re.findall(r"^\| (\w+) \| .+ \|$", (DOCS / "rules.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert sorted(ours - set(RULES) - left_out) == []
    assert sorted(left_out & set(RULES)) == [], "it is covered by now"


def test_every_parity_rule_that_arc_never_had_is_covered() -> None:
    assert sorted(set(NAMES["own"]) - set(RULES)) == []


def test_every_trap_that_is_cited_is_explained() -> None:
    explained = set(re.findall(r"^\| (T\d\d) \|", (DOCS / "traps.md").read_text(encoding="utf-8"), re.MULTILINE))
    pages = [*DOCS.glob("*.md"), *(page for room in ROOMS for page in (ROOT / room).rglob("*.py"))]
    cited = {trap: page.name for page in pages for trap in re.findall(r"\bT\d\d\b", page.read_text(encoding="utf-8"))}
    assert {} == {trap: page for trap, page in cited.items() if trap not in explained}


def test_the_docs_accept_a_gap_of_a_check_that_exists() -> None:
    named = re.findall(r'^check = "([^"]+)"', (DOCS / "exceptions.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert named
    assert sorted(set(named) - set(checks())) == []

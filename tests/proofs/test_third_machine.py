"""A day after a failover and a failback of PROD that AWS held, a third machine has the whole account, and prints it.

On that machine are the environment file, and the keys of somebody who may look. IAM is enforced.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from dr_estate.config.environment import load_environment
from reports.evidence.pack import members_of
from reports.evidence.verification import APPROVALS, INDEX, JOURNAL, REVIEW
from tests.proofs.pdf_text import squeezed, text_of
from tests.proofs.test_automation import (
    ACCEPTED,
    EXECUTE,
    INCIDENT,
    OVERRIDE,
    PATIENCE_S,
    SET_ASIDE,
    Prod,
    change_by_hand,
    with_primary_dark,
)
from tests.proofs.test_page_in_browser import browser, opened
from tests.proofs.test_screens_of_the_write_pause import FAILBACK, SETTINGS, SHORT, killed
from tests.utils.running import Ran, at_endpoint, dr_cli, rules
from tests.worlds import borrowed
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = [pytest.mark.proof, pytest.mark.judge("browser")]
__all__ = ["browser"]

A_DAY_S = 86_400
BUCKET = '[names]\nanchor_bucket = "bbws-dr-evidence-prod"\n'
REFUSAL = "authority.two-people: nobody approved this plan."
RECORDED = (
    REFUSAL,
    "fence.primary",
    "files/restore_dr:prod-efs",
    "database/promote_primary:prod-mysql",
    "confirmed",
    "traffic/shift_to_dr:kimmyai.io",
    "Lead 50 percent of origin.wp.kimmyai.io",
    "Lead 100 percent of origin.wp.kimmyai.io",
)
"""What was refused and set aside, which irreversible steps were confirmed, and the steps by hand of both ways."""
ROWS = """() => [...document.querySelectorAll("main table")].map(table => ({
    rows: [...table.tBodies].flatMap(body => [...body.rows]).map(row => {
        const copy = row.cloneNode(true);
        copy.querySelectorAll(".screen, .skip, button, details > :not(summary)").forEach(part => part.remove());
        return copy.textContent; }),
    folded: table.closest("details")?.querySelector("summary").textContent ?? "",
    more: [(table.closest(".scroll") ?? table).nextElementSibling, table.closest(".reference")?.querySelector("p")]
        .find(part => part?.matches("p.printed"))?.textContent ?? "",
}))"""
"""Each table's rows as a reader at a screen has them, and what stands below it on paper."""


@dataclass(frozen=True)
class Machine:
    """The third machine after its two commands, and a fourth one's look at the pack, offline."""

    home: Path
    report: Ran
    evidence: Ran
    review: Ran

    @property
    def page(self) -> Path:
        """The page of the incident."""
        (page,) = self.home.glob("out/prod-report-*/report.html")
        return page

    @property
    def pack(self) -> Path:
        """The evidence pack."""
        (pack,) = self.home.glob("out/evidence/*.tar")
        return pack


@pytest.fixture(scope="module")
def third(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    home = tmp_path_factory.mktemp("third")
    config = rules(home, "prod", SETTINGS + BUCKET)
    file = config / "prod.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("[failback]\n", SHORT), encoding="utf-8")
    (config / "exceptions.toml").write_text(ACCEPTED, encoding="utf-8")
    with borrowed(load_environment(config, "prod"), 2) as world:
        there = f"-e prod --config {config}"
        assert at_endpoint(world, home / "desk", f"{there} approve --rules", "approver").code == 0
        world.timing(transition_s=0.1)
        drill = at_endpoint(world, home / "drill", f"{there} test --infra --restore", "driller")
        assert drill.code == Exit.READY, drill.err + drill.out
        prod = with_primary_dark(world, home, config)
        refused(prod)
        failed_over(prod)
        world.repair("primary-dark")
        failed_back(prod)
        world.age(A_DAY_S)
        own = home / "third"
        report = at_endpoint(world, own, f"{there} report --incident {INCIDENT}", "reader")
        evidence = at_endpoint(world, own, f"{there} evidence --incident {INCIDENT}", "reader")
    (pack,) = own.glob("out/evidence/*.tar")
    return Machine(own, report, evidence, dr_cli(f"review {pack}", home / "fourth"))


def refused(prod: Prod) -> None:
    """An approver answers AWS alone, without the tool: the task refuses the run."""
    laptop, execution = prod.asked(EXECUTE, "refused")
    prod.ssm("approver").send_automation_signal(AutomationExecutionId=execution, SignalType="Approve")
    assert laptop.wait(PATIENCE_S) == Exit.REFUSED, laptop.err


def failed_over(prod: Prod) -> None:
    """One orders with an override, another approves, DNS is changed by hand."""
    with killed(prod.asked(EXECUTE, "failover", OVERRIDE)[0]) as laptop:
        approved = prod.begin(f"approve --incident {INCIDENT}", "desk", "approver", OVERRIDE)
        assert approved.wait(PATIENCE_S) == 0, approved.err
        change_by_hand(prod, laptop)
        assert laptop.wait(PATIENCE_S) == Exit.READY, laptop.err


def failed_back(prod: Prod) -> None:
    """The same in stages, each of them a change by hand."""
    with killed(prod.asked(FAILBACK, "failback")[0]) as laptop:
        approved = prod.run(f"approve --failback --staged --incident {INCIDENT}", "approver")
        assert approved.code == 0, approved.err
        changed = 0
        while laptop.goes_on:
            if len(re.findall(r"^aws route53 .*$", laptop.err, re.MULTILINE)) > changed:
                change_by_hand(prod, laptop, changed)
                changed += 1
            time.sleep(0.2)
        assert laptop.wait(PATIENCE_S) == Exit.READY, laptop.err


def test_page_and_review_have_refusals_overrides_and_manual_steps(third: Machine) -> None:
    assert (third.report.code, third.evidence.code, third.review.code) == (0, 0, 0), third
    assert "journal: the mirror in the control table" in third.report.out, third.report.out
    assert "earlier in this incident, failover: recovered in" in third.report.out
    assert "objective 4 h: NOT MET" not in third.report.out
    page = " ".join(re.sub(r"<[^>]+>", " ", third.page.read_text(encoding="utf-8")).split())
    assert [] == [text for text in (*RECORDED, *SET_ASIDE) if text not in page], page
    review = third.review.out.replace("\\", "")
    assert [] == [text for text in (*RECORDED, OVERRIDE[-1]) if text not in review], review


def test_the_pack_holds_page_review_controls_evidence_and_the_last_drill(third: Machine) -> None:
    members = members_of(third.pack.read_bytes())
    assert {INDEX, REVIEW, JOURNAL, APPROVALS, "approved-starts.json", "pinned-rules.json"} <= members.keys()
    for name in ("controls.csv", "evidence.json", "report.json"):
        assert len([path for path in members if re.fullmatch(rf"runs/aws/[^/]+/{name}", path)]) == 2, "of both ways"
    assert json.loads(members["last-drill.json"])["kind"] == "restore-test"


def test_paper_has_every_row_of_each_page_or_its_count(third: Machine, browser: Browser) -> None:
    pages = [third.page, *third.home.glob("out/prod-report-*/aws/**/report.html")]
    assert len(pages) > 2, "of the incident, of its failover, and of its failback"
    for page in pages:
        with opened(browser, page) as window:
            tables: list[dict[str, Any]] = window.page.evaluate(ROWS)
            paper = text_of(window.page.pdf(prefer_css_page_size=True))
        assert [] == list(lost(tables, paper)), page


def lost(tables: list[dict[str, Any]], paper: str) -> Iterator[str]:
    """The rows that the paper neither has nor counts."""
    for table in tables:
        missing = [row for row in table["rows"] if squeezed(row) not in paper]
        counted = re.match(r"and (\d+) ", table["more"].strip())
        known = squeezed(table["folded"]) in paper if table["folded"] else counted and int(counted[1]) == len(missing)
        if missing and not known:
            yield f"{len(missing)} of {len(table['rows'])} ({table['more'] or table['folded']}): {missing[0]}"

"""A reader opens report.html in a browser: it is complete, quiet and accessible, and does what is clicked."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from dr_actions.assessment.data_loss import Loss
from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.model.plan import Goal, Plan
from dr_checks.core.exceptions import ExceptionRule
from dr_checks.core.model import CheckResult, Finding, Status
from dr_checks.core.registry import checks
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.config.environment import Environment, Side, load_environment
from dr_estate.readers.control_table import ControlState, RecordedOverride
from reports.page.render import render
from reports.publish_fleet import page as render_fleet
from reports.values.fleet import Fleet, FleetMember
from reports.values.report import ApprovalState, GivenApproval, Report
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.dr_actions.deciding import step
from tests.dr_checks.worlds import NOW
from tests.reports.test_reports import REPORT
from tests.utils.running import at_endpoint, rules
from tests.worlds import borrowed
from utils.aws_mgmt.generate.browser import AXE, CHROMIUM, LIBRARIES

pytestmark = [pytest.mark.proof, pytest.mark.judge("browser")]

QUICK = "[execution]\npoll_s = 0.1\ncool_down_minutes = 0\n[observation]\nattempts = 1"
TEN_GAPS = (
    "alarm-deleted",
    "alb-rule-deleted",
    "control-table-unrecoverable",
    "database-unprotected",
    "dr-vault-unlocked",
    "dynamodb-recovery-off",
    "ecr-digest-deleted",
    "efs-mount-target-deleted",
    "log-group-deleted",
    "parameter-missing",
)
TENANTS = 2000
SCHEMES, WIDTHS = ("light", "dark"), (1280, 400)
A4_PAGES = 2


@dataclass
class Opened:
    """A page in the browser, with what it complained of and what it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """What axe-core finds against it: rule, how bad, and the first element."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(
            "axe.run().then(found => found.violations.map(row => `${row.impact} ${row.id}: ${row.nodes[0].html}`))"
        )
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM.exists(), "`make browser` installs it; `make proofs` does so by itself"
    with sync_playwright() as driver:
        options = ["--no-sandbox", "--no-zygote"]
        libraries: dict[str, str | float | bool] = {**os.environ, "LD_LIBRARY_PATH": str(LIBRARIES)}
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=options, env=libraries)
        yield chromium
        chromium.close()


@contextmanager
def opened(browser: Browser, file: Path, scheme: str = "light", width: int = 1280) -> Iterator[Opened]:
    """The file as a reader with that taste and that screen sees it."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    window = Opened(context.new_page())
    window.page.on("console", lambda message: window.complaints.append(message.text))
    window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
    window.page.on("request", lambda request: window.requests.append(request.url))
    window.page.goto(file.as_uri())
    yield window
    context.close()


def _newest(home: Path) -> Path:
    return max((home / "out").glob("*/report.html"), key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path]]:
    """A world of one tenant that changes fast, and a folder with rules that do not wait."""
    home = tmp_path_factory.mktemp("browser")
    env = load_environment(rules(home, "sit", QUICK), "sit")
    with borrowed(env, 1) as world:
        world.timing(transition_s=0.1)
        yield world, home


def _healthy(world: Endpoint, home: Path) -> Path:
    assert at_endpoint(world, home, "-e sit status").code == 0
    return _newest(home)


def _ten_gaps(world: Endpoint, home: Path) -> Path:
    for name in TEN_GAPS:
        world.inject(name)
    ran = at_endpoint(world, home, "-e sit status --report")
    assert ran.code == 1, ran.out
    return _newest(home)


def _stopped_drill(world: Endpoint, home: Path) -> Path:
    """A restore test that AWS refuses midway."""
    world.begin(Outage("eu-west-1", "deny", "rds", "RestoreDBInstanceToPointInTime"))
    words = f"-e sit --config {home / 'environments'} test --infra --restore"
    ran = at_endpoint(world, home, words, "operator")
    assert ran.code == 5, (ran.code, ran.out, ran.err)
    return _newest(home)


def _dark_primary(world: Endpoint, home: Path) -> Path:
    world.inject("primary-dark")
    assert at_endpoint(world, home, f"-e sit --config {home / 'environments'} failover", "operator").code == 0
    return _newest(home)


def _complete_failover(world: Endpoint, home: Path) -> Path:
    world.inject("primary-dark")
    words = f"-e sit --config {home / 'environments'} failover --execute --incident INC-1"
    ran = at_endpoint(world, home, f"{words} --confirm files/restore_dr:sit-efs", "operator")
    assert ran.code == 0, ran.err
    return _newest(home)


WORLDS = {
    "healthy": (_healthy, "SIT could fail over now"),
    "ten gaps": (_ten_gaps, "SIT is not ready to fail over"),
    "stopped drill": (_stopped_drill, "Restore test"),
    "dark primary": (_dark_primary, "A failover of SIT now"),
    "complete failover": (_complete_failover, "The failover of SIT for INC-1 is done."),
}


@contextmanager
def _as_it_was(world: Endpoint) -> Iterator[None]:
    world.keep("as it was")
    try:
        yield
    finally:
        world.end()
        world.return_to("as it was")


@pytest.fixture(scope="module", params=WORLDS)
def visited(request: pytest.FixtureRequest, small: tuple[Endpoint, Path]) -> tuple[Path, str]:
    """The page of a run in each world, and how its first heading begins."""
    world, home = small
    make, heading = WORLDS[request.param]
    with _as_it_was(world):
        return make(world, home), heading


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_is_quiet_fits_and_has_no_fault_of_accessibility(
    browser: Browser, visited: tuple[Path, str], scheme: str, width: int
) -> None:
    file, heading = visited
    with opened(browser, file, scheme, width) as window:
        assert window.page.locator("h1").inner_text().startswith(heading)
        assert window.complaints == []
        assert window.requests == [file.as_uri()]
        assert window.page.evaluate("document.documentElement.scrollWidth") == width
        assert window.faults() == []


def test_a_page_is_two_pages_on_paper(browser: Browser, visited: tuple[Path, str]) -> None:
    file, _ = visited
    with opened(browser, file) as window:
        paper = window.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", paper)) <= A4_PAGES


def test_a_reader_copies_a_remedy_opens_a_tenant_cell_and_finds_a_check(
    browser: Browser, small: tuple[Endpoint, Path]
) -> None:
    world, home = small
    with _as_it_was(world):
        file = _ten_gaps(world, home)
    with opened(browser, file) as window:
        page = window.page
        gap = page.locator("article.gap").first
        gap.locator("button.copy").first.click()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied
        assert copied in gap.locator(".remedy").first.inner_text()
        page.locator("#spoken", has_text="Copied to the clipboard").wait_for(state="attached")
        cell = page.locator(".matrix td.fail a").first
        target = str(cell.get_attribute("href"))
        cell.click()
        assert page.locator(f"[id='{target[1:]}']").is_visible()
        page.locator("#check-tools input").fill(target.removeprefix("#check-"))
        page.locator("#check-tools button[data-status=fail]").click()
        assert page.locator("#checks tbody tr:visible").count() == 1
        gap.get_by_text("Scenario in Allure").click()
        page.wait_for_url("**/allure.html#*")
        page.get_by_text("Gaps that would break a failover").wait_for()
        findings = page.frame_locator("iframe").locator("table").first
        assert findings.evaluate("table => table.scrollWidth - table.clientWidth") == 0, "the remedy is in sight"
        page.get_by_text("DR report", exact=True).click()
        page.wait_for_url("**/report.html#check-*")
        assert page.url.endswith(f"#{gap.get_attribute('id')}")
        assert window.complaints == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_fleet_shows_whole_rows_on_a_wide_screen_and_fits_a_narrow_one(
    browser: Browser, tmp_path: Path, scheme: str
) -> None:
    digest = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/prod-wordpress@sha256:{'f' * 64}"
    reasons = (
        f"Copy it: crane copy {digest} {digest}.",
        f"`python dr_cli.py -e prod {'--sandbox ' * 30}` explains it.",
    )
    members = tuple(FleetMember(f"environment{n}", 3, None, reason) for n, reason in enumerate(reasons))
    file = tmp_path / "fleet.html"
    file.write_text(render_fleet(Fleet(members), tmp_path), encoding="utf-8")
    for width in WIDTHS:
        with opened(browser, file, scheme, width) as window:
            assert window.complaints == []
            assert window.page.evaluate("document.documentElement.scrollWidth") == width
            assert window.faults() == []
            hidden_px = "document.querySelector('.scroll').scrollWidth - document.querySelector('.scroll').clientWidth"
            assert width < max(WIDTHS) or window.page.evaluate(hidden_px) == 0, "nothing is to the right of the screen"


def _crowded(env: Environment) -> list[CheckResult]:
    """A result of each check that looks at tenants, with a finding for each of the 2,000."""
    names = [f"tenant{number}" for number in range(TENANTS)]
    bad = {"tenant7", "tenant77"}

    def of(check: str) -> CheckResult:
        found = tuple(
            Finding(check, Side.DR, f"{env.name}-{name}", name, _status(name in bad), "1", "2", "why", "mend")
            for name in names
        )
        known = checks()[check]
        return CheckResult(check, known.severity, known.area, Status.FAIL, found, known.says, "a feature")

    return [of(check) for check in checks() if check.startswith(("ecs.", "sites.", "elbv2-routing.", "secrets."))]


def _status(bad: bool) -> Status:
    return Status.FAIL if bad else Status.PASS


def test_a_page_of_2000_tenants_is_quick_to_make_open_and_search(browser: Browser, tmp_path: Path) -> None:
    results = _crowded(REPORT.environment)
    assert len(results) > 20
    tenants = tuple(f"tenant{number}" for number in range(TENANTS))
    began_s = time.process_time()
    page = render(replace(REPORT, tenants=tenants, verdict=verdict_of(results, (), 3600.0)), {})
    assert time.process_time() - began_s < 60
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    with opened(browser, file) as window:
        opened_ms = window.page.evaluate("performance.timing.domComplete - performance.timing.navigationStart")
        assert opened_ms < 15_000  # on a machine at rest it takes less than three seconds
        rows = window.page.locator(".matrix tbody tr:visible")
        assert rows.count() == TENANTS + 1
        assert rows.nth(1).locator("th").inner_text() == "tenant7", "those in trouble stand first"
        window.page.locator("#tenant-tools input").fill("tenant1999")
        assert rows.all_inner_texts()[1].startswith("tenant1999")
        assert rows.count() == 2, "what all share stays"
        assert window.complaints == []


MANY = range(12)
EXCEPTED = [f"accepter{number}" for number in MANY]
OVERRIDDEN = [f"overrider{number}" for number in MANY]
APPROVERS = [f"approver{number}" for number in MANY]
STEPS = [step(f"service{n}", n, says=f"Kind {n} of a step.") for n in MANY]


def _long_report() -> Report:
    """More of everything than fits in a short table."""
    later = NOW + timedelta(days=9)
    plan = Plan("sit", REPORT.environment.account, Goal.FAILOVER, "PRIMARY_LOST", tuple(STEPS), ("a note",))
    losses = tuple(Loss("files", f"share{number}", None, None, None, "not read") for number in MANY)
    posture = Posture(PostureName.PRIMARY_LOST, "it is lost.")
    overrides = (RecordedOverride(f"gate{n}", OVERRIDDEN[n], "so", later, "INC-1", "ab") for n in MANY)
    return replace(
        REPORT,
        tenants=tuple(f"tenant{number}" for number in MANY),
        exceptions=tuple(ExceptionRule("a.excepted", "*", name, "why", later.date()) for name in EXCEPTED),
        standing=ControlState(overrides=tuple(overrides)),
        approvals=tuple(GivenApproval("INC-1", name, "ab" * 32, NOW, later, ApprovalState.RUN) for name in APPROVERS),
        assessment=Assessment(Advice.RISKY, False, ("so",), (), losses, plan, posture, 1, 1.0),
    )


def test_paper_has_every_exception_override_approval_and_counts_the_rest(browser: Browser, tmp_path: Path) -> None:
    report, file = _long_report(), tmp_path / "report.html"
    file.write_text(render(report, {}), encoding="utf-8")
    with opened(browser, file) as window:
        window.page.emulate_media(media="print")
        text = " ".join(window.page.locator("body").inner_text().split())
        window.page.screenshot(path=tmp_path / "print.png", full_page=True)
    assert [] == [name for name in (*EXCEPTED, *OVERRIDDEN, *APPROVERS) if name not in text]
    assert f"and {len(MANY) - 10} more kinds of steps: report.html" in text
    assert f"and {len(MANY) - 4} more: report.html" in text, "losses; what all tenants share is one of five rows"
    assert "and 1 note(s) of the plan: report.html" in text
    assert f"and {len(report.verdict.results)} checks, each with its result: report.html" in text

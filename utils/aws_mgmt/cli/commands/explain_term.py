"""explain check, gate, trap or exit: what a word of the reports means. Offline, and without an environment."""

from __future__ import annotations

import inspect
import re
from difflib import get_close_matches

from dr_checks.core.registry import checks
from reports.render.scenario_places import place_of_sentence
from reports.terminal import console
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import MEANINGS, Exit
from utils.aws_mgmt.app.options import ROOT, ExplainOptions

_GATE = re.compile(r"^\| `([a-z0-9._-]+?)(?:\.([A-Z]+))?` \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
_ALL = {
    "check": "docs/checks.md",
    "gate": "docs/gates.md",
    "trap": "docs/traps.md",
    "exit": ", ".join(str(int(code)) for code in MEANINGS),
}
_TRAP = re.compile(r"^\| (T\d\d) \| [^|]* \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)


def explain_term(options: ExplainOptions) -> Exit:
    """Print what a word of the reports means. Returns 0. Raises UsageError for one that is not there."""
    if options.format != "terminal":
        raise UsageError(f"What a word means is not written as {options.format}: omit --format.")
    explanations = {"check": _checks, "gate": _gates, "trap": _traps, "exit": _exits}[options.action]()
    names = [options.name, *_families(options.name)] if options.action == "gate" else [options.name]
    name = next((known for known in names if known in explanations), "")
    if not name:
        near = get_close_matches(options.name, explanations, n=3)
        guess = f"Is it one of {', '.join(near)}?" if near else f"All of them: {_ALL[options.action]}."
        raise UsageError(f"There is no {options.action} {options.name}. {guess}")
    console.result(explanations[name] + "\n")
    return Exit.READY


def _checks() -> dict[str, str]:
    traps = _traps()
    found = {}
    for check in checks().values():
        place = place_of_sentence(check.says)
        text = inspect.getdoc(check.judge)
        lines = [f"{check.id} ({check.severity}, {check.area}): {check.says}.", *([text] if text else [])]
        lines += [f"Stands in {place.file}, line {place.line}."]
        lines += [f"Rules of other systems: {', '.join(check.rules)}."] if check.rules else []
        lines += [f"Trap {traps.get(trap, trap)}" for trap in check.traps]
        found[check.id] = "\n".join(lines)
    return found


def _traps() -> dict[str, str]:
    """Each trap of AWS that the tool knows, from the page that the checks name them by."""
    page = (ROOT / "docs" / "traps.md").read_text(encoding="utf-8")
    return {name: f"{name}: {trap.strip()}. Here: {handled.strip()}." for name, trap, handled in _TRAP.findall(page)}


def _gates() -> dict[str, str]:
    """Each gate and rule, from their page; a family of them under the name before its variable part."""
    page = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    rows = [(name, f"{name}.{part}" if part else name, met, other) for name, part, met, other in _GATE.findall(page)]
    return {name: f"{whole}\nMet when {met.strip()}.\nOtherwise: {other.strip()}." for name, whole, met, other in rows}


def _families(name: str) -> list[str]:
    """What a gate with a variable part, such as ``data.database``, may be one of."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]


def _exits() -> dict[str, str]:
    return {str(int(code)): f"Exit {int(code)}: {meaning}." for code, meaning in MEANINGS.items()}

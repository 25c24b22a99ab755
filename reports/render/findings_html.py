"""The findings of one check as a table of HTML, the worst first: the description of its scenario in Allure."""

from __future__ import annotations

from html import escape

from dr_checks.core.model import CheckResult, Status
from dr_checks.core.registry import checks
from dr_estate.model.visible import one_line

_HEADS = ("result", "subject", "measured", "wanted", "because", "remedy")
_ORDER = (Status.FAIL, Status.UNKNOWN, Status.EXCEPTED, Status.WARN, Status.PASS, Status.NOT_APPLICABLE)
_SHOWN = 100
_WRAPPED = "white-space:normal;overflow-wrap:anywhere;min-width:6em"
"""Allure's page wraps no cell by itself, and cuts off what is too wide for it: the reason and the remedy."""


def findings_html(result: CheckResult) -> str:
    """The check's sentence and its findings, all text escaped; beyond a hundred they are counted."""
    check = checks().get(result.check)
    rows = sorted(result.findings, key=lambda finding: _ORDER.index(finding.status))
    cells = [(f.status, f.subject, f.measured, f.wanted, f.because, str(f.healing)) for f in rows[:_SHOWN]]
    body = "".join(f"<tr><td>{row[0]}</td>{''.join(map(_cell, row[1:]))}</tr>" for row in cells)
    head = "".join(f"<th>{name}</th>" for name in _HEADS)
    more = f"<p>and {len(rows) - _SHOWN} more: report.csv lists them.</p>" if len(rows) > _SHOWN else ""
    sentence = f"<p>{_text(check.says)}</p>" if check else ""
    return f"{sentence}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(value: str) -> str:
    return f"<td style='{_WRAPPED}'>{_text(value)}</td>"


def _text(value: str) -> str:
    return escape(one_line(str(value)))

"""What ``doctor`` found, for the terminal, Markdown and JSON.

As JSON it has these keys; moments are ISO 8601 in UTC:

=========================================================  =========================================================
key                                                        meaning
=========================================================  =========================================================
``schema``                                                 ``aws-dr-manager/diagnosis/1``
``environment``, ``world``, ``at``, ``identity``           whose account, seen how, when, and by whom
``facts[{subject,state,message,action,region}]``           ``state`` is ok, warn, fail or unknown
``services[{name,answered,problems,untried}]``             ``answered`` counts reads without a problem
``.problems[{operation,region,kind,code,failed,calls}]``   ``kind`` as in evidence: denied, throttled, unreachable ...
``shapes``                                                 answers that differ from what this version reads
``grant``                                                  an IAM policy of what was denied, ``{}`` where nothing was
``bundle``, ``exit``                                       the bundle's path, and the exit code
=========================================================  =========================================================
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict

from dr_estate.snapshot.call_growth import NO_BATCH_READ, CallPlan
from reports.terminal.parts import Page, print_with_indent, table
from reports.values.diagnosis import Diagnosis, Problem, Standing
from reports.values.escaping import markdown as escaped
from reports.values.escaping import table_lines

# Rendering of the API calls of an observation: a table to read, or JSON.


def render_calls(plan: CallPlan, form: str) -> str:
    """The table as text, or as JSON where ``form`` is json."""
    if form != "json":
        return "\n".join(_lines(plan))
    return json.dumps(
        {
            "schema": "aws-dr-manager/calls/1",
            "tenants": plan.tenants,
            "calls": dict(sorted(plan.calls.items())),
            "cached": plan.cached,
            "unseen_parts": plan.unseen,
            "estimate": {
                "tenants": plan.number,
                "calls": dict(sorted(plan.estimate.items())),
                "total": sum(plan.estimate.values()),
                "total_again": plan.again,
                "seconds_at_least": round(plan.seconds, 1),
                "seconds_at_least_again": round(plan.seconds_again, 1),
            },
        },
        indent=2,
    )


def _lines(plan: CallPlan) -> Iterator[str]:
    yield f"API calls of one observation, of {plan.tenants} tenants now and of {plan.number} as estimated:\n"
    yield f"{'operation':48} {'now':>6} {'then':>7}  AWS's rate in a region"
    # The most frequent first: they decide how long an observation takes.
    for name, count in sorted(plan.estimate.items(), key=lambda pair: (-pair[1], pair[0])):
        why = f"  ({NO_BATCH_READ[name]})" if name in NO_BATCH_READ else ""
        yield f"{name:48} {plan.calls[name]:6,} {count:7,}  {plan.rate(name)}{why}".rstrip()
    yield f"{'in all':48} {sum(plan.calls.values()):6,} {sum(plan.estimate.values()):7,}"
    if plan.cached:
        yield f"\nOf those now, {plan.cached:,} were not made: this evidence has their answers from an earlier look."
    if plan.unseen:
        yield f"\n{plan.unseen} parts were not seen: the calls that follow from them are missing here."
    yield f"\nAt AWS's default rates that takes {plan.seconds:.0f} s or longer."
    yield (
        f"A second `status` of live AWS on the same day (UTC) makes {plan.again:,} calls in {plan.seconds_again:.0f} s "
        "or longer: task definition revisions never change, and the policy of a secret that has not changed since is "
        "known that day."
    )


SCHEMA = "aws-dr-manager/diagnosis/1"
FORMS = ("terminal", "markdown", "json")
WIDTH = 100
# So many operations fit a row; the bundle has all.
_SHOWN = 8
_STYLES = {Standing.OK: "green", Standing.WARN: "yellow", Standing.FAIL: "red", Standing.UNKNOWN: "magenta"}


def render(diagnosis: Diagnosis, form: str, *, color: bool = False, width: int = WIDTH) -> str:
    """The diagnosis as text in one of ``FORMS``; that for a terminal has ``width`` columns."""
    if form == "json":
        at = diagnosis.at.isoformat()
        return (
            json.dumps({"schema": SCHEMA, **asdict(diagnosis), "at": at, "exit": int(diagnosis.exit)}, indent=2) + "\n"
        )
    return _markdown(diagnosis) if form == "markdown" else _terminal(diagnosis, color, width)


def headline(diagnosis: Diagnosis) -> str:
    """The answer in one sentence."""
    if not diagnosis.identity:
        return "The account was not proven, so nothing was read."
    problems, facts = len(diagnosis.problems), [f for f in diagnosis.facts if f.state is not Standing.OK]
    if not problems and not facts:
        return "Every read tried is answered; nothing is in the way."
    unread = f"{problems} {'read is' if problems == 1 else 'reads are'} unanswered"
    others = f"{len(facts)} {'fact needs' if len(facts) == 1 else 'facts need'} attention"
    return "; ".join([unread if problems else "Every read tried is answered", *([others] if facts else [])]) + "."


def _groups(diagnosis: Diagnosis) -> Iterator[tuple[str, str, str, list[Problem]]]:
    """Problems of one service, region and kind together."""
    for service in diagnosis.services:
        grouped: defaultdict[tuple[str, str], list[Problem]] = defaultdict(list)
        for problem in service.problems:
            grouped[problem.region, problem.kind].append(problem)
        yield from ((service.name, region, kind, rows) for (region, kind), rows in sorted(grouped.items()))


def _coverage(diagnosis: Diagnosis) -> str:
    """How many of the declared reads were tried."""
    untried = [name for service in diagnosis.services for name in service.untried]
    answered = f"{sum(service.answered for service in diagnosis.services)} declared reads are answered"
    if not untried:
        return f"{answered}."
    reason = "they ask about something that was not found" if diagnosis.identity else "the account was not proven"
    return f"{answered}; {len(untried)} were not tried, because {reason}."


def _terminal(diagnosis: Diagnosis, color: bool, width: int) -> str:
    page = Page(width=width, force_terminal=color, no_color=not color, file=io.StringIO())
    whose = f"{diagnosis.environment}, {diagnosis.world}, {diagnosis.at:%Y-%m-%d %H:%M} UTC"
    print_with_indent(page, f"Doctor: {whose}", 0, "bold")
    print_with_indent(page, headline(diagnosis), 0, "bold green" if not diagnosis.exit else "bold red")
    if diagnosis.identity:
        print_with_indent(page, f"Asked as {diagnosis.identity}", 0)
    rows = table("\nWhat a recovery depends on", "", "state", "")
    for fact in diagnosis.facts:
        rows.add_row(fact.subject, fact.state.value.upper(), fact.message, style=_STYLES[fact.state])
    page.print(rows)
    # Regions in which nothing was answered: one line each, in place of one for each service
    silent = {fact.region for fact in diagnosis.facts if fact.region and fact.state is Standing.UNKNOWN}
    groups = [group for group in _groups(diagnosis) if group[1] not in silent]
    if groups:
        rows = table("\nReads without an answer", "service", "region", "why", "operations")
        for name, region, kind, problems in groups:
            names = sorted({row.operation.partition(":")[2] for row in problems})
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            rows.add_row(name, region, f"{kind} ({problems[0].code})", f"{', '.join(names[:_SHOWN])}{more}")
        page.print(rows)
    page.print(f"\n{_coverage(diagnosis)}")
    for shape in diagnosis.shapes[:_SHOWN]:
        print_with_indent(page, f"Other than expected: {shape}", 0, "yellow")
    for fact in diagnosis.facts:
        if fact.action:
            print_with_indent(page, f"{fact.subject}: {fact.action}", 0)
    if diagnosis.grant:
        print_with_indent(page, "\nGrant this to the reader's role (IAM policy):", 0, "bold")
        page.print(json.dumps(diagnosis.grant, indent=1), soft_wrap=True)
    if diagnosis.bundle:
        print_with_indent(page, f"Bundle for the maintainers, without ids, names and values: {diagnosis.bundle}", 0)
    return str(page.file.getvalue())  # type: ignore[attr-defined]


def _markdown(diagnosis: Diagnosis) -> str:
    lines = [f"# Doctor: {escaped(diagnosis.environment)}", "", f"**{escaped(headline(diagnosis))}**", ""]
    lines += [f"- World: {escaped(diagnosis.world)}", f"- At: {diagnosis.at.isoformat()}"]
    lines += [f"- Asked as: {escaped(diagnosis.identity or 'nobody')}", ""]
    facts = ((fact.subject, fact.state.value, fact.message, fact.action) for fact in diagnosis.facts)
    lines += [*table_lines(("fact", "state", "says", "to do"), (map(escaped, row) for row in facts)), ""]
    services = [
        (
            *(service.name, str(service.answered)),
            "; ".join(f"{p.operation} in {p.region}: {p.kind} ({p.code})" for p in service.problems),
            ", ".join(service.untried),
        )
        for service in diagnosis.services
    ]
    lines += table_lines(("service", "answered", "problems", "not tried"), (map(escaped, row) for row in services))
    lines += ["", *(f"- Other than expected: {escaped(shape)}" for shape in diagnosis.shapes)]
    if diagnosis.grant:
        lines += ["", "```json", json.dumps(diagnosis.grant, indent=2), "```"]
    return "\n".join(lines) + "\n"

"""Prometheus alerts and a Grafana dashboard upon the metrics that `status --metrics` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

_LIVE = 'rehearsal="false"'
_STALE_S = 26 * 3600  # a look a day, and two hours for a queue


@dataclass(frozen=True)
class AlertRule:
    """An alert: its expression, for how long it must hold, how grave it is, and what it says and asks for."""

    name: str
    expression: str
    holds: str
    severity: str
    summary: str
    action: str


ALERTS = (
    AlertRule(
        # absent(): where no series is there, every other rule below is silent, and nobody would know.
        "DrStatusMissing",
        f"absent(dr_observed_timestamp_seconds{{{_LIVE}}})",
        "1h",
        "warning",
        "No DR status is scraped.",
        "Let `dr_cli.py status --metrics FILE` run daily, and node exporter read its folder.",
    ),
    AlertRule(
        "DrStatusStale",
        f"time() - dr_observed_timestamp_seconds{{{_LIVE}}} > {_STALE_S}",
        # A look that is written late once is no fault.
        "15m",
        "warning",
        "The DR status of {{ $labels.environment }} is older than a day: what it says is not known to hold.",
        "Look at the scheduled job; `dr_cli.py doctor` says what cannot be read.",
    ),
    AlertRule(
        "DrPostureFault",
        f'dr_posture{{{_LIVE}, dr_posture=~"PRIMARY_LOST|SPLIT|ON_DR_UNPLANNED|IMPAIRED"}} == 1',
        # At once: each minute counts for the recovery time.
        "0m",
        "critical",
        "{{ $labels.environment }} stands at {{ $labels.dr_posture }}.",
        "`dr_cli.py status` says what visitors can do, and the next command: of the run at work, or of what is due.",
    ),
    AlertRule(
        "DrPostureNotSeen",
        f'dr_posture{{{_LIVE}, dr_posture=~"PRIMARY_UNSEEN|DR_UNSEEN|BLIND"}} == 1',
        "0m",
        "critical",
        "Whether {{ $labels.environment }} stands well cannot be said: {{ $labels.dr_posture }}.",
        "`dr_cli.py doctor` says what cannot be read, and why.",
    ),
    AlertRule(
        "DrNotReady",
        f'dr_recommendation{{{_LIVE}, dr_recommendation=~"NOT_READY|CANNOT_SAY|UNPROTECTED"}} == 1',
        "0m",
        "warning",
        "{{ $labels.environment }} could not fail over now, or it cannot be said: {{ $labels.dr_recommendation }}.",
        "`dr_cli.py status` names what stands in the way.",
    ),
    AlertRule(
        "DrBlocker",
        # Not by store or check: one alert an environment, however many checks fail in an outage.
        f'sum by (environment) (dr_checks{{{_LIVE}, severity="blocker", status=~"fail|unknown"}}) > 0',
        "0m",
        "critical",
        "{{ $value }} blocker checks of {{ $labels.environment }} failed or were not seen.",
        "`dr_cli.py status` names each with its remedy.",
    ),
    AlertRule(
        "DrCopyTooOld",
        # The objective is of the environment, copies are many to one.
        f"max by (environment, store) (dr_copy_age_seconds{{{_LIVE}}}) > on (environment) group_left () "
        f"max by (environment) (dr_recovery_point_objective_seconds{{{_LIVE}}})",
        "0m",
        "critical",
        "The copy of {{ $labels.store }} of {{ $labels.environment }} is {{ $value | humanizeDuration }} old.",
        "`dr_cli.py status --replication` names the store and the remedy.",
    ),
    AlertRule(
        "DrCopyAgeUnknown",
        f"dr_copy_age_known{{{_LIVE}}} == 0",
        "0m",
        "critical",
        "A copy of {{ $labels.store }} of {{ $labels.environment }} is missing, or its age was not measured.",
        "`dr_cli.py status --replication` says which, and why.",
    ),
    AlertRule(
        "DrTestOverdue",
        f"dr_test_overdue{{{_LIVE}}} == 1",
        "1h",
        "warning",
        "The {{ $labels.test }} test of {{ $labels.environment }} is overdue.",
        "`dr_cli.py schedule` prints the command that runs it.",
    ),
    AlertRule(
        "DrScheduleUnknown",
        f"dr_schedule_known{{{_LIVE}}} == 0 or dr_control_known{{{_LIVE}}} == 0",
        "1h",
        "warning",
        "The control table of {{ $labels.environment }} could not be read: nobody knows what is overdue or paused.",
        "`dr_cli.py doctor` says what to grant.",
    ),
    AlertRule(
        "DrPaused",
        f"dr_paused{{{_LIVE}}} == 1",
        # A pause of some hours is meant; one that is forgotten keeps every failover from starting.
        "4h",
        "warning",
        "The stop switch of {{ $labels.environment }} is on: no run starts or goes on.",
        "`dr_cli.py status` says who set it and why; `dr_cli.py unpause` lets runs go on.",
    ),
    AlertRule(
        "DrOverrideInForce",
        f"dr_overrides_in_force{{{_LIVE}}} > 0",
        "24h",
        "info",
        "{{ $value }} gates of {{ $labels.environment }} are overridden.",
        "`dr_cli.py status` lists them with their owners and ends.",
    ),
)
_PANELS: tuple[tuple[str, str, str, str, str], ...] = (
    # title, kind, expression, legend, unit
    ("Posture", "stat", "dr_posture{SELECTED} == 1", "{{dr_posture}}", "none"),
    ("Recommendation", "stat", "dr_recommendation{SELECTED} == 1", "{{dr_recommendation}}", "none"),
    ("Readiness score", "gauge", "dr_readiness_score{SELECTED}", "score", "percent"),
    ("Since the last look", "stat", "time() - dr_observed_timestamp_seconds{SELECTED}", "age", "s"),
    ("Age of the copies", "timeseries", "dr_copy_age_seconds{SELECTED}", "{{store}}", "s"),
    ("Recovery point objective", "stat", "dr_recovery_point_objective_seconds{SELECTED}", "objective", "s"),
    ("Stores whose age is not known", "table", "dr_copy_age_known{SELECTED} == 0", "{{store}}", "none"),
    ("Worst subjects", "table", "topk(20, dr_replication_lag_seconds{SELECTED})", "{{store}} {{subject}}", "s"),
    ("Checks", "timeseries", "sum by (status) (dr_checks{SELECTED})", "{{status}}", "none"),
    ("Readiness over time", "timeseries", "dr_readiness_score{SELECTED}", "score", "percent"),
    ("Tests overdue", "table", "dr_test_overdue{SELECTED} == 1", "{{test}}", "none"),
    ("Open incident", "stat", "dr_incident_open{SELECTED}", "incident", "bool_yes_no"),
    ("Stop switch", "stat", "dr_paused{SELECTED}", "paused", "bool_on_off"),
    ("Overrides in force", "stat", "dr_overrides_in_force{SELECTED}", "overrides", "none"),
)
_SELECTED = '{environment="$environment", rehearsal="$rehearsal"}'
_COLUMNS, _WIDTH, _HEIGHT = 2, 12, 8


def alerts() -> str:
    """The file of alert rules."""
    rules = [
        {
            "alert": rule.name,
            "expr": rule.expression,
            "for": rule.holds,
            "labels": {"severity": rule.severity},
            "annotations": {"summary": rule.summary, "description": rule.action},
        }
        for rule in ALERTS
    ]
    groups = {"groups": [{"name": "disaster-recovery", "rules": rules}]}
    rules_text: str = yaml.safe_dump(groups, sort_keys=False, width=200)
    return _HEAD + rules_text


def dashboard() -> str:
    """The Grafana dashboard: one environment, chosen at its top."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    variables: list[dict[str, Any]] = [
        {"name": "datasource", "type": "datasource", "query": "prometheus"},
        _variable("environment", source),
        _variable("rehearsal", source) | {"current": {"text": "false", "value": "false"}},
    ]
    document = {
        "uid": "aws-dr-manager",
        "title": "Disaster recovery",
        "tags": ["disaster-recovery"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "5m",
        "time": {"from": "now-30d", "to": "now"},
        "templating": {"list": variables},
        "panels": [_panel(number, source) for number in range(len(_PANELS))],
    }
    return json.dumps(document, indent=2) + "\n"


def _variable(name: str, source: dict[str, str]) -> dict[str, Any]:
    query = f"label_values(dr_readiness_score, {name})"
    # 2: the list is made again when the time range changes (Grafana, query variables), not only on load.
    return {"name": name, "type": "query", "datasource": source, "query": query, "refresh": 2}


def _panel(number: int, source: dict[str, str]) -> dict[str, Any]:
    title, kind, expression, legend, unit = _PANELS[number]
    target: dict[str, Any] = {"refId": "A", "datasource": source, "expr": expression.replace("{SELECTED}", _SELECTED)}
    # A range query of a table would show each moment as a row of its own.
    target |= {"legendFormat": legend, "instant": kind != "timeseries"}
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": kind,
        "title": title,
        "datasource": source,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "targets": [target],
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "options": {"textMode": "name"} if "== 1" in expression and kind == "stat" else {},
    }


_HEAD = """\
# Alerts on the metrics of the status command. Generated by `make docs`: do not edit. How to use them: deploy/README.md.
"""

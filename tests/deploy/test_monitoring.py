"""Alerts and dashboard are PromQL upon metrics that a report really writes, with labels that these have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from reports.render.openmetrics import render
from tests.reports.render.test_openmetrics import WHOLE
from utils.aws_mgmt.generate.deploy_files import DEPLOY

RULES = yaml.safe_load((DEPLOY / "monitoring" / "dr-alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "monitoring" / "dr-dashboard.json").read_text(encoding="utf-8"))
PANELS = {panel["title"]: panel["targets"][0]["expr"] for panel in DASHBOARD["panels"]}
EXPRESSIONS = {**{rule["alert"]: rule["expr"] for rule in RULES}, **PANELS}
SERIES: dict[str, set[str]] = {}
for _family in text_string_to_metric_families(render(WHOLE, node_exporter=True)):
    for _sample in _family.samples:
        SERIES.setdefault(_sample.name, set()).update(_sample.labels)


def selectors(expression: object) -> Iterator[promql.VectorSelector]:
    """Every selector of a parsed expression."""
    if isinstance(expression, promql.VectorSelector):
        yield expression
    for name in ("lhs", "rhs", "expr", "args"):
        part = getattr(expression, name, None)
        for inner in part if isinstance(part, list) else [part] if part is not None else []:
            yield from selectors(inner)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_asks_for_metrics_and_labels_that_there_are(name: str) -> None:
    found = list(selectors(promql.parse(EXPRESSIONS[name])))
    assert found, "it asks for nothing"
    for selector in found:
        assert selector.name in SERIES
        assert {matcher.name for matcher in selector.matchers.matchers} <= SERIES[str(selector.name)]
        assert "rehearsal" in {matcher.name for matcher in selector.matchers.matchers}, "a rehearsal wakes nobody"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do_and_names_labels_that_its_series_has(rule: dict[str, dict[str, str]]) -> None:
    labels = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    (selector, *_) = selectors(promql.parse(str(rule["expr"])))
    assert labels <= SERIES[str(selector.name)]
    assert "`dr_cli.py " in rule["annotations"]["description"]


def test_every_metric_of_weight_wakes_somebody() -> None:
    expressions = " ".join(rule["expr"] for rule in RULES)
    quiet = {"dr_readiness_score", "dr_exit_code", "dr_unseen_parts", "dr_replication_lag_seconds", "dr_report_info"}
    quiet |= {"dr_test_due_timestamp_seconds", "dr_incident_open"}
    assert quiet == {name for name in SERIES if name not in expressions}


def test_panels_do_not_overlap() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(places) == len(set(places))
    assert {panel["id"] for panel in DASHBOARD["panels"]} == set(range(1, len(places) + 1))

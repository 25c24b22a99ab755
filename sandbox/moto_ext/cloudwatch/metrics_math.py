"""Metric math over time series: arithmetic, MAX, MIN, AVG, SUM, FILL and METRICS() (CloudWatch: using-metric-math).

The emulator answers nothing but the bare name of another query. What we do not know is refused by name.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sandbox.core.patching import ServiceError, refused

Series = dict[datetime, float]
Term = Series | float | list[Series]
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
# Over one series they give a number, over several a series (CloudWatch guide, using metric math).
_FOLDS: dict[str, Callable[[list[float]], float]] = {
    "MAX": max,
    "MIN": min,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}


def evaluate(expression: str, known: Mapping[str, Series]) -> Series:
    """The series an expression gives. Raises ValidationError for a syntax or function we do not know."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as broken:
        raise _expression_error(expression) from broken
    found = _term(tree, known, expression)
    if isinstance(found, dict):
        return found
    if isinstance(found, float):
        # A constant has the moments of the other series.
        return {moment: found for series in known.values() for moment in series}
    raise _expression_error(expression)


def _expression_error(expression: str) -> ServiceError:
    return refused("ValidationError", f"Error in expression '{expression}'")


def _term(node: ast.expr, known: Mapping[str, Series], whole: str) -> Term:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in known:
        return dict(known[node.id])
    if isinstance(node, ast.List):
        return [_series(_term(element, known, whole), whole) for element in node.elts]
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        sides = _term(node.left, known, whole), _term(node.right, known, whole)
        return _combination(_OPERATORS[type(node.op)], *sides, whole)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node.func.id, [_term(arg, known, whole) for arg in node.args], known, whole)
    raise _expression_error(whole)


def _series(term: Term, whole: str) -> Series:
    if not isinstance(term, dict):
        raise _expression_error(whole)
    return term


def _call(name: str, given: list[Any], known: Mapping[str, Series], whole: str) -> Term:
    if name == "METRICS" and not given:
        return [dict(series) for series in known.values()]
    if name == "FILL" and len(given) == 2 and isinstance(given[1], float):  # noqa: PLR2004 - series and filling
        moments = {moment for series in known.values() for moment in series}
        return {**dict.fromkeys(moments, given[1]), **_series(given[0], whole)}
    if name not in _FOLDS or len(given) != 1:
        raise _expression_error(whole)
    if isinstance(given[0], dict):
        return float(_FOLDS[name](list(given[0].values()))) if given[0] else {}
    gathered: dict[datetime, list[float]] = {}
    for series in given[0]:
        for moment, value in series.items():
            gathered.setdefault(moment, []).append(value)
    return {moment: float(_FOLDS[name](values)) for moment, values in gathered.items()}


def _combination(apply: Callable[[float, float], float], left: Term, right: Term, whole: str) -> Term:
    if isinstance(left, list) or isinstance(right, list):
        raise _expression_error(whole)
    if isinstance(left, float) and isinstance(right, float):
        return apply(left, right)
    # Both sides must have a datapoint: a gap in one is a gap in the result.
    moments = set(left if isinstance(left, dict) else right) & set(right if isinstance(right, dict) else left)  # type: ignore[arg-type] # one of the two is a series
    series: Series = {}
    for moment in moments:
        operand = left[moment] if isinstance(left, dict) else left
        other = right[moment] if isinstance(right, dict) else right
        if apply is operator.truediv and other == 0:
            continue
        series[moment] = apply(operand, other)
    return series

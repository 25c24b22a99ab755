"""A result of Allure is written as Allure's own logger writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from allure_commons import model2
from allure_commons.logger import AllureFileLogger

from reports.allure.plugin import QuickFileLogger

STEP = model2.TestStepResult(
    name="Then é", status=model2.Status.FAILED, start=0, stop=2, attachments=[model2.Attachment("Findings", "a.csv")]
)
RESULT = model2.TestResult(
    uuid="u",
    name='"quoted"\n\u2028',
    status=model2.Status.BROKEN,
    statusDetails=model2.StatusDetails(known=False, flaky=None, message="m"),
    steps=[STEP],
    labels=[model2.Label("severity", "blocker")],
    links=[model2.Link("link", "https://example.com", "rule")],
    start=1,
)


def _written(logger: AllureFileLogger, folder: Path) -> list[Any]:
    logger.report_result(RESULT)
    assert not list(folder.glob("*.tmp"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*-result.json")]


def test_a_result_is_what_allure_s_own_logger_writes(tmp_path: Path) -> None:
    own, allures = tmp_path / "own", tmp_path / "allure"
    (result,) = _written(QuickFileLogger(own), own)
    assert [result] == _written(AllureFileLogger(allures), allures)
    assert result["statusDetails"] == {"known": False, "message": "m"}, "False is a value, nothing is none"


def test_a_result_that_cannot_be_written_leaves_no_half(tmp_path: Path) -> None:
    logger = QuickFileLogger(tmp_path)
    with pytest.raises(TypeError):
        logger.report_result(model2.TestResult(uuid="u", name=object()))
    assert not list(tmp_path.iterdir())

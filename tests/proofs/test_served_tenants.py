"""At the command line: one tenant that would not be served caps the score, and the first reason counts the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.utils.running import dr_cli

pytestmark = pytest.mark.proof


def test_one_tenant_with_another_schema_caps_the_score_and_the_others_are_counted(tmp_path: Path) -> None:
    up = dr_cli("-e sit --tenants 3 sandbox up --format json", tmp_path)
    assert up.code == 0, up.err
    try:
        assert dr_cli("-e sit sandbox break definition-another-schema", tmp_path).code == 0
        red = dr_cli("-e sit --sandbox status --format json", tmp_path)
        assert dr_cli("-e sit sandbox mend definition-another-schema", tmp_path).code == 0
        green = dr_cli("-e sit --sandbox status --format json", tmp_path)
    finally:
        assert dr_cli("-e sit sandbox down", tmp_path).code == 0
    assert (red.code, red.report["score"]) == (1, 49), red.out
    assert red.report["reasons"][0].startswith("2 of 3 tenants are certain to be served in eu-west-1, not tenant")
    assert (green.code, green.report["score"]) == (0, 100), green.out

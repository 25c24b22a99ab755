"""What a marker's task printed, and what is none of it."""

from __future__ import annotations

import pytest

from dr_estate.readers.marker_tasks import MarkerReport, report_in


def test_each_line_of_the_scripts_is_understood() -> None:
    begun = report_in("t", '{"dr_marker":"INC-7\\/1","begun":true,"n":1}')
    assert begun == MarkerReport("t", "INC-7/1", number=1, begun=True)
    line = '{"dr_marker":"INC-7/1","n":41,"refused":true,"gap_ms":20,"gtids":"0-1-77"}'
    assert report_in("t", line) == MarkerReport("t", "INC-7/1", number=41, refused=True, gap_ms=20, gtids="0-1-77")
    found = report_in("t", '{"dr_marker":"INC-7/1","found":true,"n":41,"executed":true}')
    assert found == MarkerReport("t", "INC-7/1", number=41, found=True, executed=True)


@pytest.mark.parametrize("line", ["", "PHP Warning:  mysqli", "[1]", '{"dr_probe":"INC-7"}'])
def test_any_other_line_is_none(line: str) -> None:
    assert report_in("t", line) is None


def test_what_is_said_in_another_shape_proves_nothing() -> None:
    odd = report_in("t", '{"dr_marker":"INC-7/1","n":"41","refused":"yes","found":1,"gap_ms":true}')
    assert odd == MarkerReport("t", "INC-7/1")

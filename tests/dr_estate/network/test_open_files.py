"""A process asks for as many open files as the system gives, and never for fewer than it has."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.utils.running import ROOT

PROGRAM = """
import resource
from dr_estate.network.open_files import allow_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, ({begun_with}, 1024))
allow_open_files({wanted})
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("begun_with", "wanted", "allowed"), [(256, "", 1024), (256, "500", 500), (600, "500", 600)])
def test_a_process_has_what_the_system_gives(begun_with: int, wanted: str, allowed: int) -> None:
    program = PROGRAM.format(begun_with=begun_with, wanted=wanted)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.split() == [str(allowed), "1024"]

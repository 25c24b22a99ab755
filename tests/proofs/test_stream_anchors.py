"""A whole run where AWS anchors the control table, IAM enforced: its record is believed, with all that it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from tests.utils.running import at_endpoint, rules
from tests.utils.test_fence import QUICK
from tests.worlds import borrowed

pytestmark = pytest.mark.proof

STREAM = '[names]\nstream_bucket = "bbws-dr-stream-sit"'


@pytest.mark.whole_run("fence")
def test_what_a_run_wrote_is_as_aws_anchored_it(tmp_path: Path) -> None:
    config = rules(tmp_path, "sit", f"{QUICK}\n{STREAM}")
    with borrowed(load_environment(config, "sit"), tenants=1) as world:
        world.timing(transition_s=0)
        world.inject("both-regions-serve")
        world.enforce_iam(True)

        def run(words: str) -> tuple[int, str]:
            ran = at_endpoint(world, tmp_path, f"-e sit --config {config} {words}", "operator")
            return ran.code, ran.out + ran.err

        code, shown = run("fence --side primary --execute --incident INC-1")
        assert code == 0, shown
        for words in ("pause --reason tea", "unpause"):
            assert run(words)[0] == 0
        code, shown = run("log --verify --incident INC-1")
        assert (code, "what else was written meanwhile is as it was written" in " ".join(shown.split())) == (0, True), (
            shown
        )

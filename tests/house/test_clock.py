"""One clock: nothing that decides or is recorded asks the machine for the time, and nothing waits by it.

``dr_estate.aws.clock.WorldClock`` is asked instead: AWS's answers correct it, and it runs as fast as a sandbox does.
"""

from __future__ import annotations

import ast

from tests.house.sources import Source, sources

ROOMS = ("dr_estate", "dr_checks", "dr_actions", "reports", "steps", "utils")
OF_THE_MACHINE = {
    *(f"datetime.{name}" for name in ("now", "utcnow", "today")),
    *(f"time.{name}" for name in ("time", "time_ns", "sleep", "monotonic", "perf_counter", "clock_gettime")),
}
# Who asks the machine all the same, and why that neither decides nor is recorded.
ALLOWED = {
    "dr_estate/aws/clock.py": "it is the clock",
    "dr_estate/aws/read_rules.py": "the deadline of real API calls, whose time-outs are real too",
    "dr_estate/aws/recording.py": "when a real API call was sent, and how long it took",
    "dr_estate/network/http_probe.py": "how long a real page took",
    "dr_estate/reading/workers.py": "whether a real API call takes long",
    "dr_actions/clients/terraform.py": "the time-out of a real program",
    "dr_actions/control_table/table.py": "the pause before a real API call is sent again",
    "reports/terminal/console.py": "how long a person waits already",
    "reports/terminal/run_progress.py": "how long the terminal was silent",
    "reports/terminal/run_screen.py": "how long the terminal was silent",
    "reports/terminal/watch.py": "when the screen looks again",
    "utils/aws_mgmt/app/first_sight.py": "how long a person waits already",
    "utils/aws_mgmt/app/run_folder.py": "the name of a folder, before any answer has come",
    "utils/aws_mgmt/cli/failures.py": "the name of a file",
}


def _asks_the_machine(source: Source) -> bool:
    froms = {f"{node.module}.{alias.name}" for node in source.of(ast.ImportFrom) for alias in node.names}
    return bool(OF_THE_MACHINE & (source.written | froms))


def test_only_the_listed_files_ask_this_machine_for_the_time() -> None:
    asking = {source.name for source in sources(*ROOMS) if _asks_the_machine(source)}
    assert asking == set(ALLOWED)

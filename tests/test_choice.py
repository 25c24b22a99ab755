"""CI plays every whole run, what a change reached, and a quarter of the rest; four days see all; the rest is named."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from tests import choice
from tests.choice import DAYS, Choice, dealt, distances

FILES = [f"tests/proofs/test_{number:02}.py" for number in range(40)]
DURATIONS = {file: float(10 + number) for number, file in enumerate(FILES)}
CHANGING = {
    "failover",
    "failover --planned",
    "failover by AWS",
    "failback",
    "failback --abort",
    "fence",
    "test --full-drill",
    "test --infra --restore",
    "test --infra --start",
    "test --dns --canary",
}
TODAY = date(2026, 12, 1)


def chosen(distance: dict[str, int], budget_s: float = 1e9, today: date = TODAY) -> Choice:
    return choice.choice(FILES, distance, DURATIONS, today, budget_s)


def test_four_days_see_all_proofs_and_each_other_one_once() -> None:
    days = [set(chosen({}, today=TODAY + timedelta(day)).played) for day in range(DAYS)]
    assert set(FILES) == set().union(*days)
    assert all(sum(file in day for day in days) == 1 for file in FILES)


def test_what_a_change_reached_is_played_the_nearest_first() -> None:
    whole = chosen({file: number for number, file in enumerate(FILES)})
    assert (set(FILES), {}) == (set(whole.played), whole.left_out)
    always = chosen({}).played
    near, far = [file for file in FILES if file not in always][:2]
    budget_s = sum(DURATIONS[file] for file in [*always, near])
    short = chosen({near: 1, far: 2}, budget_s)
    assert near in short.played
    assert "further from what changed" in short.left_out[far]


def test_a_lack_of_time_does_not_shorten_the_quarter() -> None:
    assert chosen({}).played == chosen(dict.fromkeys(FILES, 1), budget_s=0).played


def test_the_summary_names_each_file_that_is_left_out_with_its_reason() -> None:
    chosen_today = chosen({})
    summary = chosen_today.summary(DURATIONS)
    assert "\n" not in summary
    assert all(file in summary for file in chosen_today.left_out)
    assert "unchanged, and of another day's quarter" in summary
    assert "none is left out" in Choice({FILES[0]: "x"}, {}).summary(DURATIONS)


@pytest.mark.parametrize("parts", [1, 3, 4])
def test_shards_hold_each_file_once_and_last_about_as_long(parts: int) -> None:
    shards = dealt(FILES, DURATIONS, parts)
    assert sorted(FILES) == sorted(file for shard in shards for file in shard)
    lengths = [sum(DURATIONS[file] for file in shard) for shard in shards]
    assert max(lengths) - min(lengths) <= max(DURATIONS.values())


def test_every_command_that_changes_something_has_a_whole_run() -> None:
    marked = re.compile(r'mark\.whole_run\("([^"]+)"\)')
    files = (choice.ROOT / "tests").rglob("test_*.py")
    assert CHANGING == {command for file in files for command in marked.findall(file.read_text(encoding="utf-8"))}


PAGE, ALONE = "tests/proofs/test_page_in_browser.py", "tests/proofs/test_alone.py"


@pytest.mark.proof
def test_a_proof_is_reached_by_what_it_imports_and_the_nearer_the_sooner() -> None:
    assert {ALONE: 0} == distances([ALONE], [ALONE])
    assert {ALONE: 1} == distances([ALONE], ["dr_estate/iam/statements.py"])
    assert distances([ALONE], ["dr_checks/dns/route53.py"])[ALONE] > 1, "the command line, its registry, the check"
    assert {} == distances([PAGE], ["benchmarks/status.py"])


def test_files_that_are_no_modules_reach_the_proofs_that_name_their_folder() -> None:
    assert ALONE in distances([ALONE], ["deploy/policies/prod-dr-operator-act.json"])
    assert {} == distances([ALONE], ["docs/pictures/status.svg"])


def test_a_clone_without_history_and_other_packages_reach_everything() -> None:
    assert {PAGE: 0, ALONE: 0} == distances([PAGE, ALONE], None) == distances([PAGE, ALONE], ["constraints.txt"])

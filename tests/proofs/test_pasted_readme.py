"""Each command of README.md is pasted: here, on the page that has it too, or it names the test that runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.proofs.pasting import blocks, commands, newcomer_in, printed_on, sections
from tests.utils.running import ROOT

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]

PARTS = {
    title: [lines for block in blocks(text) for lines in commands(block)]
    for title, text in sections((ROOT / "README.md").read_text(encoding="utf-8"), "##").items()
}
ON_PAGES = ("get-started.md", "how-to.md", "real-account.md", "ci.md", "json.md", "drills.md")
BY_TESTS = {
    "-e all status": ("tests/proofs/test_fleet.py", "-e all"),
    "status --report": ("Makefile", "-e sit --sandbox status --report"),
    "status --watch": ("tests/utils/test_watch.py", "status --watch"),
    "test --tabletop": ("tests/utils/test_schedule.py", "test --tabletop --answers"),
    "test --infra --restore": ("tests/proofs/test_page_in_browser.py", "test --infra --restore"),
    "test --dns --canary": ("tests/utils/test_run_files.py", "test --dns --canary"),
    "test --full-drill --report": ("tests/utils/test_run_files.py", "test --full-drill"),
}
"""What takes minutes, a terminal or several accounts: what runs it (CI, `make demo`), and the words it has there."""
_WHICH_WORLD = re.compile(r"^(python utils/aws_mgmt/dr_cli\.py|dr) | --sandbox(?= )|(?<= )(-e (?!all)|--config )\S+")
ALIAS = 'dr() { python utils/aws_mgmt/dr_cli.py -e sit "$@"; }\n'
SIGN_IN = """export $(dr sandbox show --format json | jq -r '"AWS_ENDPOINT_URL=\\(.url)", (.people.operator |
"AWS_ACCESS_KEY_ID=\\(.access_key_id)", "AWS_SECRET_ACCESS_KEY=\\(.secret_access_key)")')
"""


def words_of(lines: str) -> str:
    """What a command does, in whichever world, and whatever is done with its output."""
    return " ".join(_WHICH_WORLD.sub(" ", re.split(r"\s+[#>]|;", lines)[0]).split())


def test_the_two_commands_are_of_the_makefile() -> None:
    names = [words.split()[1] for words in PARTS["Two commands"] if words.startswith("make ")]
    recipes = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert ["demo", "test"] == [name for name in names if f"\n{name}: setup\n" in recipes]


def test_what_the_readme_leaves_to_a_test_is_run_there() -> None:
    assert [] == [
        name
        for name, (path, words) in BY_TESTS.items()
        if words not in (ROOT / path).read_text(encoding="utf-8")
        or name not in map(words_of, [*PARTS["Every day"], *PARTS["Practise"]])
    ]


def test_the_commands_of_the_readme_end_as_it_says(tmp_path: Path) -> None:
    pasted = {words_of(lines) for page in ON_PAGES for lines in printed_on(ROOT / "docs" / page)} | BY_TESTS.keys()
    rest = [lines for lines in (*PARTS["Every day"], *PARTS["Practise"]) if words_of(lines) not in pasted]
    *playing, down = PARTS["The sandbox"]
    begin = [". .venv/bin/activate\n", ALIAS, *playing, "dr sandbox mend\n", SIGN_IN, "dr status\n"]
    with newcomer_in(tmp_path) as person:
        assert [] == person.faults([*begin, *rest, down])

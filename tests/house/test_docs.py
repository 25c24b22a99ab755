"""The docs say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.generate.docs_pages import DOCS, PAGES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_fresh(name: str) -> None:
    assert PAGES[name]() == (DOCS / name).read_text(encoding="utf-8"), "run `make docs`"


def test_types_and_defaults_of_settings_are_shown_without_their_code() -> None:
    rows = [line.split(" | ") for line in PAGES["environments.md"]().splitlines() if line.startswith("| `")]
    texts = {row[0].strip("| `"): (row[1], row[2].removesuffix(" |")) for row in rows}
    assert ("tuple[int, ...]", "`(10, 50, 100)`") == texts["stages"]
    assert "'monthly'" in texts["tabletop"][0]
    assert "`'monthly'`" == texts["tabletop"][1]
    raw = re.compile(r"Annotated|FieldInfo|NoneType|Optional|Union|Literal|typing|<|class ")
    assert [] == [f"{key}: {text}" for key, parts in texts.items() for text in parts if raw.search(text)]


def test_the_readme_explains_every_exit_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [] == [code for code in Exit if not re.search(rf"^\| {code:d} \|", readme, re.MULTILINE)]


@pytest.mark.parametrize(("page", "most"), [("README.md", 110), ("docs/why.md", 150), ("CHANGELOG.md", 40)])
def test_a_page_that_is_read_from_its_beginning_stays_short(page: str, most: int) -> None:
    assert len((ROOT / page).read_text(encoding="utf-8").splitlines()) <= most


def test_every_page_that_is_linked_exists() -> None:
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    links = [(page, target) for page in pages for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))]
    assert [] == [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()]


def test_the_page_of_what_is_dark_answers_as_the_disasters_do() -> None:
    from sandbox.disasters import catalogue

    known = {found.name: (str(found.posture), str(found.answer)) for found in catalogue()}
    rows = re.findall(
        r"^\| .* \| `([a-z0-9-]+)` \| (\w+) \| (\w+) \|$", (DOCS / "dark.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(rows) >= 5
    assert [] == [row for row in rows if known.get(row[0]) != row[1:]]


def test_why_gives_the_reason_of_every_dependency() -> None:
    declared = re.findall(
        r'^    "([a-zA-Z0-9-]+)', (ROOT / "pyproject.toml").read_text().split("[build-system]")[0], re.MULTILINE
    )
    reason = (DOCS / "why.md").read_text(encoding="utf-8").lower()
    assert [] == [name for name in declared if name.lower() not in reason]

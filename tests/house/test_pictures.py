"""The pictures of the pages: small, of this tool's screens, and asking no other machine for anything."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from utils.aws_mgmt.generate.pictures import PICTURES, REPORT, names

PAGES = [PICTURES.parents[1] / "README.md", *PICTURES.parent.glob("*.md")]
MOST_BYTES = 60_000


def test_every_picture_is_written_and_every_written_one_is_made() -> None:
    assert {path.name for path in PICTURES.iterdir()} == set(names())


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.stem)
def test_a_picture_is_small_and_asks_no_other_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    ET.fromstring(text)  # noqa: S314 - our own file
    assert len(text) < MOST_BYTES
    assert [] == re.findall(r"(?:href|src|url)\W{1,3}https?:[^ ]*", text)
    assert [] == re.findall(r"AWS_SECRET|/(?:work|tmp|home|root)/", text)


def test_the_picture_of_the_report_is_a_png_and_small() -> None:
    content = (PICTURES / REPORT).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 2 * MOST_BYTES


def test_each_picture_is_shown_on_a_page() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [] == [name for name in names() if f"pictures/{name}" not in shown]

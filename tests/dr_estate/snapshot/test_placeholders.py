"""Names that are built of parts still match behind placeholders, and nothing of the account shows through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_estate.config.environment import load_environment
from dr_estate.snapshot.placeholders import Placeholders, public_words
from dr_estate.snapshot.registry import reads
from tests.utils.running import ROOT

PARTS = st.lists(st.text("abcxyzABC019", min_size=1, max_size=12), min_size=1, max_size=5)


def shown(text: str) -> str:
    """The text with placeholders."""
    return Placeholders(public_words(reads()), b"key").text(text)


@given(PARTS, st.sampled_from("-_/.:"))
def test_a_name_is_built_of_the_placeholders_of_its_parts(parts: list[str], joint: str) -> None:
    assert shown(joint.join(parts)) == joint.join(map(shown, parts))


@pytest.mark.parametrize(
    "text",
    ["af-south-1", "eu-west-1a", "2026-01-07T12:30:00.123456Z", "10.0.1.0/24", "AVAILABLE", "DBInstanceIdentifier"],
)
def test_what_says_nothing_of_an_estate_stays(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    "text", ["815856636111", "wpsit.kimmyai.io", "fs-0123456789abcdef0", "8.8.4.4", "2606:4700:4700::1111", "Zuluwerks"]
)
def test_what_names_an_estate_is_replaced_by_something_of_its_kind(text: str) -> None:
    hidden = shown(text)
    assert not set(re.findall(r"\w{5,}", text)) & set(re.findall(r"\w{5,}", hidden))
    assert len(hidden.split("-")) == len(text.split("-"))
    assert hidden != shown(text + "1"), "another name has another placeholder"


def test_two_bundles_share_no_placeholder() -> None:
    public = public_words(reads())
    assert Placeholders(public).text("kimmyai") != Placeholders(public).text("kimmyai")


@pytest.mark.parametrize("name", ["dev", "sit", "prod"])
def test_an_environment_file_with_placeholders_is_still_one(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("environments")
    text = (ROOT / "environments" / f"{name}.toml").read_text(encoding="utf-8")
    (folder / f"{shown(name)}.toml").write_text(shown(text), encoding="utf-8")
    environment = load_environment(folder, shown(name))
    assert environment.account == shown(load_environment(ROOT / "environments", name).account)

"""What an estate's things are called stands in its environment file and its base: the product knows no such name."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import Any

from dr_estate.config.environment import base_names, base_tables, load_environment
from tests.house.sources import ROOT, sources

ENVIRONMENTS = ROOT / "environments"
SHIPPED = [load_environment(ENVIRONMENTS, name) for name in ("dev", "sit", "prod")]
ROOMS = ("aws_dr_manager", "dr_actions", "dr_checks", "dr_estate", "features", "reports", "steps", "utils")
TEXTS = {".css", ".feature", ".html", ".j2", ".js", ".json", ".md", ".py", ".toml", ".yaml", ".yml"}
OWN_WORDS = re.compile("bbws|kimmyai|wpsit|wpdev|wordpress-platform", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{(?:env|tenant|bucket)\}")
OF_THE_TOOL = re.compile(r"\bdr-|^/dr/")
NEUTRAL = {"{tenant}_db", "{bucket}-dr", "{env}/terraform.tfstate"}
"""What says how one thing is called after another, and nothing of whose it is."""


def _texts(value: Any) -> set[str]:
    """Every text in a value of TOML."""
    if isinstance(value, str):
        return {value}
    inner = value.values() if isinstance(value, dict) else value
    return {text for part in inner for text in _texts(part)}


def _patterns() -> set[str]:
    """The texts of the bases' names that say more than which environment and which tenant."""
    texts = {text for name in base_names(ENVIRONMENTS) for text in _texts(base_tables(ENVIRONMENTS, name)["names"])}
    return {text for text in texts if len(PLACEHOLDER.sub("", text)) > 1}


def test_no_pattern_of_a_base_stands_in_the_product() -> None:
    patterns = _patterns()
    assert {"{env}-alb", "{env}-mysql", "bbws-dr-events"} <= patterns
    found = {
        f"{source.name}:{node.lineno}: {node.value}"
        for source in sources(*ROOMS)
        for node in source.of(ast.Constant)
        if node.value in patterns and not (node.value == "wordpress" and "profile" in source.text)
    }
    assert set() == found


def test_a_default_name_is_of_the_tool_or_names_no_owner() -> None:
    (settings,) = (source for source in sources("dr_estate/config") if source.name.endswith("/settings.py"))
    texts = {node.value for node in settings.of(ast.Constant) if isinstance(node.value, str)}
    named = {text for text in texts if PLACEHOLDER.search(text) and "\n" not in text}
    strange = {text for text in named - NEUTRAL if re.search("[a-z]", PLACEHOLDER.sub("", text))}
    assert "{env}-dr-control" in strange
    assert set() == {text for text in strange if not OF_THE_TOOL.search(text)}


def test_no_word_of_a_shipped_estate_stands_in_any_file_of_the_product() -> None:
    folders = [ROOT / room for room in ROOMS if room != "reports"] + [
        folder
        for folder in (ROOT / "reports").iterdir()
        if folder.name != "out"  # what commands wrote, not the product
    ]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in TEXTS]
    accounts = {env.account for env in SHIPPED}
    found = set()
    for path in files:
        text = path.read_text(encoding="utf-8", errors="replace")
        if OWN_WORDS.search(text) or any(account in text for account in accounts):
            found.add(str(path.relative_to(ROOT)))
    assert len(files) > 500
    assert set() == found


def test_the_shipped_files_have_one_base_that_says_each_name() -> None:
    bases = {tomllib.loads((ENVIRONMENTS / f"{env.name}.toml").read_text(encoding="utf-8"))["base"] for env in SHIPPED}
    assert [*bases] == base_names(ENVIRONMENTS)
    for env in SHIPPED:
        assert all((env.names.cluster, env.names.buckets, env.names.topics, env.names.tags, env.people.runbook))

"""The field's words: no private dialect in what people read, no variable named like a verb's past.

docs/glossary.md has today's words.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.house.sources import ROOT, Source, sources

DIALECT = re.compile(
    r"\b(homegoing|homecoming|homeward|"
    r"eyes|hands(?! the)|told|tells?|mend(s|ed|ing)?|anew|lately|locked away|says so|whoever|"
    r"(go|goes|going|led|leads?|brought) home|takes? (it|them) away|took (it|them) away)\b",
    re.IGNORECASE,
)
HOME = re.compile(r"(?<![./`])\bhome\b(?! (folder|directory|page)s?\b)")
"""The primary region in the old dialect, in docstrings and comments; messages on record stay as they are."""
Texts = Callable[[Source], Iterator[tuple[int, str]]]
ALLOWED = re.compile(r"`[^`]*`|\bsandbox mend\b")
DIALECT_NAMES = {"told", "tell", "tells", "anew", "lately", "mended", "homecoming", "homeward", "eyes", "hands"}
NAMES = {"one", "told", "said", "held", "made", "asked", "kept"}
STORED_FIELDS = {
    ("dr_estate/network/dns_query.py", "asked"),
    ("dr_estate/readers/dns_canary_polls.py", "asked"),
    ("dr_estate/readers/drill_resources.py", "said"),
}
"""Fields of saved evidence: under another name it would not be read again."""
WITH_OLD_WORDS = {"commands.md"}  # the command `sandbox mend`
SENTENCES = ("dr_checks", "dr_estate", "dr_actions", "reports", "utils", "steps", "sandbox")
ROOMS = (*SENTENCES, "benchmarks", "tests")
ITSELF = "tests/house/test_words.py"


def sentences(source: Source) -> Iterator[tuple[int, str]]:
    """The string literals of more than one word, docstrings aside."""
    bodies = (node.body for node in source.of(ast.Module, ast.ClassDef, ast.FunctionDef))
    docstrings = {id(node.value) for body in bodies for node in body if isinstance(node, ast.Expr)}
    for node in source.of(ast.Constant):
        if isinstance(node.value, str) and " " in node.value and id(node) not in docstrings:
            yield node.lineno, node.value


def dialect(text: str) -> list[str]:
    """The words of the old dialect in a text; commands in backticks are the user's own."""
    return [match[0] for match in DIALECT.finditer(ALLOWED.sub("", text))]


def dialect_and_home(text: str) -> list[str]:
    """Those of ``dialect``, and the primary region as a home."""
    return [*dialect(text), *(match[0] for match in HOME.finditer(ALLOWED.sub("", text)))]


def variables(source: Source) -> Iterator[tuple[int, str]]:
    """Where a variable or parameter of a forbidden name is bound, whatever binds it; fields are ``members``."""
    fields = {id(node) for node in _fields(source)}
    for node in source.of(*BINDING):
        line, name = _bound(node)
        if name in NAMES and id(node) not in fields:
            yield line, name


BINDING = (ast.Name, ast.arg, ast.alias, ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping)


def _bound(node: ast.AST) -> tuple[int, str]:
    """The line and the name that the node binds, (0, "") where it binds none."""
    name: str | None
    match node:
        case ast.Name(id=name, lineno=line, ctx=ast.Store()) | ast.arg(arg=name, lineno=line):
            return line, name or ""
        case ast.alias(asname=name, lineno=line) | ast.ExceptHandler(name=name, lineno=line):
            return line, name or ""
        case ast.MatchAs(name=name, lineno=line) | ast.MatchStar(name=name, lineno=line):
            return line, name or ""
        case ast.MatchMapping(rest=name, lineno=line):
            return line, name or ""
    return 0, ""


def _fields(source: Source) -> Iterator[ast.Name]:
    for node in source.of(ast.ClassDef):
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                yield item.target


def members(source: Source) -> Iterator[tuple[int, str]]:
    """Where a function, a field or an attribute of a forbidden name is bound; a field of evidence keeps its name."""
    for function in source.of(ast.FunctionDef, ast.AsyncFunctionDef):
        if function.name in NAMES:
            yield function.lineno, function.name
    for node in source.of(ast.Attribute):
        if node.attr in NAMES and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
    for field in _fields(source):
        if field.id in NAMES and (source.name, field.id) not in STORED_FIELDS:
            yield field.lineno, field.id


def found_in(room: str, texts: Texts, words: Callable[[str], list[str]]) -> list[tuple[str, int, str]]:
    """The words that are found in such texts of the room's files, with their places."""
    return [
        (source.name, line, word)
        for source in sources(room)
        if source.name != ITSELF
        for line, text in texts(source)
        for word in words(text)
    ]


@pytest.mark.parametrize("room", SENTENCES)
def test_sentences_of_the_product_use_the_field_s_words(room: str) -> None:
    assert found_in(room, sentences, dialect_and_home) == []


def remarks(source: Source) -> Iterator[tuple[int, str]]:
    """The docstrings, of constants and fields too, and the comments."""
    for node in source.of(ast.Expr):
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_and_comments_use_the_field_s_words(room: str) -> None:
    def suspected(source: Source) -> Iterator[tuple[int, str]]:
        """Splitting a file into tokens takes long, and a comment's or docstring's word stands in the file itself."""
        texts = (source.text, ALLOWED.sub("", source.text))
        return remarks(source) if "home" in source.text or any(map(DIALECT.search, texts)) else iter(())

    assert found_in(room, suspected, dialect_and_home) == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_variable_is_named_by_a_noun(room: str) -> None:
    assert [] == [(source.name, *place) for source in sources(room) for place in variables(source)]


@pytest.mark.parametrize("room", [*SENTENCES, "benchmarks"])
def test_a_function_and_a_field_of_the_product_are_named_by_a_noun(room: str) -> None:
    assert [] == [(source.name, *place) for source in sources(room) for place in members(source)]


def test_each_stored_field_that_keeps_its_name_is_there() -> None:
    found = {(source.name, field.id) for source in sources(*SENTENCES) for field in _fields(source)}
    assert found >= STORED_FIELDS


@pytest.mark.parametrize(
    "text",
    [
        "held = 1",
        "for one in rows: pass",
        "lambda kept: kept",
        "import json as made",
        "try: go()\nexcept ValueError as told: pass",
        "match row:\n    case [asked, *_]: pass",
        "match row:\n    case {'a': 1, **kept}: pass",
    ],
)
def test_a_variable_of_a_forbidden_name_is_found(text: str) -> None:
    assert next(name for _, name in variables(Source("x.py", text))) in NAMES


@pytest.mark.parametrize(
    "text", ["def held(): pass", "async def said(): pass", "self.made = 1", "class Selection:\n    asked: str"]
)
def test_a_member_of_a_forbidden_name_is_found(text: str) -> None:
    assert len(list(members(Source("x.py", text)))) == 1


def bound_names(source: Source) -> Iterator[tuple[int, str]]:
    """The names of functions, classes, parameters and variables."""
    for defined in source.of(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
        yield defined.lineno, defined.name
    for name in source.of(ast.Name):
        if isinstance(name.ctx, ast.Store):
            yield name.lineno, name.id
    for parameter in source.of(ast.arg):
        yield parameter.lineno, parameter.arg


@pytest.mark.parametrize("room", ROOMS)
def test_no_name_holds_a_word_of_the_dialect(room: str) -> None:
    named = [(source.name, *place) for source in sources(room) for place in bound_names(source)]
    assert [] == [place for place in named if DIALECT_NAMES & set(place[2].lower().split("_"))]


PAGES = [
    *sorted((ROOT / "features").glob("*.feature")),
    *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name not in WITH_OLD_WORDS),
    *(ROOT / name for name in ("README.md", "SECURITY.md", "deploy/README.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_features_and_pages_use_the_field_s_words(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [] == [(number, line) for number, line in enumerate(text.splitlines(), 1) if dialect(line)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the loss is told by two witnesses", ["told"]),
        ("Mend the cause, then look anew.", ["Mend", "anew"]),
        ("run `sandbox mend NAME` to repair it", []),
        ("BY HAND: change the record", []),
    ],
)
def test_the_dialect_is_recognised(text: str, words: list[str]) -> None:
    assert dialect(text) == words

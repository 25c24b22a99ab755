"""Half a character is spelled out, and nothing else of a value or of a JSON text is changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dr_estate.model.visible import document, escape_surrogates, json_bytes, json_without_surrogates

ANY_TEXT = st.text(alphabet=st.one_of(st.sampled_from('\\"u\ud83d\ude00dD8x'), st.characters()))
ANY_JSON = st.recursive(
    ANY_TEXT | st.integers(-(2**53), 2**53), lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)
)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value as a reader makes them."""

    name: str
    tags: tuple[str, ...]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (rb'"\ud83d"', "\\ud83d"),
        (rb'"\uDE00\uD83D"', "\\uDE00\\uD83D"),
        (rb'"\ud83d\ud83d\ude00"', "\\ud83d\U0001f600"),
        (rb'"\\ud83d"', "\\ud83d"),
        (rb'"\\\ud83d"', "\\\\ud83d"),
        (rb'"\ud83d\ude00 \u00e9"', "\U0001f600 \u00e9"),
    ],
)
def test_an_escape_of_half_a_character_becomes_its_own_six_characters(content: bytes, text: str) -> None:
    assert orjson.loads(json_without_surrogates(content)) == text
    assert document(content.decode()) == text


@given(ANY_JSON)
@example("\ud800")
@example({"\ud83d\ude00": "\ud83d\ude00\ud83d"})
def test_json_of_any_text_holds_the_same_with_its_halves_spelled_out(value: Any) -> None:
    assert document(json.dumps(value)) == document(json.dumps(value, ensure_ascii=False))
    assert orjson.loads(json_bytes(value)) == escape_surrogates(value) == document(json.dumps(value))


def test_what_a_value_holds_is_spelled_out_too() -> None:
    value = {"\ud800": [Tagged("a\udcff", ("b", "\ud83d"))]}
    assert orjson.loads(json_bytes(value)) == {"\\ud800": [{"name": "a\\udcff", "tags": ["b", "\\ud83d"]}]}


def test_what_is_no_text_is_refused_as_ever() -> None:
    with pytest.raises(orjson.JSONEncodeError):
        json_bytes({"a": object()})

"""A store is declared in dr_estate/model/stores.py alone, and what is said there of it is so."""

from __future__ import annotations

import ast

import pytest

from dr_actions.actions.registry import actions
from dr_checks.core.model import View
from dr_checks.core.registry import checks, lag_sources
from dr_checks.core.verdict import store_of
from dr_checks.operations import rpo
from dr_estate.config.environment import Side
from dr_estate.config.settings import ResourceNames
from dr_estate.model.aws_durations import operations
from dr_estate.model.stores import STORES, DataStore
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import SIT
from tests.house.sources import sources

IDS = {store.id for store in STORES}
ROOMS = ("dr_actions", "dr_checks", "dr_estate", "reports", "sandbox", "steps", "utils")
NO_STORES = {
    "dr_estate/scan/account.py": "what is listed of an account, by AWS's words",
    "dr_estate/config/settings.py": "keys of the environment file",
    "utils/aws_mgmt/cli/commands/init.py": "names of the environment file",
}


def _words(node: ast.AST) -> set[object]:
    """The texts that a literal lists, in a mapping as keys or values."""
    listed = [*getattr(node, "elts", ()), *getattr(node, "keys", ()), *getattr(node, "values", ())]
    return {word.value for word in listed if isinstance(word, ast.Constant)}


def test_no_other_file_lists_stores_by_their_names() -> None:
    lists = {
        f"{source.name}:{node.lineno}"
        for source in sources(*ROOMS)
        if source.name not in NO_STORES
        for node in source.of(ast.Tuple, ast.List, ast.Set, ast.Dict)
        if len(_words(node) & IDS) > 1
    }
    assert lists == set()


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.id)
def test_the_lags_of_a_store_come_from_a_source_of_its_own(store: DataStore) -> None:
    view, own = View("lag", Side.DR, SIT, healthy()), [source for source in lag_sources() if source.store is store]
    assert {lag.store for source in own for lag in source.function(view)} == {store.id}


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.id)
def test_what_a_store_names_exists(store: DataStore) -> None:
    assert any(store_of(check) == store.id for check in checks())
    assert set(store.stale_with_source) <= {check for check in checks() if store_of(check) == store.id}
    assert {name for _, names in store.compared for name in names} <= set(ResourceNames.model_fields)
    assert bool(store.counted) == any(name.startswith(f"{store.id}/") for name in actions())
    assert bool(store.marker) == (f"{store.id}/write_marker" in actions())
    assert store.has_room == any(
        check.judge.__module__.startswith(f"dr_checks.{store.id}.") for check in checks().values()
    )
    if store.backup:
        assert {f"backup.back-up-{store.id}", f"backup.restore-{store.id}"} <= set(operations())


def test_the_check_of_skew_names_each_store_that_must_be_of_the_same_time() -> None:
    assert [store.id for store in STORES if store.same_time and store.id not in rpo.skew.says] == []

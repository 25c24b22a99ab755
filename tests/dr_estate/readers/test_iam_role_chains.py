"""What IAM is asked about roles is asked at once: one call after another ended last of all reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side, load_environment
from dr_estate.readers import iam_copy_roles, iam_task_roles
from dr_estate.reading.reader import ReadContext, Section
from dr_estate.snapshot.observer import observe_with
from dr_estate.snapshot.registry import reads
from tests.worlds import borrowed

SIT = load_environment(Path(__file__).parents[3] / "environments", "sit")
PARTS = (iam_task_roles.roles, iam_copy_roles.roles)
T = TypeVar("T")
R = TypeVar("R")


class CountedCalls:
    """Workers that do one item after another, and count the calls of each."""

    def __init__(self, client: ReadClient) -> None:
        self._client, self.by_item = client, list[int]()

    def each(self, doing: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do ``doing`` for every item."""
        return [self._counted(doing, item) for item in items]

    def calling(self) -> None:
        """Nobody waits."""

    def waiting(self) -> AbstractContextManager[None]:
        """Nobody waits."""
        return nullcontext()

    def _counted(self, doing: Callable[[T], R], item: T) -> R:
        before = self._client.calls.total()
        done = doing(item)
        self.by_item.append(self._client.calls.total() - before)
        return done


@pytest.fixture(scope="module")
def client() -> Iterator[ReadClient]:
    with borrowed(SIT, tenants=1) as world:
        keys = world.people["reader"]
        yield ReadClient(SIT, reads(), Credentials(world.url, keys.access_key_id, keys.secret_access_key))


def test_no_role_makes_one_call_after_another(client: ReadClient) -> None:
    snapshot = observe_with(client, "sandbox", only=frozenset(part.name for part in PARTS))

    def known(name: str, side: Side) -> Future[Section]:
        future: Future[Section] = Future()
        future.set_result(Section(snapshot.parts[name, side].value))
        return future

    for part in PARTS:
        workers = CountedCalls(client)
        context = ReadContext(client, Side.GLOBAL, SIT.region(Side.GLOBAL), datetime.now(UTC), workers, known)
        found: Any = part.read(context)
        assert found == snapshot.get(part, Side.GLOBAL)
        assert sum(workers.by_item) > 1
        assert max(workers.by_item) == 1, part.name

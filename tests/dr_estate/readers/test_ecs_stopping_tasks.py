"""Tasks that are still stopping are distinguished from those that stopped, and are read only where it matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from dr_estate.readers import ecs, ecs_stopped_tasks
from dr_estate.reading.reader import ReadContext, Reader
from tests.dr_checks.worlds import SIT, service

STATES = ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")


class Canned:
    """The read context of a cluster whose services want ``desired`` tasks, with one task in each state of a stop."""

    env = SIT

    def __init__(self, *desired: int) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._services = tuple(service(f"sit-t{count}-service", desired=count) for count in desired)

    def part(self, reader: Reader[Any]) -> tuple[ecs.Service, ...]:
        assert reader is ecs.services
        return self._services

    def find_pages(self, service: str, operation: str, key: str, _: tuple[str, ...], **params: Any) -> list[Any]:
        return self.pages(service, operation, key, **params)

    def pages(self, _service: str, operation: str, key: str, **params: Any) -> list[Any]:
        self.asked.append((operation, params))
        if key == "taskArns":
            return list(STATES)
        return [
            {"taskArn": name, "lastStatus": name, "taskDefinitionArn": "task-definition/sit-t:1"}
            for name in params[key]
        ]

    def rows(self, rows: Sequence[Any], parse: Callable[[Any], Any], *_: str) -> tuple[Any, ...]:
        return tuple(map(parse, rows))

    def batches(self, doing: Callable[[Sequence[str]], list[Any]], items: Sequence[str], size: int) -> list[Any]:
        assert size == 100
        return doing(items)


def test_every_task_that_has_not_stopped_yet_is_read() -> None:
    look = Canned(2, 0)
    seen = ecs_stopped_tasks.tasks.read(cast(ReadContext, look))
    assert ["DEACTIVATING", "STOPPING", "DEPROVISIONING"] == [task.status for task in seen]
    assert ("list_tasks", {"cluster": "sit-cluster", "desiredStatus": "STOPPED"}) == look.asked[0]


@pytest.mark.parametrize("desired", [(), (2, 1)])
def test_where_every_service_wants_tasks_nothing_is_asked(desired: tuple[int, ...]) -> None:
    look = Canned(*desired)
    assert () == ecs_stopped_tasks.tasks.read(cast(ReadContext, look))
    assert [] == look.asked

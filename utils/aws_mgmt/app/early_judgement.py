"""What was read is judged while the rest is: a long chain of pages leaves the processor idle for seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from dr_checks.core.model import Area, Check, CheckResult
from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Environment
from dr_estate.snapshot.observer import Key, Meanwhile, NotReadYet, is_read
from dr_estate.snapshot.snapshot import Snapshot


class EarlyJudgement:
    """Judges the checks of one look that ask for nothing but what was read: a part that was read stays as it is.

    ``only``: of the areas' checks these alone; all where it is empty.
    """

    def __init__(
        self,
        environment: Environment,
        areas: tuple[Area, ...],
        only: frozenset[str] = frozenset(),
        only_tenants: frozenset[str] = frozenset(),
    ) -> None:
        self._environment, self._only_tenants = environment, only_tenants
        self._areas, self._only = areas, only
        self._left, self._blocked = deque[Check](), dict[Check, Key | None]()
        self._snapshot: Snapshot | None = None
        self._results = dict[str, CheckResult]()

    def once(self, may_judge: Callable[[], bool], remembered_tenants: tuple[str, ...]) -> Meanwhile:
        """``judge_one``, from the moment on at which ``may_judge``."""
        return lambda so_far: may_judge() and self.judge_one(so_far, remembered_tenants)

    def judge_one(self, so_far: Snapshot, remembered_tenants: tuple[str, ...] = ()) -> bool:
        """Judge one more check. Returns whether there was one to be judged.

        A check that asks for what is still being read is judged again once that was read. A check that fails is left to
        its scenario, which fails again and reports it.
        """
        if self._snapshot is None:
            self._snapshot = replace(so_far, remembered_tenants=remembered_tenants)
            self._left.extend(check for check in checks().values() if self._is_wanted(check))
        for check in [check for check, awaited in self._blocked.items() if is_read(so_far.parts, awaited)]:
            del self._blocked[check]
            self._left.append(check)
        if not self._left:
            return False
        check = self._left.popleft()
        try:
            # NotReadYet passes through this: it is no Exception, so that no check can catch it by mistake.
            with suppress(Exception):  # a defect is met again by the check's scenario
                self._results[check.id] = judge(check, self._snapshot, self._environment, self._only_tenants)
        except NotReadYet as unread:
            self._blocked[check] = unread.key
        return True

    def results(self, snapshot: Snapshot) -> Mapping[str, CheckResult]:
        """The results by check, where what was judged became ``snapshot``; none otherwise."""
        # An observation that began again (a new sign-in) is another one: its parts were not those judged here.
        is_same = self._snapshot is not None and snapshot.taken_at == self._snapshot.taken_at
        return self._results if is_same else {}

    def _is_wanted(self, check: Check) -> bool:
        return check.area in self._areas and (not self._only or check.id in self._only)

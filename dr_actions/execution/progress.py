"""How long a step has shown nothing new. A step is given up when it stands still, not when it takes long. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from dr_actions.model.action import StepState, StepStatus

# Lists of AWS may lack for some seconds what was just made.
_GONE_S, _GONE_LOOKS = 120.0, 3
_Mark = tuple[StepState, tuple[str, ...]]


@dataclass
class ProgressWatch:
    """The marks that each step has shown, and when the last new one came (seconds of the world's monotonic clock).

    A mark is the state and ``StepStatus.progress``. One that was shown before is no progress: work that goes back and
    forth stands still. What cannot be seen says nothing of it. ``effects`` is what was last seen of what a step's call
    made, ``gone`` when it was looked for since and not found.
    """

    marks: dict[str, set[_Mark]] = field(default_factory=dict)
    moved_s: dict[str, float] = field(default_factory=dict)
    effects: dict[str, str] = field(default_factory=dict)
    gone: dict[str, list[float]] = field(default_factory=dict)

    def observe(self, step_id: str, status: StepStatus, now_s: float) -> None:
        """Take note of what a step shows at ``now_s``."""
        mark, shown = (status.state, status.progress), self.marks.setdefault(step_id, set())
        if status.state is StepState.UNAVAILABLE or mark in shown:
            return
        # The first mark is where it stood before, no movement.
        if shown:
            self.moved_s[step_id] = now_s
        shown.add(mark)

    def without_effect(self, step_id: str, status: StepStatus, now_s: float) -> StepStatus:
        """Return the status, or that the effect seen of a sent step is gone: somebody took it back (T43)."""
        if status.state is StepState.IN_PROGRESS and status.progress:  # AWS itself reports on it: it was seen
            self.effects[step_id] = status.message
        if status.state is StepState.IN_PROGRESS:
            self.gone.pop(step_id, None)
        if status.state is not StepState.READY or step_id not in self.effects:
            return status
        looks = self.gone.setdefault(step_id, [])
        looks.append(now_s)
        if len(looks) < _GONE_LOOKS or now_s - looks[0] < _GONE_S:
            return status
        message = f"its call had taken effect ({self.effects[step_id]}), and that is gone: {status.message.rstrip('.')}"
        return replace(status, state=StepState.DRIFTED, message=message)

    def still_s(self, step_id: str, since_s: float, now_s: float) -> float:
        """Seconds without anything new, counted from ``since_s`` where nothing came later."""
        return now_s - max(since_s, self.moved_s.get(step_id, since_s))

    def has_moved(self, step_id: str) -> bool:
        """Whether the step has shown more than one mark."""
        return len(self.marks.get(step_id, ())) > 1

    def shift(self, seconds: float) -> None:
        """Let a pause of that length, in which nobody could look, count for nothing."""
        self.moved_s = {step_id: moment_s + seconds for step_id, moment_s in self.moved_s.items()}
        self.gone = {step_id: [look_s + seconds for look_s in looks] for step_id, looks in self.gone.items()}

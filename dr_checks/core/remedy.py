"""How a finding is fixed: a sentence for a person, and the commands that do it where commands can."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remedy:
    """``commands`` are complete lines for a shell, run in this order; none where a person decides or Terraform does."""

    sentence: str
    commands: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The sentence and its commands as one line of text."""
        return " ".join((self.sentence, *(f"`{command}`" for command in self.commands)))


def merged_remedies(remedies: Iterable[Remedy]) -> tuple[Remedy, ...]:
    """Return each sentence once, in the order found, with the commands of all that say it."""
    commands: dict[str, dict[str, None]] = {}
    for remedy in remedies:
        # A dict keeps the order, and drops what two findings print alike.
        commands.setdefault(remedy.sentence, {}).update(dict.fromkeys(remedy.commands))
    return tuple(Remedy(sentence, tuple(lines)) for sentence, lines in commands.items() if sentence)

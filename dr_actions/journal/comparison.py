"""A record compared with its mirror and its anchors: at which entry they part, as far as both go. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dr_actions.journal.entries import Chain


@dataclass(frozen=True, slots=True)
class RecordComparison:
    """Whether the record was compared, and the first entry that differs; None where it was not, or none does.

    ``last`` is the last entry that was compared, 0 where none was.
    """

    compared: bool
    message: str
    differs_at: int | None = None
    last: int = 0

    @property
    def same(self) -> bool:
        """Whether it was compared and nothing differs."""
        return self.compared and self.differs_at is None


def not_compared(reason: str) -> RecordComparison:
    """The comparison that could not be made."""
    return RecordComparison(compared=False, message=f"NOT COMPARED with its mirror: {reason}")


def compared(local: Chain, mirrored: Chain) -> RecordComparison:
    """Compare both chains entry by entry. A chain ends before its first fault."""
    for mine, other in zip(local.entries, mirrored.entries, strict=False):
        if mine.digest != other.digest:
            return _differs(mine.seq, "one of the two was rewritten, or another run went on elsewhere")
    filed, sent = len(local.entries), len(mirrored.entries)
    number = min(filed, sent) + 1
    if mirrored.fault and sent <= filed:
        return _differs(number, f"the mirror cannot be believed from there on: {mirrored.fault.why}")
    if filed < sent:
        reason = "its chain breaks there" if local.fault else "the file ends before it: cut off, or gone on elsewhere"
        return _differs(number, reason)
    if filed > sent:
        return _differs(number, "the mirror ends before it: not sent yet, or taken out")
    entries = f"{filed} {'entry' if filed == 1 else 'entries'}"
    return RecordComparison(compared=True, message=f"compared with its mirror: the same {entries}", last=filed)


def mirror_alone(mirrored: Chain, anchors: RecordComparison) -> RecordComparison:
    """The mirror of a record that has no file here, as where AWS started the run: its anchors are the other copy.

    It was compared where they reach its last entry; nothing else would show that what follows them was rewritten.
    """
    last = len(mirrored.entries)
    if anchors.same and anchors.last == last:
        message = "no file is here: the mirror itself is shown, and compared with its anchors to its last entry"
        return RecordComparison(compared=True, message=message, last=last)
    return not_compared(
        "no file is here: what is shown is the mirror itself, and its anchors do not vouch for all of it"
    )


def anchored(chain: Chain, anchors: Mapping[int, str]) -> RecordComparison:
    """Compare the record with its anchors. A chain ends before its first fault."""
    known = {entry.seq: entry.digest for entry in chain.entries}
    good = 0
    for number in sorted(anchors):
        if number not in known:
            message = (
                f"DIFFERS from its anchors at entry {len(known) + 1}: entry {number} was there once, and is cut off"
            )
            return RecordComparison(compared=True, message=message, differs_at=len(known) + 1)
        if known[number] != anchors[number]:
            between = f"entry {number}" if number == good + 1 else f"an entry from {good + 1} to {number}"
            message = f"DIFFERS from its anchors at entry {number}: {between} was rewritten since"
            return RecordComparison(compared=True, message=message, differs_at=number)
        good = number
    if not good:
        return RecordComparison(compared=False, message="NOT ANCHORED: no head of it was ever put into the log")
    message = f"anchored: {len(anchors)} heads, the last of entry {good}"
    return RecordComparison(compared=True, message=message, last=good)


def anchored_everywhere(chain: Chain, places: Sequence[tuple[str, Mapping[int, str]]]) -> RecordComparison:
    """Compare the record with the anchors of each place, the first one being the main one: all must be the same."""
    found = [(place, anchored(chain, anchors)) for place, anchors in places]
    (_, main), others = found[0], found[1:]
    message = "; ".join([main.message, *(f"in {place}: {comparison.message}" for place, comparison in others)])
    differing = [comparison.differs_at for _, comparison in found if comparison.differs_at is not None]
    everywhere = all(comparison.compared for _, comparison in found)
    last = min(comparison.last for _, comparison in found)
    return RecordComparison(everywhere, message, min(differing, default=None), last)


def _differs(number: int, reason: str) -> RecordComparison:
    message = f"DIFFERS from its mirror at entry {number}: {reason}. Keep both: they are evidence"
    return RecordComparison(compared=True, message=message, differs_at=number)

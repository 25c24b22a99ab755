"""A record compared with its mirror and its anchors: at which entry they part, as far as both go. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr_actions.journal.entries import Chain, Entry
from dr_estate.model.durations import duration
from dr_estate.model.stream_records import is_in_time, utc_text

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class AnchoredHead:
    """The digest that was anchored of an entry, and when it arrived (UTC, by AWS's clock)."""

    number: int
    digest: str
    arrived: datetime


@dataclass(frozen=True, slots=True)
class RecordComparison:
    """Whether the record was compared, and the first entry that differs; None where it was not, or none does.

    An entry whose heads contradict each other differs, too.

    ``last`` is the last entry that was compared, 0 where none was. ``altered`` says what else of the control table is
    not as it was written, an item each.
    """

    compared: bool
    message: str
    differs_at: int | None = None
    last: int = 0
    altered: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether something differs."""
        return self.differs_at is not None or bool(self.altered)

    @property
    def agrees(self) -> bool:
        """Whether it was compared and nothing differs."""
        return self.compared and not self.differs


def missing_comparison(reason: str) -> RecordComparison:
    """The comparison that could not be made."""
    return RecordComparison(compared=False, message=f"NOT COMPARED with its mirror: {reason}")


def comparison_of(local: Chain, mirrored: Chain) -> RecordComparison:
    """Compare both chains entry by entry. A chain ends before its first fault."""
    for mine, other in zip(local.entries, mirrored.entries, strict=False):
        if mine.digest != other.digest:
            return _differs(mine.seq, "one of the two was rewritten, or another run went on elsewhere")
    filed, sent = len(local.entries), len(mirrored.entries)
    number = min(filed, sent) + 1
    # Only where the mirror's fault comes first: behind the file's own end it contradicts nothing.
    if mirrored.fault and sent <= filed:
        return _differs(number, f"the mirror cannot be believed from there on: {mirrored.fault.why}")
    if filed < sent:
        reason = "its chain breaks there" if local.fault else "the file ends before it: cut off, or gone on elsewhere"
        return _differs(number, reason)
    # Nothing here distinguishes an entry that was never mirrored from one that was deleted.
    if filed > sent:
        return _differs(number, "the mirror ends before it: not sent yet, or taken out")
    entries = f"{filed} {'entry' if filed == 1 else 'entries'}"
    return RecordComparison(compared=True, message=f"compared with its mirror: the same {entries}", last=filed)


def mirror_alone(mirrored: Chain, anchors: RecordComparison) -> RecordComparison:
    """The mirror of a record that has no file here, as where AWS started the run: its anchors are the other copy.

    It was compared where they reach its last entry; nothing else would show that what follows them was rewritten.
    """
    last = len(mirrored.entries)
    # To the last entry: what follows the last anchor may have been rewritten by anybody.
    if anchors.agrees and anchors.last == last:
        message = "no file is here: the mirror itself is shown, and compared with its anchors to its last entry"
        return RecordComparison(compared=True, message=message, last=last)
    reason = "what is shown is the mirror itself, and its anchors do not vouch for all of it"
    return missing_comparison(f"no file is here: {reason}")


def anchor_comparison(chain: Chain, heads: Iterable[AnchoredHead], speed: float = 1.0) -> RecordComparison:
    """Compare the record with the heads that arrived in one place. A chain ends before its first fault.

    Each entry wants a head of its own or of a later one that arrived near the entry's time. ``speed`` is how many
    seconds of the world pass in a real one.
    """
    known = {entry.seq: entry.digest for entry in chain.entries}
    anchors: dict[int, list[AnchoredHead]] = {}
    for head in sorted(heads, key=lambda head: head.arrived):
        of_entry = anchors.setdefault(head.number, [])
        # The same digest twice is an answer that was lost and sent again; two digests are a conflict.
        if all(head.digest != other.digest for other in of_entry):
            of_entry.append(head)
    good = 0
    for number in sorted(anchors):
        first, *others = anchors[number]
        if others:
            return _contradiction(number, _conflict_message(number, anchors[number], known.get(number)))
        if number not in known:
            first_cut, reason = len(known) + 1, f"entry {number} was there once, and is cut off"
            return _contradiction(first_cut, f"DIFFERS from its anchors at entry {first_cut}: {reason}")
        if known[number] != first.digest:
            between = f"entry {number}" if number == good + 1 else f"an entry from {good + 1} to {number}"
            message = f"DIFFERS from its anchors at entry {number}: {between} was rewritten since"
            return _contradiction(number, message)
        good = number
    if not good:
        return RecordComparison(compared=False, message="NOT ANCHORED: no head of it is there")
    if unproven := _unproven(chain.entries, [anchors[number][0] for number in sorted(anchors)], speed):
        return RecordComparison(compared=False, message=unproven)
    message = f"anchored: {len(anchors)} heads, the last of entry {good}"
    return RecordComparison(compared=True, message=message, last=good)


def compare_anchor_places(
    chain: Chain, places: Sequence[tuple[str, Iterable[AnchoredHead]]], speed: float = 1.0
) -> RecordComparison:
    """Compare the record with the anchors of each place, the first one being the main one: all must be the same."""
    found = [(place, anchor_comparison(chain, heads, speed)) for place, heads in places]
    (_, main), others = found[0], found[1:]
    message = "; ".join([main.message, *(f"in {place}: {comparison.message}" for place, comparison in others)])
    differing = [comparison.differs_at for _, comparison in found if comparison.differs_at is not None]
    everywhere = all(comparison.compared for _, comparison in found)
    # The earliest of all places: beyond it one of them vouches for nothing.
    last = min(comparison.last for _, comparison in found)
    return RecordComparison(everywhere, message, min(differing, default=None), last)


def _conflict_message(number: int, heads: Sequence[AnchoredHead], recorded: str | None) -> str:
    """Say when each of two heads arrived: the run's own may be either, for a forger may be first."""
    arrivals = [
        f"{head.digest[:12]}{' (as recorded)' if head.digest == recorded else ''} arrived {utc_text(head.arrived)}"
        for head in heads[:_MOST_NAMED]
    ]
    more = f", and {len(heads) - _MOST_NAMED} more" if len(heads) > _MOST_NAMED else ""
    return f"CONTESTED at entry {number}: two runs, or two people, anchored it: {', '.join(arrivals)}{more}"


def _unproven(entries: Sequence[Entry], heads: Sequence[AnchoredHead], speed: float) -> str:
    """Say which entries no head vouches for in their time, "" where each has one. ``heads`` are in order of number."""
    following = iter(heads)
    head = next(following)
    for entry in entries:
        while head.number < entry.seq:
            later = next(following, None)
            if later is None:
                last = f"the last head that was anchored is of entry {head.number}"
                return f"NOT PROVEN from entry {entry.seq} on: {last}"
            head = later
        late = head.arrived - entry.at
        if not is_in_time(entry.at, head.arrived, speed):
            after = f"{duration(abs(late.total_seconds()))} {'later' if late > timedelta() else 'EARLIER'}"
            return (
                f"NOT PROVEN from entry {entry.seq} on: it says {utc_text(entry.at)}, and the head that vouches for it "
                f"(of entry {head.number}) arrived {utc_text(head.arrived)}, {after}: what it said before is not known"
            )
    return ""


def _contradiction(number: int, message: str) -> RecordComparison:
    return RecordComparison(compared=True, message=message, differs_at=number)


def _differs(number: int, reason: str) -> RecordComparison:
    message = f"DIFFERS from its mirror at entry {number}: {reason}. Keep both: they are evidence"
    return _contradiction(number, message)

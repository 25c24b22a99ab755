"""Regions that do not answer: within a look no more is asked of them, and later looks wait for them less."""

from __future__ import annotations

CALLS_BEFORE_DARK = 4
_GLOBAL_SERVICES = frozenset({"route53", "cloudfront", "iam"})


def place_name(service: str, region: str) -> str:
    """Where a call is answered: the global services of us-east-1 have endpoints, and outages, of their own (T01)."""
    return f"{region} (global services)" if service in _GLOBAL_SERVICES else region


def service_in(service: str, place: str) -> str:
    """One service of a place."""
    return f"{service} in {place}"


class DarkPlaces:
    """The places that one look found dark.

    ``silent`` outlives the look: the places that let an earlier one wait in vain and have not answered since.
    """

    def __init__(self, silent: set[str]) -> None:
        self.silent = silent
        self._reasons: dict[str, str] = {}
        self._failures: dict[str, list[str]] = {}

    def reason(self, place: str) -> str | None:
        """Why nothing more is asked of ``place``; None where it is asked."""
        return self._reasons.get(place)

    def note_answer(self, place: str) -> None:
        """Something was answered, be it an error."""
        self._failures.pop(place, None)
        # One answer, even an error, shows that the way is open: the next look waits its whole time again.
        self.silent.discard(place)

    def note_failure(self, place: str, service: str, timed_out: bool) -> None:
        """A call got no answer: after several in a row no more is asked. ``timed_out``: it waited in vain.

        One service that fails, called for each tenant, is no dark region: then no more is asked of that service alone.
        """
        streak = self._failures.setdefault(place, [])
        streak.append(service)
        if len(streak) < CALLS_BEFORE_DARK:
            return
        dark = place if len({*streak}) > 1 else service_in(service, place)
        self._reasons.setdefault(dark, f"{dark} does not answer: {CALLS_BEFORE_DARK} calls in a row failed.")
        if timed_out and dark == place:
            self.silent.add(place)

"""A listener's rules as a table: where a request for a host leads, as far as that is known from here. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from fnmatch import fnmatchcase
from math import inf
from operator import itemgetter

from dr_estate.readers.elbv2 import ListenerAction, ListenerRule

# What stands between a goal and the sign-in that comes before it.
GATE = " after "
_WILD = frozenset("*?[")
Meets = Callable[[ListenerRule], bool | None]
_Placed = tuple[float, ListenerRule]


def group_of(goal: str) -> str:
    """The goal without the sign-in before it."""
    return goal.partition(GATE)[0]


def _is_met_by_some(rule: ListenerRule) -> bool:
    """Whether visitors surely differ in what the rule asks for; who sends a header is not known."""
    return not rule.by_regex and not any(word.startswith(("http-header", "not read")) for word in rule.further)


class ListenerTable:
    """A listener's host rules, looked up by name: most tenants have one of their own, so trying each is quadratic.

    ``judged`` are the names of the target groups that other checks look at, ``default`` is what is done without a rule.
    """

    def __init__(
        self,
        rules: list[ListenerRule],
        names: dict[str, str],
        judged: frozenset[str] = frozenset(),
        default: ListenerAction | None = None,
    ) -> None:
        self._names, self._judged = names, judged
        self._default = self._goal(default) if default and default.target_groups else "the default action"
        self._goals = {self._default, *(self._goal(rule.action) for rule in rules)}
        self._exact: dict[str, list[_Placed]] = {}
        self._patterns: list[tuple[int, str, ListenerRule]] = []
        self._regexes: list[_Placed] = []
        for order, rule in enumerate(rules):
            self._regexes += [(order, rule)] if rule.by_regex else []
            # Host conditions ignore case, and a rule without one is tried for every host (ELB guide, rule conditions).
            for pattern in map(str.lower, rule.hosts if rule.hosts or rule.by_regex else ("*",)):
                if set(pattern) & _WILD:
                    self._patterns.append((order, pattern, rule))
                else:
                    self._exact.setdefault(pattern, []).append((order, rule))

    def leads_to(self, groups: Set[str]) -> bool:
        """Whether a rule forwards to one of the target groups."""
        return any(group_of(goal) in groups for goal in self._goals)

    def hosts(self, others: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
        """(judged target group, host) of each host that a rule names for it, and of those of ``others`` led there.

        Where a host's requests without further conditions come to none of the judged, all that others lead to count.
        """
        for host in (*self._exact, *others):
            order, plain = self._unconditional(host)
            goal = group_of(plain)
            # By default any name in the world is led there: that makes it nobody's host.
            if goal in self._judged and order < inf:
                yield goal, host
            else:
                led = {group_of(self._goal(rule.action)) for _, rule in self._further(host, order)}
                yield from ((group, host) for group in led & self._judged)

    def route(self, host: str, wanted: str, primary: ListenerTable | None, met: Meets) -> str | None:
        """Where a request for ``host`` leads; None where a rule that may come before it cannot be evaluated here.

        Rules with further conditions that lead to the ``wanted`` group as the primary's do are taken as met where the
        rest is led as in the primary region too, or to that group. Those that demand headers are judged by ``met``.
        Where all that comes before the ``wanted`` group is the primary's, in its order, some paths may lead elsewhere:
        to a group that is ``judged``, or to the load balancer's own answer.
        """
        order, leads = self._unconditional(host)
        tried, is_alike = self._further(host, order), self._is_alike(host, wanted, primary)
        if primary and leads == wanted == primary.plain(host) and self._is_in_order(host, primary):
            tried = []
        elif primary and is_alike and leads not in {wanted, primary.plain(host)}:
            tried = [(position, rule) for position, rule in tried if met(rule)]
        elif is_alike:
            order, tried, leads = order if leads == wanted else tried[-1][0], [], wanted
        # A regular expression is not evaluated here: one that is tried earlier may take the request.
        undecided = [(position, rule) for position, rule in self._regexes if position < order]
        for position, rule in tried:
            if answer := met(rule):
                order, leads = position, self._goal(rule.action)
                break
            undecided += [(position, rule)] if answer is None else []
        # A doubt counts only where it changes the end: rules that lead to the same group are no doubt.
        groups = {self._goal(rule.action) for position, rule in undecided if position < order}
        # Where the primary asks for nothing, who does not meet a path, method or address here is led on.
        asks_more = primary is not None and primary.plain(host) == wanted != leads
        is_certain = asks_more and all(_is_met_by_some(rule) for _, rule in undecided)
        return leads if groups <= {leads} or is_certain else None

    def shared_route(self, host: str, path: str, wanted: str, primary: ListenerTable | None) -> str | None:
        """Where the requests lead that the primary's table leads to the ``wanted`` group, of a host that several share.

        None where the primary's leads none to it, or other conditions than its own come before. Where the primary's
        was not read, ``path`` is followed.
        """
        if primary is None:
            return self._route_of_path(host, path)
        theirs = [*primary._in_order(host), ((), primary.plain(host), "")]
        mine = [*self._in_order(host), ((), self.plain(host), "")]
        goals = set[str | None]()
        for place, (further, goal, _) in enumerate(theirs):
            if group_of(goal) == wanted:
                # The last one takes whatever comes to it: a rule for all paths before the tenant's is no open question.
                own_place, last = min(place, len(mine) - 1), len(mine) - 1
                before = [conditions for conditions, _, _ in mine[:own_place]]
                is_same = before == [conditions for conditions, _, _ in theirs[:own_place]]
                takes_it = own_place == last or mine[own_place][0] == further
                goals.add(mine[own_place][1] if is_same and takes_it else None)
        # Paths that part ways have no one goal, and none at all was not led here.
        return goals.pop() if len(goals) == 1 else None

    def _route_of_path(self, host: str, path: str) -> str | None:
        """Where a request for the path leads; None where a condition on something else comes before."""
        for _, rule in sorted([*self._matching(host), *self._regexes], key=itemgetter(0)):
            # A condition on a header, method or address hangs on the visitor: no one answer is right.
            if rule.by_regex or len(rule.further) > bool(rule.paths):
                return None
            if not rule.paths or any(fnmatchcase(path, pattern) for pattern in rule.paths):
                return self._goal(rule.action)
        return self._default

    def plain(self, host: str) -> str:
        """Where a request for ``host`` leads that meets no further condition."""
        return self._unconditional(host)[1]

    def goals(self, host: str, wanted: str) -> set[str]:
        """The ways by which a request for ``host`` may come to the ``wanted`` group, with and without a sign-in."""
        order, leads = self._unconditional(host)
        tried = [rule for position, rule in (*self._further(host, order), *self._regexes) if position < order]
        return {goal for goal in (leads, *(self._goal(rule.action) for rule in tried)) if group_of(goal) == wanted}

    def _is_alike(self, host: str, wanted: str, primary: ListenerTable | None) -> bool:
        """Whether the rules with further conditions are the primary's, and all lead to the ``wanted`` group."""
        before = self._conditional(host)
        if not before or primary is None or before != primary._conditional(host):
            return False
        return {group_of(goal) for _, goal, _ in before} == {wanted}

    def _is_in_order(self, host: str, primary: ListenerTable) -> bool:
        """Whether the rules with further conditions are the primary's in its order, and lead to no group unlooked at.

        What leads alike in both regions may be alive in one of them alone.
        """
        order, _ = self._unconditional(host)
        groups = {arn for _, rule in self._further(host, order) for arn in rule.action.target_groups}
        return {self._names.get(arn, arn) for arn in groups} <= self._judged and (
            self._in_order(host) == primary._in_order(host)
        )

    def _conditional(self, host: str) -> frozenset[tuple[tuple[str, ...], str, str]]:
        """The further conditions, goal and detail of each rule for ``host`` that comes before the first without any."""
        return frozenset(self._in_order(host))

    def _in_order(self, host: str) -> list[tuple[tuple[str, ...], str, str]]:
        """The same in the order in which the rules are tried."""
        order, _ = self._unconditional(host)
        return [(rule.further, self._goal(rule.action), rule.action.detail) for _, rule in self._further(host, order)]

    def _further(self, host: str, order: float) -> list[_Placed]:
        """The rules with further conditions that are tried for ``host`` before ``order``, in their order."""
        found = [(position, rule) for position, rule in self._matching(host) if rule.further and position < order]
        return sorted(found, key=itemgetter(0))

    def _unconditional(self, host: str) -> tuple[float, str]:
        plain = ((order, rule) for order, rule in self._matching(host) if not rule.further)
        # The default action comes after every rule (ELB guide, Listener rules).
        order, rule = min(plain, key=itemgetter(0), default=(inf, None))
        return order, self._goal(rule.action) if rule else self._default

    def _matching(self, host: str) -> Iterator[_Placed]:
        yield from self._exact.get(host, ())
        yield from ((order, rule) for order, pattern, rule in self._patterns if fnmatchcase(host, pattern))

    def _goal(self, action: ListenerAction) -> str:
        groups = (self._names.get(arn, arn) for arn in action.target_groups)
        goal = ", ".join(groups) or action.kind
        return goal + GATE + ", ".join(action.first) if action.first else goal

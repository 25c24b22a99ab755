"""What traffic the rules of a security group let through, whatever way they are written. Pure.

Rules are as the reader writes them: ``all PEER`` or ``tcp 80-443 PEER``, the VPC's own block as ``vpc``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

_PORTS = re.compile(r"(?P<first>-?\d+)-(?P<last>-?\d+) (?P<peer>.+)")
# IANA's numbers, by which a rule may name its protocol (EC2 API, IpPermission).
_NUMBERS = {"6": "tcp", "17": "udp"}
ANYWHERE, VPC = "0.0.0.0/0", "vpc"
_LIST = "a prefix list"
# Peers about which the reader returns nothing that could be compared with another peer.
_NO_GROUP = frozenset({_LIST, "another VPC's group"})
_LAST_PORT = 65535


@dataclass(frozen=True)
class TrafficRule:
    """A rule; one of a protocol without ports spans all, and the kind of an ICMP message is part of its protocol."""

    protocol: str
    first: int
    last: int
    peer: str

    def __str__(self) -> str:
        # Of protocols without ports "0-65535" would say nothing.
        whole = (self.first, self.last) == (0, _LAST_PORT) and self.protocol not in _NUMBERS.values()
        return f"{self.protocol} {self.peer}" if whole else f"{self.protocol} {self.first}-{self.last} {self.peer}"

    @property
    def block(self) -> IPv4Network | IPv6Network | None:
        """Its peer where that is a block of addresses."""
        return block_of(self.peer)

    @property
    def names_a_group(self) -> bool:
        """Whether its peer is a security group of the same VPC."""
        return self.block is None and self.peer != VPC and self.peer not in _NO_GROUP

    def to(self, peer: str) -> TrafficRule:
        """The same ports of another peer."""
        return replace(self, peer=peer)

    def at(self, port: int) -> TrafficRule | None:
        """The part of it that speaks of a TCP port, None where it does not."""
        speaks = self.protocol in ("tcp", "all") and self.first <= port <= self.last
        return TrafficRule("tcp", port, port, self.peer) if speaks else None


@dataclass(frozen=True)
class TrafficEnd:
    """Where a part of the platform stands: the groups that it carries, by name, and the blocks of all its subnets."""

    groups: frozenset[str]
    blocks: tuple[str, ...]


def block_of(peer: str) -> IPv4Network | IPv6Network | None:
    """The block of addresses that a peer is, None for a group: its name may have a slash too."""
    try:
        return ip_network(peer, strict=False) if "/" in peer else None
    except ValueError:
        return None


def parse_rule(text: str) -> TrafficRule:
    """A rule as the reader writes it."""
    protocol, _, rest = text.partition(" ")
    name, ports = _NUMBERS.get(protocol, protocol), _PORTS.fullmatch(rest)
    if ports is None:
        return TrafficRule(name, 0, _LAST_PORT, rest)
    if name in _NUMBERS.values():
        return TrafficRule(name, int(ports["first"]), int(ports["last"]), ports["peer"])
    return TrafficRule(f"{name} {ports['first']}-{ports['last']}", 0, _LAST_PORT, ports["peer"])


class Admission:
    """What the rules of one direction let through, all taken together; ``own`` are the blocks of their VPC.

    A wider span of ports, a wider block, two halves of one and every protocol cover what they hold; a group's members
    are addresses of the VPC.
    """

    def __init__(self, texts: Iterable[str], own: Collection[str] = ()) -> None:
        self.rules, self._own = [parse_rule(text) for text in texts], [block for block in own if ":" not in block]

    def covers(self, wanted: TrafficRule) -> bool:
        """Whether the traffic of the rule, peer by peer, is let through."""
        return self._throughout(wanted, lambda peers: wanted.peer in peers or self._hold(peers, wanted.peer))

    def admits(self, wanted: TrafficRule, end: TrafficEnd) -> bool:
        """Whether the end is let through at the rule's ports: by its VPC, a group that it carries, or its blocks."""

        def let_through(peers: set[str]) -> bool:
            if VPC in peers or not end.groups.isdisjoint(peers):
                return True
            return bool(end.blocks) and all(self._hold(peers, block) for block in end.blocks)

        return self._throughout(wanted, let_through)

    def _throughout(self, wanted: TrafficRule, admitted: Callable[[set[str]], bool]) -> bool:
        """Whether the peers of the rules are enough at each port: asked at the first, and wherever a rule changes."""
        rules = [rule for rule in self.rules if rule.protocol in (wanted.protocol, "all")]
        # Between two edges the same rules hold at every port: 65,536 of them need not be asked.
        edges = {edge for rule in rules for edge in (rule.first, rule.last + 1) if wanted.first < edge <= wanted.last}
        return all(
            admitted({rule.peer for rule in rules if rule.first <= port <= rule.last})
            for port in {wanted.first, *edges}
        )

    def _hold(self, peers: Collection[str], wanted: str) -> bool:
        """Whether every address of the wanted peer is one of the others'."""
        if wanted in _NO_GROUP:
            return False
        if block_of(wanted) is None:
            whole = bool(self._own) and all(_blocks_hold(peers, block) for block in self._own)
            return (wanted != VPC and VPC in peers) or whole or _blocks_hold(peers, ANYWHERE)
        return _blocks_hold([*peers, *(self._own if VPC in peers else ())], wanted)


def _blocks_hold(peers: Iterable[str], wanted: str) -> bool:
    """Whether the blocks among the peers, taken together, hold the wanted one."""
    whole, blocks = ip_network(wanted, strict=False), [found for found in map(block_of, peers) if found is not None]
    if isinstance(whole, IPv4Network):
        return any(whole.subnet_of(b) for b in collapse_addresses(b for b in blocks if isinstance(b, IPv4Network)))
    return any(whole.subnet_of(b) for b in collapse_addresses(b for b in blocks if isinstance(b, IPv6Network)))


def covers_lists(texts: Iterable[str], rules: Iterable[str]) -> bool:
    """Whether each of ``texts`` is of a prefix list, and ``rules`` let every IPv4 address through at its ports.

    A rule does not state the address family of its list: no more is known.
    """
    admission = Admission(rules)
    return all(rule.peer == _LIST and admission.covers(rule.to(ANYWHERE)) for rule in map(parse_rule, texts))

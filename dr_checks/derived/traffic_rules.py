"""What traffic the rules of a security group let through, whatever way they are written. Pure.

Rules are as the reader writes them: ``all PEER`` or ``tcp 80-443 PEER``, the VPC's own block as ``vpc``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

_RULE = re.compile(r"(?P<protocol>\S+)(?: (?P<first>-?\d+)-(?P<last>-?\d+))? (?P<peer>.+)")
_OF_PORTS = ("tcp", "udp")
_ANYWHERE, _VPC = "0.0.0.0/0", "vpc"
_NO_GROUP = frozenset({"a prefix list", "another VPC's group"})
"""Peers of which the reader tells nothing that could be compared with another one."""
_LAST_PORT = 65535


@dataclass(frozen=True)
class _TrafficRule:
    protocol: str
    first: int
    last: int
    peer: str


def uncovered(theirs: Collection[str], mine: Collection[str]) -> list[str]:
    """Those of the rules ``theirs`` whose traffic is not let through by ``mine``, all taken together.

    A wider span of ports, a wider block, two halves of one and every protocol cover what they hold; a group's members
    are addresses of the VPC.
    """
    known = [found for found in map(_parsed, mine) if found is not None]
    return [rule for rule in theirs if rule not in mine and not _covered(_parsed(rule), known)]


def _parsed(text: str) -> _TrafficRule | None:
    """The rule, None of another form: that one is compared word for word. Types of ICMP are protocols of their own."""
    found = _RULE.fullmatch(text)
    if found is None or (found["protocol"] in _OF_PORTS and found["first"] is None):
        return None
    protocol, first, last, peer = found.group("protocol", "first", "last", "peer")
    if protocol in _OF_PORTS:
        return _TrafficRule(protocol, int(first), int(last), peer)
    return _TrafficRule(protocol if first is None else f"{protocol} {first}-{last}", 0, _LAST_PORT, peer)


def _covered(wanted: _TrafficRule | None, rules: Iterable[_TrafficRule]) -> bool:
    if wanted is None:
        return False
    of_protocol = [rule for rule in rules if rule.protocol in (wanted.protocol, "all")]
    of_peer = [rule for rule in of_protocol if rule.peer == wanted.peer or _hold([rule.peer], wanted.peer)]
    of_ports = [rule for rule in of_protocol if rule.first <= wanted.first and wanted.last <= rule.last]
    return _spanned(of_peer, wanted) or _hold([rule.peer for rule in of_ports], wanted.peer)


def _spanned(rules: Iterable[_TrafficRule], wanted: _TrafficRule) -> bool:
    """Whether the rules' ports hold the wanted ones without a hole."""
    reached = wanted.first - 1
    for rule in sorted(rules, key=lambda rule: rule.first):
        if rule.first <= reached + 1:
            reached = max(reached, rule.last)
    return reached >= wanted.last


def _hold(peers: Collection[str], wanted: str) -> bool:
    """Whether every address of the wanted peer is one of the others'."""
    if wanted in _NO_GROUP:
        return False
    block = block_of(wanted)
    if block is None and wanted != _VPC and _VPC in peers:
        return True
    whole = block or IPv4Network(_ANYWHERE)
    if isinstance(whole, IPv4Network):
        fours = [found for peer in peers if isinstance(found := block_of(peer), IPv4Network)]
        return any(whole.subnet_of(found) for found in collapse_addresses(fours))
    sixes = [found for peer in peers if isinstance(found := block_of(peer), IPv6Network)]
    return any(whole.subnet_of(found) for found in collapse_addresses(sixes))


def block_of(peer: str) -> IPv4Network | IPv6Network | None:
    """The block of addresses that a peer is, None for a group: its name may have a slash too."""
    try:
        return ip_network(peer, strict=False) if "/" in peer else None
    except ValueError:
        return None

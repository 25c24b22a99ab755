"""Which certificate authorities a zone's CAA records admit, and whether Amazon's is one of them. Pure.

Source: RFC 8659, "Certification Authority Authorization Processing"; ACM User Guide, "Configure a CAA record".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dr_estate.readers.route53 import Record

# ACM looks for one of these four (ACM User Guide, "Configure a CAA record").
AMAZON = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")
_ISSUE, _ISSUE_WILD = "issue", "issuewild"
_WILD = "*."
_FIELDS = 3


def forbidding(records: Iterable[Record], name: str) -> Record | None:
    """The CAA record set that keeps Amazon from issuing for ``name``, which may begin with ``*.``, or None.

    The set of the name itself counts, else that of the nearest name above it. ``issuewild``, where there is one, goes
    before ``issue`` for a wildcard. A set of neither restricts nobody.
    """
    sets = {record.name: record for record in records if record.type == "CAA"}
    # The nearest set alone counts, and hides those above it (RFC 8659, section 3).
    found = next((sets[above] for above in _upwards(name.removeprefix(_WILD)) if above in sets), None)
    if found is None:
        return None
    admitted = admitted_by(found, name.startswith(_WILD))
    return None if admitted is None or set(admitted) & set(AMAZON) else found


def is_delegated(records: Iterable[Record], name: str) -> bool:
    """Whether a name on the way up from ``name`` has name servers of its own, whose zone may say otherwise.

    The zone's own name is no delegation: it alone has a SOA record.
    """
    kinds: dict[str, set[str]] = {}
    for record in records:
        kinds.setdefault(record.name, set()).add(record.type)
    found = (kinds.get(above, set()) for above in _upwards(name.removeprefix(_WILD)))
    return any("NS" in kind and "SOA" not in kind for kind in found)


def admitted_by(record: Record, is_wildcard: bool) -> tuple[str, ...] | None:
    """The authorities that may issue, none where the set says nobody; None where it does not restrict them."""
    properties = [
        (fields[1].lower(), fields[2]) for value in record.values if (fields := value.split(None, _FIELDS - 1))[2:]
    ]
    tags = {tag for tag, _ in properties}
    tag = _ISSUE_WILD if is_wildcard and _ISSUE_WILD in tags else _ISSUE
    if tag not in tags:
        return None
    named = (value.strip('"').partition(";")[0].strip().lower() for kind, value in properties if kind == tag)
    return tuple(sorted(filter(None, named)))


def _upwards(name: str) -> Iterator[str]:
    labels = name.split(".")
    return (".".join(labels[start:]) for start in range(len(labels)))

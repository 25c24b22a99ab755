"""Writes the skeletons of a check, a service or a store. The tests of the house fail until each FILL IN is gone.

``python -m utils.aws_mgmt.generate.skeletons new-check SERVICE NAME``, ``... new-service SERVICE`` and
``... new-store STORE [SERVICE]`` write them.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template

from dr_checks.core.model import Area
from dr_estate.model.stores import STORES

ROOT = Path(__file__).parents[3]
FIRST_CHECK = "in-both-regions"
_SENTENCE = "FILL IN: what holds, as one sentence ($check)"
_SAID = re.compile(r'@check\(\s*"(.+?)"[,)]', re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

READER = '''"""FILL IN: what of $service is read."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.reading.reader import REGIONAL, ReadContext, part

READS = frozenset({"$service:FillIn"})  # exactly the operations that are called


@dataclass(frozen=True, slots=True)
class $type:
    """FILL IN: one resource, and the units of its fields. A secret value never enters it."""

    name: str


@part(*REGIONAL, reads=READS)
def resources(context: ReadContext) -> tuple[$type, ...]:
    """FILL IN: what is read, with how many calls. Use pages, batches, each or maybe of context."""
    raise NotImplementedError(f"FILL IN: read $service in {context.region}")
'''
CHECK_MODULE = '''"""FILL IN: the question about $service that these checks answer."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, weigh
'''
CHECK = '''

@check("$sentence")
@weigh(Severity.CRITICAL, Area.$AREA)
@cite()
def $function(view: View) -> Iterator[Finding]:
    """FILL IN: what is compared (a part of the snapshot by view.get), and why it matters after a failover."""
    yield view.gap("FILL IN: resource", "FILL IN: measured", "FILL IN: wanted", "FILL IN: reason", "FILL IN: remedy")
'''
STORE = """$STORE = DataStore("$store", checked_by="$checked_by")  # FILL IN: what is true of it, field by field
"""
LAGS = '''

@lag_source($STORE)
def $store_function(view: View) -> Iterator[Lag]:
    """FILL IN: how far each copy trails, and what of AWS shows it."""
    if not view.env.replicates:
        return
    yield Lag($STORE.id, "FILL IN: resource", None, Side.DR, None, "FILL IN: what was read")
'''
STORE_IMPORTS = {
    "Severity, View, check, cite, weigh\n": "Lag, Severity, View, check, cite, lag_source, weigh\n"
    "from dr_estate.config.environment import Side\nfrom dr_estate.model.stores import $STORE\n",
}
EXAMPLE_MODULE = '''"""Examples of the checks of $service."""

from __future__ import annotations

from tests.dr_checks.worlds import Example, Values

HEALTHY_PARTS: Values = {}  # FILL IN: what the healthy estate has of each new part, on its sides; drop it without one
EXAMPLES: list[Example] = []
'''
EXAMPLES = """
# FILL IN: a passing, a failing and a not-seen world of $check (Status.PASS, FAIL, UNKNOWN).
EXAMPLES += []
"""
FEATURE = """@$area @$requirement
Feature: FILL IN: what $service promises

  Background:
    Given the estate as observed in both regions
"""
SCENARIO = """
  Scenario: FILL IN: title ($check)
    Then $sentence
"""
DISASTER_MODULE = '''"""FILL IN: what goes wrong with $service."""

from __future__ import annotations

from sandbox.disasters import disaster
from sandbox.world.world import World
'''
DISASTER = '''

@disaster(
    "$service-$name",
    "FILL IN: what happened",
    trips=("$check",),
)
def $function(world: World) -> None:
    """FILL IN: how it is broken: world.undo records the way back, world.call breaks."""
    raise NotImplementedError(f"FILL IN: break $service of {world.environment.name}")
'''


class Skeletons:
    """The files of one check of ``service`` under ``root``. ``room`` and ``area`` are those of a new check module.

    ``store`` is the store that the service keeps, "" where it keeps none.
    """

    def __init__(self, root: Path, service: str, name: str, room: str, area: Area, store: str = "") -> None:
        self.root, self.module = root, service.replace("-", "_")
        found = sorted(root.glob(f"dr_checks/*/{self.module}.py"))
        self.checks = found[0] if found else root / "dr_checks" / room / f"{self.module}.py"
        self.feature = self._feature_of(self.checks) or root / "features" / f"{area}_{self.module}.feature"
        area = next((Area(tag) for tag in self._tags() if tag in set(Area)), area)
        self.words = {
            "service": service,
            "name": name,
            "check": f"{service}.{name}",
            "function": name.replace("-", "_"),
            "type": "".join(part.capitalize() for part in service.split("-")) + "Resource",
            "store": store,
            "STORE": store.replace("-", "_").upper(),
            "store_function": store.replace("-", "_"),
            "checked_by": service.partition("-")[0],
            "area": str(area),
            "AREA": area.name,
            "requirement": "US-018" if area is Area.REPLICATION else "US-027",
        }
        self.words["sentence"] = Template(_SENTENCE).substitute(self.words)

    def write_check(self) -> Iterator[Path]:
        """Append the check, its scenario, examples and disaster; yield the files."""
        yield self._append(self.checks, CHECK_MODULE, CHECK)
        yield self._append(self.feature, FEATURE, SCENARIO)
        yield self._append(self.root / f"tests/dr_checks/examples/{self.module}.py", EXAMPLE_MODULE, EXAMPLES)
        yield self._append(self.root / f"sandbox/disasters/{self.module}.py", DISASTER_MODULE, DISASTER)

    def write_reader(self) -> Path:
        """Write the reader of the service."""
        return self._append(self.root / f"dr_estate/readers/{self.module}.py", READER, "")

    def write_store(self) -> Iterator[Path]:
        """Declare the store, and append the source of its lags to the checks; yield the file of the declaration."""
        path = self.root / "dr_estate/model/stores.py"
        head, _, listed = path.read_text(encoding="utf-8").partition("STORES = (")
        declared = Template(f"{STORE}STORES = ({listed.rstrip().removesuffix(')')}, $STORE)\n").substitute(self.words)
        path.write_text(head + declared, encoding="utf-8")
        text = self.checks.read_text(encoding="utf-8") + LAGS
        for plain, whole in STORE_IMPORTS.items():
            text = text.replace(plain, whole)
        self.checks.write_text(Template(text).substitute(self.words), encoding="utf-8")
        yield path

    def _append(self, path: Path, head: str, part: str) -> Path:
        text = path.read_text(encoding="utf-8") if path.exists() else Template(head).substitute(self.words)
        path.write_text(text + Template(part).substitute(self.words), encoding="utf-8")
        return path

    def _feature_of(self, checks: Path) -> Path | None:
        """Return the last feature that says a sentence of the module, or None."""
        matches = _SAID.findall(checks.read_text(encoding="utf-8")) if checks.exists() else []
        features = sorted(self.root.glob("features/*.feature"))
        return next((f for f in features[::-1] if any(s in f.read_text(encoding="utf-8") for s in matches)), None)

    def _tags(self) -> list[str]:
        text = self.feature.read_text(encoding="utf-8") if self.feature.exists() else ""
        return re.findall(r"@(\w+)", text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the skeletons that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("new-check", "new-service", "new-store"))
    parser.add_argument("service", help="as AWS writes it in IAM actions: sqs")
    parser.add_argument("name", nargs="?", help="of the check: queue-encrypted; of the store: messages")
    parser.add_argument("--room", default="operations", help="folder of dr_checks for a new module")
    parser.add_argument("--area", type=Area, help="area of a new feature")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    store = (args.name or args.service) if args.what == "new-store" else ""
    check = FIRST_CHECK if store or not args.name else args.name
    if wrong := [word for word in (args.service, check, store or check) if not _NAME.fullmatch(word)]:
        parser.error(f"{wrong[0]!r} is no name: use small letters, digits and hyphens")
    if not (args.root / "dr_checks" / args.room / "__init__.py").exists():
        parser.error(f"dr_checks/{args.room} is no room of checks")
    area = args.area or (Area.REPLICATION if store else Area.INFRASTRUCTURE)
    skeletons = Skeletons(args.root, args.service, check, args.room, area, store)
    new = args.what != "new-check"
    if new == skeletons.checks.exists():
        parser.error(f"checks of {args.service} {'exist: use new-check' if new else 'do not exist: use new-service'}")
    if store in {known.id for known in STORES}:
        parser.error(f"the store {store} exists")
    if not new and f"def {skeletons.words['function']}(" in skeletons.checks.read_text(encoding="utf-8"):
        parser.error(f"the check {skeletons.words['check']} exists")
    written = [*([skeletons.write_reader()] if new else []), *skeletons.write_check()]
    for path in [*written, *(skeletons.write_store() if store else ())]:
        sys.stdout.write(f"{path.relative_to(args.root)}\n")


if __name__ == "__main__":
    main()

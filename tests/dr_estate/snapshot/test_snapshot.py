"""Evidence: what was seen can be kept, and judged again; what was changed afterwards is noticed."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from dr_estate.snapshot.snapshot import EvidenceError, from_json, read_evidence, to_json, write_json
from reports.evidence.pack import tar
from tests.dr_checks.worlds import DENIED, SIT, service, world

SEEN = world({(ecs.services, Side.DR): (service("sit-tenant1-service"),), (ecs.tasks, Side.DR): DENIED})


def test_evidence_judges_as_the_world_it_was_taken_of() -> None:
    again = from_json(to_json(SEEN))
    check = checks()["ecs.service-exists"]
    assert judge(check, SEEN, SIT) == judge(check, again, SIT)
    assert dict(SEEN.parts) == dict(again.parts)


def test_remembered_tenants_are_part_of_the_evidence() -> None:
    assert from_json(to_json(replace(SEEN, remembered_tenants=("shop",)))).remembered_tenants == ("shop",)


class _Watched:
    """A member of a part that counts how often somebody looks at its name."""

    looks = 0

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        _Watched.looks += 1
        return self._name


def test_a_member_is_found_without_a_look_at_all_others_each_time() -> None:
    members: Any = (DENIED, *(_Watched(f"service{number}") for number in range(300)), _Watched("service7"))
    snapshot = world({(ecs.services, Side.DR): members})
    found = [snapshot.find(ecs.services, Side.DR, name=f"service{number}") for number in range(300)]
    assert found == list(members[1:301]), "of two with one name the first"
    assert snapshot.find(ecs.services, Side.DR, name="gone") is None
    assert _Watched.looks == len(members) - 1


def test_evidence_that_was_changed_is_refused() -> None:
    body = orjson.loads(to_json(SEEN))
    body["parts"][0]["region"] = "elsewhere"
    with pytest.raises(EvidenceError, match="changed after it was saved"):
        from_json(orjson.dumps(body))


@pytest.mark.parametrize(
    "changed",
    [{"x": json.loads("[" * 300 + "]" * 300)}, {"parts": 5}, {"parts": ["x"]}, {"taken_at": 7}, {"calls": 5}],
    ids=["nested deeply", "no parts", "no part", "no time", "no calls"],
)
def test_evidence_that_somebody_wrote_by_hand_is_refused_in_a_sentence(changed: dict[str, Any]) -> None:
    body = {name: value for name, value in json.loads(to_json(SEEN)).items() if name != "digest"} | changed
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    with pytest.raises(EvidenceError, match=r"^evidence(: a part cannot be read| is JSON of another schema)"):
        from_json(json.dumps({"digest": digest.hexdigest(), **body}).encode())


def test_the_digest_is_over_the_whole_with_sorted_keys() -> None:
    body = orjson.loads(to_json(SEEN))
    digest = body.pop("digest")
    assert hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest() == digest


def test_evidence_of_many_parts_takes_the_memory_of_its_text_alone() -> None:
    """Plain values of all parts at once are several times their text: with them the peak was 4.6 times."""
    services = tuple(service(f"sit-tenant{number}-service") for number in range(100))
    parts = {
        (f"part {number}", Side.DR): replace(SEEN.parts[ecs.services.name, Side.DR], value=services)
        for number in range(40)
    }
    whole = replace(SEEN, parts=parts)
    to_json(whole)
    tracemalloc.start()
    written = to_json(whole)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(written)


def test_evidence_is_written_some_rows_at_a_time(tmp_path: Path) -> None:
    services = tuple(service(f"sit-tenant{number}-service") for number in range(10_000))
    part = replace(SEEN.parts[ecs.services.name, Side.DR], value=services)
    whole = replace(SEEN, parts={(ecs.services.name, Side.DR): part})
    path = tmp_path / "evidence.json"
    with path.open("wb") as file:
        tracemalloc.start()
        write_json(whole, file)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < path.stat().st_size / 2, "one part as a whole took seventeen times its text"
    assert read_evidence(path).parts == whole.parts


@pytest.mark.parametrize("rows", [0, 1, 100, 101])
def test_a_part_of_any_length_is_written_whole(rows: int) -> None:
    services = tuple(service(f"sit-tenant{number}-service") for number in range(rows))
    part = replace(SEEN.parts[ecs.services.name, Side.DR], value=services)
    whole = replace(SEEN, parts={(ecs.services.name, Side.DR): part})
    assert from_json(to_json(whole)).parts == whole.parts


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"{}", "JSON of another schema"),
        (b"[1]", "JSON of another schema"),
        (b'{"schema": "other/1"}', "JSON of another schema"),
        (lzma.compress(to_json(SEEN)), "compressed by xz"),
        (gzip.compress(to_json(SEEN)), "compressed by gzip"),
        (bz2.compress(to_json(SEEN)), "compressed by bzip2"),
        (tar({"manifest.json": b"{}"}), "a tar archive, such as a pack of `dr_cli.py evidence`"),
        (b"\x89PNG\r\n", "a binary file"),
    ],
)
def test_what_is_no_evidence_is_refused_with_the_command_that_writes_it(data: bytes, kind: str) -> None:
    with pytest.raises(EvidenceError, match=f"^evidence is {kind}.*`dr_cli.py status --save-evidence FILE` writes it"):
        from_json(data)


def test_a_missing_evidence_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be read: No such file"):
        read_evidence(tmp_path / "none.json")

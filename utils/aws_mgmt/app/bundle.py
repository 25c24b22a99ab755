"""A bundle for the maintainers: what AWS answered, evidence, environment file and its base, with placeholders.

``recordings/`` is replayed by the contract tests, ``evidence.json`` by ``--from-evidence`` with ``--config`` on the
bundle's ``environments/``. Ids, names, addresses and values are replaced, the same one by the same placeholder.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from dr_estate.aws.recording import Exchange, save
from dr_estate.config.environment import files_of
from dr_estate.snapshot.placeholders import Placeholders, public_words
from dr_estate.snapshot.registry import reads
from dr_estate.snapshot.snapshot import Snapshot, rewritten_evidence, to_json
from utils.aws_mgmt.app.run_folder import private_file

_README = """What an AWS DR Manager read in one account, with placeholders for ids, names, addresses and values.
Judge it: dr -e {name} --config environments --from-evidence evidence.json status
"""


def placeholders() -> Placeholders:
    """A new mapping; nothing of it is kept."""
    return Placeholders(public_words(reads()))


def write_bundle(path: Path, exchanges: Sequence[Exchange], snapshot: Snapshot | None, environment_file: Path) -> int:
    """Write the bundle as a zip file of the user's own (0600). Returns the number of answers in it."""
    shown = placeholders()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        answers = save(exchanges, folder / "recordings", shown.value)
        name = shown.text(environment_file.stem)
        environments = folder / "environments"
        environments.mkdir()
        for part in files_of(environment_file):
            text = shown.text(part.read_text(encoding="utf-8"))
            (environments / f"{shown.text(part.stem)}.toml").write_text(text, encoding="utf-8")
        if snapshot is not None:
            (folder / "evidence.json").write_bytes(rewritten_evidence(to_json(snapshot), shown.value))
        (folder / "README").write_text(_README.format(name=name), encoding="utf-8")
        with private_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for found in sorted(folder.rglob("*")):
                archive.write(found, found.relative_to(folder))
    return answers

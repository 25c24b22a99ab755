"""The bundle for the maintainers holds what its environment file stands on."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

from dr_estate.config.environment import environment_names, load_environment
from tests.utils.running import ROOT, rules
from utils.aws_mgmt.app.bundle import write_bundle


def test_a_base_that_is_not_shipped_is_in_the_bundle_with_placeholders(tmp_path: Path) -> None:
    folder = rules(tmp_path, "sit", "")
    file, base = folder / "sit.toml", (ROOT / "environments" / "bbws.base.toml").read_text(encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace('"bbws"', '"ours"'), encoding="utf-8")
    (folder / "ours.base.toml").write_text(base.replace("bbws-", "oursecret-"), encoding="utf-8")
    write_bundle(tmp_path / "bundle.zip", [], None, file)
    with ZipFile(tmp_path / "bundle.zip") as bundle:
        bundle.extractall(tmp_path / "bundle")
    written = tmp_path / "bundle" / "environments"
    (name,) = environment_names(written)
    assert len(load_environment(folder, "sit").names.buckets) == len(load_environment(written, name).names.buckets)
    assert not [path for path in written.iterdir() if "oursecret" in path.read_text(encoding="utf-8")]

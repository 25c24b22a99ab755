"""Where the Allure generator is installed: in a plain folder, or beside what other checkouts share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports.allure import install


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders into which npm was requests to install; it writes what it was requests for."""
    folders: list[Path] = []

    def install_packages(folder: Path, *packages: str) -> str:
        folders.append(folder)
        assert packages == (install.ALLURE,)
        write(folder, install.ALLURE.partition("@")[2])
        return ""

    monkeypatch.setattr(install, "install_packages", install_packages)
    return folders


def write(folder: Path, version: str) -> None:
    package = folder / "node_modules" / "allure" / "package.json"
    package.parent.mkdir(parents=True, exist_ok=True)
    package.write_text(json.dumps({"version": version}), encoding="utf-8")


def test_it_is_installed_once_where_there_is_no_folder_of_tools(tmp_path: Path, requests: list[Path]) -> None:
    folder = tmp_path / ".tools" / "allure"
    assert (0, 0) == (install.install(folder), install.install(folder))
    assert [folder] == requests


def test_a_link_to_the_wanted_version_is_left(tmp_path: Path, requests: list[Path]) -> None:
    write(tmp_path / "shared", install.ALLURE.partition("@")[2])
    link = tmp_path / "allure"
    link.symlink_to(tmp_path / "shared")
    assert 0 == install.install(link)
    assert ([], True) == (requests, link.is_symlink())


def test_a_link_to_another_version_is_replaced_and_what_it_led_to_stays(tmp_path: Path, requests: list[Path]) -> None:
    write(tmp_path / "shared", "3.0.0")
    link = tmp_path / "allure"
    link.symlink_to(tmp_path / "shared")
    assert 0 == install.install(link)
    assert ([link], False) == (requests, link.is_symlink())
    package = json.loads((tmp_path / "shared" / "node_modules" / "allure" / "package.json").read_text(encoding="utf-8"))
    assert "3.0.0" == package["version"]

"""The sandbox's speed-ups change when something is computed, and not what."""

from __future__ import annotations

import pytest
from moto.moto_server import werkzeug_app

from sandbox.moto_ext import speedups


def test_a_service_has_one_application_in_a_process() -> None:
    speedups.install()
    assert werkzeug_app.create_backend_app("sns") is werkzeug_app.create_backend_app("sns")
    assert werkzeug_app.create_backend_app("sns") is not werkzeug_app.create_backend_app("kms")


def test_the_switch_leaves_the_emulator_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DR_NO_SPEEDUPS", "1")
    monkeypatch.setattr(werkzeug_app, "create_backend_app", plain := lambda service: service)
    speedups.install.__wrapped__()
    assert werkzeug_app.create_backend_app is plain

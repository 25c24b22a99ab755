"""What the emulator reckons late or once, it reckons as before."""

from __future__ import annotations

from moto.moto_server import werkzeug_app
from werkzeug.routing import Map, Rule

from sandbox.moto_ext import speedups


def test_a_route_still_builds_its_url() -> None:
    speedups.install()
    routes = Map([Rule("/buckets/<name>", endpoint="bucket")]).bind("s3.example")
    assert routes.build("bucket", {"name": "shop"}) == "/buckets/shop"
    assert routes.build("bucket", {"name": "shop", "versions": 1}) == "/buckets/shop?versions=1"
    assert routes.match("/buckets/shop") == ("bucket", {"name": "shop"})


def test_a_service_has_one_application_in_a_process() -> None:
    speedups.install()
    assert werkzeug_app.create_backend_app("sns") is werkzeug_app.create_backend_app("sns")
    assert werkzeug_app.create_backend_app("sns") is not werkzeug_app.create_backend_app("kms")

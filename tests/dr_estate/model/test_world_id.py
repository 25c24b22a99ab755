"""Worlds by name: two of them never share a folder, and no name holds a credential."""

from __future__ import annotations

from dr_estate.model.world_id import WorldId, is_sandbox, report_title

ACCOUNT = "815856636111"
LIVE, SANDBOX = WorldId.live(ACCOUNT), WorldId.sandbox(ACCOUNT, "5ea1c0ffee00")
PROXY = WorldId.live(ACCOUNT, "https://user:hush@proxy.example:8443/aws?key=hush#hush")


def test_a_world_is_named_without_credentials() -> None:
    assert ("live AWS", "sandbox 5ea1c0ffee00") == (LIVE.name, SANDBOX.name)
    assert PROXY.name == "endpoint https://proxy.example:8443/aws"
    assert "hush" not in f"{PROXY.full_name} {PROXY.folder} {PROXY.to_json()}"


def test_two_worlds_never_share_a_folder() -> None:
    like = WorldId.live(ACCOUNT, "https://proxy.example:8443/other")
    table = WorldId.live(ACCOUNT, dynamodb="http://user:hush@127.0.0.1:8000")
    assert (table.name, "hush" in table.folder) == ("endpoint dynamodb=http://127.0.0.1:8000", False)
    worlds = [LIVE, SANDBOX, PROXY, like, table, WorldId.sandbox(ACCOUNT, "0"), WorldId.live("536580886816")]
    assert len({world.folder for world in worlds}) == len(worlds)
    assert all(set(world.folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-") for world in worlds)


def test_a_world_is_read_back_and_anything_else_is_none() -> None:
    assert [LIVE, SANDBOX, PROXY] == [WorldId.from_json(world.to_json()) for world in (LIVE, SANDBOX, PROXY)]
    for other in (None, "live", {}, {**LIVE.to_json(), "kind": "moon"}, {**LIVE.to_json(), "account": 1}):
        assert WorldId.from_json(other) is None


def test_a_report_of_a_sandbox_is_titled_as_a_rehearsal() -> None:
    assert report_title("DR status", f"{SANDBOX.name}, from evidence") == "SANDBOX REHEARSAL: DR status"
    assert [report_title("DR status", world.name) for world in (LIVE, PROXY)] == ["DR status"] * 2
    assert not is_sandbox("")

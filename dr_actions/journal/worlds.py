"""A journal belongs to one world: another world's is refused by name, never taken for this one's. Pure."""

from __future__ import annotations

from dr_actions.journal.entries import Chain
from dr_estate.model.world_id import NOT_RECORDED, WorldId


class OtherWorld(Exception):
    """The journal is of another world than the one that is asked; the message names both."""

    def __init__(self, where: str, recorded: WorldId | None, asked: WorldId) -> None:
        says = f"names no world ({NOT_RECORDED}: an earlier version wrote it); it is read for audit, never gone on with"
        remedy = "Choose another incident."
        if recorded is not None:
            says = f"is of another world: {recorded.full_name}. This is {asked.full_name}"
            remedy = "Choose that world, or another incident."
        super().__init__(f"The record in {where} {says}. {remedy}")


def of_this_world(chain: Chain, where: str, world: WorldId) -> Chain:
    """The chain itself. Raises OtherWorld where its entries are of another world than ``world``, or of none."""
    if chain.entries and chain.world != world:
        raise OtherWorld(where, chain.world, world)
    return chain

"""The rules that the approver pinned of this world, where two people are asked: all settings, and no exception.

They are pinned as a world starts, not as it is built: a kept world serves settings of execution that it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.control_items import APPROVAL, RULES
from dr_estate.model.dynamodb_values import encode_item, instant
from sandbox.core.state import now
from sandbox.world.world import World

_PERSON = "approver"


def pin(world: World, settings: Mapping[str, Any]) -> None:
    """Let the approver have pinned ``settings`` this moment, in the place of what was pinned before."""
    user = world.call(Side.GLOBAL, "iam", "GetUser", UserName=_PERSON)["User"]
    rules = json.dumps({"environment": settings, "exceptions": []}, sort_keys=True)
    who = {"arn": user["Arn"], "person": _PERSON, "at": instant(now())}
    # The item as `approve --rules` writes it: the tool must find no difference to its own.
    item = {"pk": APPROVAL + user["UserId"], "sk": RULES, "digest": "", "rules": rules, **who}
    table = world.environment.named(world.environment.names.control_table)
    world.call(Side.DR, "dynamodb", "PutItem", TableName=table, Item=encode_item(item))

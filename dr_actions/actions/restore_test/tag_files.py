"""Tags the file system that a restore test made, so that everybody sees whose it is, IAM too."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.restore_test import restored_files, shared
from dr_actions.model.action import Sight, action
from dr_actions.model.plan import Step
from dr_estate.readers import efs


@shared.tried
def foresee(sight: Sight) -> Iterator[Step]:
    """The step, where files are tried."""
    if shared.files_point(sight) is not None:
        yield restored_files.mark(sight, __name__, shared.files_name(sight.env, sight.incident))


VERB = action(
    globals(), {restored_files.TAG_IT}, (efs.of_drills,), confirm=restored_files.confirm_mark, fill=restored_files.fill
)

"""Commands of all processes of a session are forked from one process, which has imported the product once."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from tests.utils.forking import begin
from tests.utils.running import PATIENCE_S


def _forked_from(folder: Path) -> str:
    script = folder / "parent.py"
    folder.mkdir(exist_ok=True)
    script.write_text("import os\nprint(os.getppid())", encoding="utf-8")
    command = begin([str(script)], {}, folder / "printed")
    assert command.wait(PATIENCE_S) == 0
    return command.out


def test_a_process_that_was_forked_since_uses_the_same_server(tmp_path: Path) -> None:
    ours = _forked_from(tmp_path / "ours")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests may stand idle here
        pid = os.fork()
    if not pid:
        try:
            (tmp_path / "theirs").write_text(_forked_from(tmp_path / "child"), encoding="utf-8")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    assert (tmp_path / "theirs").read_text(encoding="utf-8") == ours

"""A program that takes terraform's words, keeps them, and answers as a test tells it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from dr_actions.clients.terraform import Terraform

SECRET = "correct-horse-battery"
SHIM = f"""#!{sys.executable}
import json, os, sys, time
from pathlib import Path
script = json.loads(Path(__file__).with_name("script.json").read_text())
word, words = sys.argv[1], sys.argv[2:]
said = Path(__file__).with_name("said.jsonl")
ours = {{name: value for name, value in os.environ.items() if name.startswith("TF_")}}
with said.open("a") as out:
    out.write(json.dumps([word, words, os.getcwd(), ours]) + "\\n")
for option in words:
    if option.startswith("-out="):
        Path(option[5:]).write_text("the plan file")
if word == "show":
    print(json.dumps(script["shown"]))
    sys.exit(0)
if word == "apply" and Path(words[-1]).read_text() != "the plan file":
    sys.exit("no such plan")
print("with", os.environ.get("AWS_SECRET_ACCESS_KEY", "nothing"))
done = script.get(word, {{}})
time.sleep(done.get("sleeps_s", 0))
sys.stderr.write(done.get("errors", ""))
sys.exit(done.get("exits", 2 if word == "plan" else 0))
"""


class Shim:
    """A program in a folder of its own that takes terraform's words, keeps them, and answers as a test tells it."""

    def __init__(self, place: Path) -> None:
        self.place, self.run, self.module = place / "bin", place / "run", place / "module"
        self.place.mkdir()
        self.module.mkdir()
        program = self.place / "terraform"
        program.write_text(SHIM)
        program.chmod(0o755)
        self.answers()

    def answers(self, shown: Any = None, **words: Any) -> None:
        """``shown`` is the plan as JSON; each of ``words`` says how that word exits, errs, and how long it takes."""
        (self.place / "script.json").write_text(json.dumps({"shown": shown or {"format_version": "1.2"}, **words}))

    def said(self) -> list[Any]:
        return [json.loads(line) for line in (self.place / "said.jsonl").read_text().splitlines()]

    @property
    def variables(self) -> dict[str, str]:
        path = f"{self.place}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "AWS_SECRET_ACCESS_KEY": SECRET, "TF_CLI_ARGS_apply": "-auto-approve", "TF_LOG": "TRACE"}

    def terraform(self, timeout_s: float = 30) -> Terraform:
        return Terraform("terraform", self.module, self.run, self.variables, timeout_s)

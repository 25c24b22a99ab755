"""What stands around the questions, made and destroyed by Terraform in a folder of the run's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from truth_kit.account import Account

MODULE = Path(__file__).parents[1] / "terraform"


class TerraformFails(Exception):
    """Terraform did not do as asked. The message ends with its own last words."""


def build(account: Account, folder: Path, program: str) -> dict[str, str]:
    """Apply the module in ``folder``, which keeps its state. Returns its outputs. Raises TerraformFails."""
    # The folder of an interrupted run is taken up again: its state holds what stands.
    shutil.copytree(MODULE, folder, dirs_exist_ok=True)
    variables = {"run": account.run, "primary": account.primary, "dr": account.dr}
    if account.endpoint_url:
        variables["endpoint_url"] = account.endpoint_url
    (folder / "terraform.tfvars.json").write_text(json.dumps(variables), encoding="utf-8")
    _run(program, folder, "init", "-input=false", "-no-color")
    _run(program, folder, "apply", "-input=false", "-no-color", "-auto-approve")
    outputs = json.loads(_run(program, folder, "output", "-json", "-no-color"))
    return {name: str(row["value"]) for name, row in outputs.items()}


def destroy(folder: Path, program: str) -> None:
    """Destroy what ``build`` made, and forget the folder. Raises TerraformFails; then the folder stays."""
    _run(program, folder, "destroy", "-input=false", "-no-color", "-auto-approve")
    shutil.rmtree(folder)


def _run(program: str, folder: Path, *arguments: str) -> str:
    run = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        raise TerraformFails(
            f"`{program} {arguments[0]}` in {folder} failed: {(run.stderr or run.stdout)[-1500:].strip()}"
        )
    return run.stdout

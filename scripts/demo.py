"""From nothing to a real OpenStack that is what YAML says, drifts, and is healed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console

TOP = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
HOME = TOP / ".demo" / "cloud"
PORTS = "27000"
STATE = "desired_state/campus"
PLAN = ".demo/first.plan"
PASSWORDS = ("RAFAEL", "MARCOS", "EDERSON", "GLANCE", "NOVA", "NEUTRON", "CINDER", "KEYSTONE")
console = Console(highlight=False)


def say(text: str) -> None:
    console.print(f"\n[bold cyan]── {text}[/]")


def run(words: str, environ: dict[str, str], *, ok: tuple[int, ...] = (0,)) -> int:
    """Show a command and run it, as a person would."""
    console.print(f"[bold green]$[/] [bold]{words}[/]", soft_wrap=True)
    status = subprocess.run(shlex.split(words), cwd=TOP, env=environ, check=False).returncode
    if status not in ok:
        console.print(f"[bold red]{words}: exit {status}, expected {ok}[/]")
        sys.exit(1)
    return status


def cloud_environ(environ: dict[str, str]) -> dict[str, str]:
    """Read what `devcloud env` prints for a shell."""
    words = [str(BIN / "reconciler"), "devcloud", "env", "--home", str(HOME), "--port-base", PORTS]
    text = subprocess.run(words, env=environ, check=True, capture_output=True, text=True).stdout
    pairs = (word.partition("=") for word in shlex.split(text) if "=" in word)
    return {key: value for key, _, value in pairs}


def main() -> None:
    environ = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    for name in PASSWORDS:
        environ.setdefault(f"{name}_PASSWORD", f"demo-{name.lower()}")
    where = f"--home {HOME.relative_to(TOP)} --port-base {PORTS}"

    say("1. A real OpenStack on this machine: Keystone, Glance, Nova, Neutron, Cinder, Placement")
    again = (HOME / "clouds.yaml").exists()
    run(f"reconciler devcloud {'reset' if again else 'up'} {where}", environ)
    environ |= cloud_environ(environ)

    say("2. What would change, to make it the campus cloud that the YAML describes?")
    run(f"reconciler plan --state {STATE} --owner demo --out {PLAN}", environ)
    say("3. Make it so: this very plan, adoptions of what is there already too")
    run(f"reconciler apply {PLAN}", environ)
    say("4. And now? Nothing is left to do")
    run(f"reconciler plan --state {STATE} --owner demo --detailed-exitcode", environ)

    say("5. Somebody changes things behind its back, with the ordinary SDK")
    run("python scripts/meddle.py", environ)
    say("6. The drift, with names and fields (exit code 2: there are differences)")
    run(f"reconciler plan --state {STATE} --owner demo --detailed-exitcode", environ, ok=(2,))
    say("7. Heal it")
    run(f"reconciler apply --state {STATE} --owner demo --auto-approve", environ)
    run(f"reconciler plan --state {STATE} --owner demo --detailed-exitcode", environ)

    say("Look around")
    console.print(
        f"""  eval "$(.venv/bin/reconciler devcloud env {where})"
  .venv/bin/reconciler plan --state {STATE}        # edit a file there first
  .venv/bin/reconciler export my-cloud            # the whole cloud as YAML
  less {STATE}/*.yaml                              # what was applied
Stop it, and take it away:
  .venv/bin/reconciler devcloud down {where}
  rm -r .demo""",
        markup=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()

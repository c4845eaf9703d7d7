"""The Python that has the peers' packages: one that the user names, or an environment of the comparison's own."""

import filecmp
import os
import shutil
import subprocess
import sys

from sides import HERE, SideFailed, run

REQUIREMENTS = os.path.join(HERE, "requirements.txt")
FIND = "import importlib.util, sys; print(*[name for name in sys.argv[1:] if not importlib.util.find_spec(name)])"


def install(folder, requirements, call=subprocess.check_call):
    """The Python of an environment in `folder`, which is made where it is not there or `requirements` have changed."""
    environment, installed = os.path.join(folder, "venv"), os.path.join(folder, "installed.txt")
    python = os.path.join(environment, "bin", "python")
    if os.path.exists(installed) and filecmp.cmp(requirements, installed, shallow=False):
        return python
    print(f"compare: installing the peers into {folder} (about 5 GB; llama.cpp is built from source)", file=sys.stderr)
    os.makedirs(folder, exist_ok=True)
    try:
        call([sys.executable, "-m", "venv", environment], stdout=sys.stderr)
        call([python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "-r", requirements],
             stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SideFailed(f"the peers could not be installed into {folder}: {error}") from None
    shutil.copyfile(requirements, installed)
    return python


def check(python, packages):
    """Errors: SideFailed naming the packages that `python` lacks."""
    missing = run([python, "-c", FIND, *packages]).split()
    if missing:
        raise SideFailed(f"{python} lacks {', '.join(missing)}; "
                         f"{python} -m pip install -r {REQUIREMENTS} installs what the peers need")


def find(cache, packages):
    """A Python that has the packages: $PEERS_PYTHON, or one in the folder `cache`. Errors: SideFailed."""
    if not packages:
        return sys.executable
    python = os.environ.get("PEERS_PYTHON") or install(cache, REQUIREMENTS)
    check(python, packages)
    return python

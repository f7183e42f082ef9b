"""The Python of an agent's process can import exactly what the Python of the harness can, however that came about."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import rlbench
from rlbench.errors import UserError
from rlbench.harness.isolation import interpreter

PROGRAM = """
import json, subprocess, sys, types
sys.path += {packages!r}
sys.path[:0] = {added!r}
package = sys.modules["rlbench"] = types.ModuleType("rlbench")
package.__path__ = [{root!r}]
from rlbench.harness.isolation import interpreter

LOOK = '''
import json, sys
def sees(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True
flags = [sys.flags.optimize, sys.flags.utf8_mode, sys.flags.hash_randomization, sys.warnoptions]
print(json.dumps([sees("onlyhere"), flags]), flush=True)
'''
exec(LOOK)
*command, boot = interpreter.command()
boot = boot.replace("worker.main()", LOOK)
subprocess.run([*command, boot], cwd={folder!r}, env=interpreter.environment({folder!r}), check=True)
"""
if sys.version_info >= (3, 11):
    BASE_PYTHON = sys._base_executable
else:  # where that is the Python of the virtual environment
    BASE_PYTHON = f"{sys.base_prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
USER_SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
FINDER = """
import importlib.machinery, sys
class Finder:
    def find_spec(name, path=None, target=None):
        if name == "onlyhere":
            return importlib.machinery.PathFinder.find_spec(name, [{folder!r}])
sys.meta_path.append(Finder)
"""


def module(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "onlyhere.py").write_text("K = 0.3\n", encoding="utf-8")
    return str(folder)


def in_user_site(tmp_path, name, text):
    (tmp_path / "home/.local" / USER_SITE).mkdir(parents=True)
    (tmp_path / "home/.local" / USER_SITE / name).write_text(text, encoding="utf-8")


def user_site(tmp_path):
    module(tmp_path / "home/.local" / USER_SITE)
    return {}


def user_base(tmp_path):
    module(tmp_path / "base" / USER_SITE)
    return {"environment": {"PYTHONUSERBASE": str(tmp_path / "base")}}


def path_file(tmp_path):
    in_user_site(tmp_path, "more.pth", module(tmp_path / "elsewhere"))
    return {}


def editable_install(tmp_path):
    """As setuptools installs a package that is being worked on: a .pth file that imports a finder."""
    in_user_site(tmp_path, "finder.pth", "import own_finder\n")
    text = FINDER.format(folder=module(tmp_path / "elsewhere"))
    (tmp_path / "home/.local" / USER_SITE / "own_finder.py").write_text(text, encoding="utf-8")
    return {}


def relative_path(tmp_path):
    module(tmp_path / "mine")
    return {"environment": {"PYTHONPATH": "mine"}}


def zipped(tmp_path):
    module(tmp_path)
    with zipfile.ZipFile(tmp_path / "mine.zip", "w") as archive:
        archive.write(tmp_path / "onlyhere.py", "onlyhere.py")
    (tmp_path / "onlyhere.py").unlink()
    return {"environment": {"PYTHONPATH": str(tmp_path / "mine.zip")}}


def customised(tmp_path):
    (tmp_path / "custom").mkdir()
    text = f"import sys\nsys.path.append({module(tmp_path / 'elsewhere')!r})\n"
    (tmp_path / "custom/sitecustomize.py").write_text(text, encoding="utf-8")
    return {"environment": {"PYTHONPATH": str(tmp_path / "custom")}}


def added_by_the_program(tmp_path):
    return {"added": [module(tmp_path / "elsewhere")], "options": ["-I"]}


def added_by_a_relative_name(tmp_path):
    module(tmp_path / "mine")
    return {"added": ["mine"]}


def odd_name(tmp_path):
    return {"added": [module(tmp_path / os.fsdecode(b"\xff a'\n\"b"))]}


def virtual_environment(tmp_path):
    command = [BASE_PYTHON, "-m", "venv", "--without-pip", "--system-site-packages", tmp_path / "venv"]
    subprocess.run(command, check=True)
    module(tmp_path / "venv" / USER_SITE)
    return {"python": str(tmp_path / "venv/bin/python")}


def without_user_site(tmp_path):
    return user_site(tmp_path) | {"options": ["-s"], "sees": False}


def isolated(tmp_path):
    return user_base(tmp_path) | relative_path(tmp_path) | {"options": ["-I"], "sees": False}


def without_site(tmp_path):
    return user_site(tmp_path) | {"options": ["-S"], "sees": False}


def ignoring_the_environment(tmp_path):
    return user_site(tmp_path) | {"options": ["-E"]}


def optimised(tmp_path):
    return user_site(tmp_path) | {"options": ["-OO", "-B", "-W", "ignore", "-X", "utf8=0"]}


OFTEN = [
    *(user_site, editable_install, relative_path, added_by_the_program, added_by_a_relative_name),
    *(isolated, ignoring_the_environment),
]
RARELY = [
    *(user_base, path_file, zipped, customised, odd_name, virtual_environment),
    *(without_user_site, without_site, optimised),
]
WAYS = [*OFTEN, *(pytest.param(way, marks=pytest.mark.slow) for way in RARELY)]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_it_sees_what_the_harness_sees(way, tmp_path):
    setting = {"python": BASE_PYTHON, "options": [], "environment": {}, "added": [], "sees": True}
    setting |= way(tmp_path)
    (tmp_path / "cwd").mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), **setting["environment"]}
    text = PROGRAM.format(
        packages=[each for each in sys.path if "site-packages" in each],
        added=setting["added"],
        root=str(Path(rlbench.__file__).parent),
        folder=str(tmp_path / "cwd"),
    )
    command = [setting["python"], *setting["options"], "-c", text]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    (here, _), (there, flags) = map(json.loads, done.stdout.splitlines()[-2:])
    assert (here, there) == (setting["sees"], setting["sees"])
    assert flags == [0, 1, 0, []]


def test_a_python_that_is_not_known(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(UserError, match=r"sys.executable is empty, .*; run rlbench by a Python"):
        interpreter.command()

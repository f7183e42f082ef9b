"""What is installed and imported: the owner's packages, the extras, the cost of `import rlbench`."""

import contextlib
import importlib
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import rlbench

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
OWNERS_PACKAGES = {
    "gymnasium": "gymnasium",
    "ale-py": "ale_py",
    "torch": "torch",
    "pygame": "pygame",
    "numpy": "numpy",
    "pandas": "pandas",
    "pytest-benchmark": "pytest_benchmark",
}


def names(requirements):
    return {re.match(r"[\w-]+", each).group() for each in requirements}


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("package", OWNERS_PACKAGES)
def test_the_owners_packages_are_declared_and_installed(package):
    """`make run` installs the extra `all`; each package is in it or among the hard dependencies, and imports."""
    extras = project()["optional-dependencies"]
    inside = re.search(r"\[(.*)\]", extras["all"][0]).group(1).split(",")
    declared = names(project()["dependencies"]) | {each for name in inside for each in names(extras[name])}
    assert package in declared
    assert "'.[all]'" in (ROOT / "Makefile").read_text(encoding="utf-8")
    spec = importlib.util.find_spec(OWNERS_PACKAGES[package])
    assert spec is not None


def pinned():
    """The requirements in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def test_every_pinned_package_is_what_is_installed():
    """CI runs what constraints.txt says; a build tag such as torch's +cpu may follow."""
    pytest.importorskip("envpool", reason="pip install 'rlbench[all,peers,ray]'")
    for requirement in pinned():
        if requirement.marker is None or requirement.marker.evaluate():
            version = importlib.metadata.version(requirement.name).split("+")[0]
            assert f"=={version}" == str(requirement.specifier), requirement.name


@pytest.mark.parametrize("python", ["3.10", "3.12", "3.13"])
def test_no_package_is_pinned_where_it_does_not_run(python):
    """Of those that are installed here; pip would look for hours for what fits, and not say why."""
    for requirement in pinned():
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                needed = importlib.metadata.metadata(requirement.name)["Requires-Python"] or ""
                assert SpecifierSet(needed).contains(f"{python}.1"), f"{requirement} needs Python {needed}"


def test_import_is_light():
    heavy = ["torch", "numba", "mujoco", "ale_py", "pygame", "pandas", "scipy", "rich", "matplotlib", "tyro", "jinja2"]
    code = f"import sys, rlbench; print([name for name in {heavy} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8").stdout.strip()
        == "[]"
    )


def test_the_version_is_the_same_wherever_it_is_named():
    """The package's own is the only one; records, the changes and the citation name it."""
    assert "version" in project()["dynamic"]
    assert f"\nversion: {rlbench.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "docs" / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", changes, re.MULTILINE)[0] == rlbench.__version__

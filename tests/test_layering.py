"""Layers: what the rooms of both packages may reach, by imports of imports, and that no modules form a circle.

The import graph is read from the files: imports inside functions count, imports for type checkers do not.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("rlbench", "baselines")
SUBMISSIONS = "baselines/pretrained"  # run in processes of their own

STAGES = (
    *("field_rules", "tasks", "adapters", "layers", "manifest", "contents", "submission"),
    *("isolation", "results", "ranking"),
)
SEARCH_FOLDER = ("rlbench.harness.search_player.folder", "rlbench.search.files", "rlbench.search.settings")
HARNESS = (*(f"rlbench.harness.{stage}" for stage in STAGES), *SEARCH_FOLDER)
ENVIRONMENTS = ("rlbench", "rlbench.environments", "rlbench.foreign", "rlbench.process", "rlbench.registry")
UP_TO_SUBMISSION = (
    *ENVIRONMENTS,
    "rlbench.regular_files",
    "rlbench.text_files",
    *SEARCH_FOLDER,
    *HARNESS[: STAGES.index("submission")],
)
PUBLIC = (
    *(
        "rlbench",
        "rlbench.appended_files",
        "rlbench.arithmetic",
        "rlbench.environments",
        "rlbench.errors",
        "rlbench.foreign",
        "rlbench.process",
        "rlbench.progress",
        "rlbench.registry",
    ),
    *("rlbench.charts", "rlbench.exit_codes", "rlbench.options", "rlbench.space_tree", "rlbench.streams"),
    *("rlbench.child_guard", "rlbench.child_monitor", "rlbench.children", "rlbench.program", "rlbench.text_files"),
    *("rlbench.regular_files", "rlbench.whole_files"),
)
COMMAND_LINE = (
    *(
        "rlbench.arithmetic",
        "rlbench.cli",
        "rlbench.errors",
        "rlbench.exit_codes",
        "rlbench.options",
        "rlbench.process",
        "rlbench.program",
    ),
    "rlbench.streams",
)

BELOW_COMMANDS = (
    *("baselines", "rlbench.controls", "rlbench.controls.protocol", "rlbench.core", "rlbench.drawing"),
    *("rlbench.envs", "rlbench.gtp", "rlbench.interact", "rlbench.harness", *HARNESS, *PUBLIC),
    *("rlbench.conformance", "rlbench.testing"),
)

MAY_REACH = {
    "rlbench": ("rlbench.registry",),
    "rlbench.__main__": ("rlbench", "rlbench.registry", *COMMAND_LINE),
    "rlbench.cli": ("rlbench", "rlbench.registry", *COMMAND_LINE),
    "rlbench.appended_files": ("rlbench.errors",),
    "rlbench.arithmetic": ("rlbench.process",),
    "rlbench.charts": ("rlbench.process",),
    "rlbench.environments": ("rlbench.errors", *ENVIRONMENTS),
    "rlbench.exit_codes": ("rlbench.errors",),
    "rlbench.program": ("rlbench.errors", "rlbench.exit_codes", "rlbench.process", "rlbench.streams"),
    "rlbench.options": ("rlbench.errors", "rlbench.process", "rlbench.streams"),
    "rlbench.streams": ("rlbench.errors",),
    "rlbench.testing": ("rlbench.conformance",),
    "rlbench.conformance": (),
    "rlbench.errors": (),
    "rlbench.process": (),
    "rlbench.children": ("rlbench.process",),
    "rlbench.child_guard": ("rlbench.children", "rlbench.process"),
    "rlbench.child_monitor": ("rlbench.errors",),
    "rlbench.progress": ("rlbench.errors", "rlbench.process", "rlbench.streams"),
    "rlbench.registry": (),
    "rlbench.regular_files": (),
    "rlbench.space_tree": ("rlbench.errors",),
    "rlbench.whole_files": (),
    "rlbench.text_files": ("rlbench.errors",),
    "rlbench.drawing": ("rlbench.children", "rlbench.errors", "rlbench.process"),
    "rlbench.controls": ("rlbench.controls.protocol", "rlbench.errors", "rlbench.space_tree"),
    "rlbench.controls.protocol": (),
    "rlbench.core": (
        *("rlbench.children", "rlbench.drawing", "rlbench.errors", "rlbench.process", "rlbench.space_tree"),
        *("rlbench.registry", "rlbench.whole_files"),  # rules are registered where somebody wraps them
    ),
    "rlbench.envs": (
        *("rlbench.controls.protocol", "rlbench.core", "rlbench.drawing", "rlbench.whole_files"),
        *("rlbench.children", "rlbench.errors", "rlbench.process", "rlbench.registry", "rlbench.space_tree"),
        *("rlbench.child_guard", "rlbench.child_monitor"),
    ),
    "rlbench.search": (
        *("rlbench.children", "rlbench.core", "rlbench.drawing", "rlbench.errors", "rlbench.process"),
        *("rlbench.space_tree", "rlbench.whole_files", "rlbench.search.settings"),
    ),
    "rlbench.search.files": ("rlbench.errors", "rlbench.search.settings"),
    "rlbench.search.settings": ("rlbench.errors",),
    "rlbench.harness.search_player": (
        *("rlbench", "rlbench.children", "rlbench.child_guard", "rlbench.child_monitor", "rlbench.controls.protocol"),
        *("rlbench.core", "rlbench.drawing", "rlbench.envs", "rlbench.errors", "rlbench.process", "rlbench.registry"),
        *("rlbench.space_tree", "rlbench.whole_files", "rlbench.harness.layers", "rlbench.search"),
        *("rlbench.search.files", "rlbench.search.settings", "rlbench.harness.search_player.folder"),
    ),
    "rlbench.harness.search_player.folder": (
        *("rlbench.errors", "rlbench.harness.layers", "rlbench.search.files", "rlbench.search.settings"),
    ),
    "rlbench.foreign": ("rlbench.errors", "rlbench.process"),
    "rlbench.harness.tasks": ("rlbench.errors", "rlbench.harness.field_rules", "rlbench.text_files", *ENVIRONMENTS),
    "rlbench.harness.adapters": ("rlbench.errors", "rlbench.text_files"),
    "rlbench.harness.layers": (),  # it plays networks with NumPy alone
    "rlbench.harness.field_rules": ("rlbench.errors",),
    "rlbench.harness.manifest": ("rlbench.errors", "rlbench.text_files", "rlbench.harness.field_rules"),
    "rlbench.harness.contents": ("rlbench.errors", "rlbench.regular_files"),
    "rlbench.harness.submission": ("rlbench.errors", *UP_TO_SUBMISSION),
    "rlbench.harness.isolation": (
        *("rlbench.child_monitor", "rlbench.children", "rlbench.errors", "rlbench.process", "rlbench.space_tree"),
        *("rlbench.arithmetic", "rlbench.harness.submission", *UP_TO_SUBMISSION),
    ),
    "rlbench.harness.results": (
        *(
            "rlbench.appended_files",
            "rlbench.arithmetic",
            "rlbench.children",
            "rlbench.errors",
            "rlbench.process",
            "rlbench.text_files",
            "rlbench.whole_files",
        ),
        *("rlbench", "rlbench.registry", "rlbench.regular_files"),
        *("rlbench.harness.submission", *UP_TO_SUBMISSION),
    ),
    "rlbench.harness.ranking": (
        *ENVIRONMENTS,
        "rlbench.errors",
        "rlbench.process",
        "rlbench.text_files",
        "rlbench.harness.field_rules",
        "rlbench.harness.tasks",
    ),
    "rlbench.harness": (
        *("rlbench.errors", "rlbench.exit_codes", "rlbench.process", "rlbench.progress", "rlbench.space_tree"),
        *(
            "rlbench.appended_files",
            "rlbench.arithmetic",
            "rlbench.child_monitor",
            "rlbench.children",
            "rlbench.streams",
            "rlbench.text_files",
            "rlbench.whole_files",
            *(*ENVIRONMENTS, "rlbench.regular_files"),
            *HARNESS,
        ),
    ),
    "rlbench.interact": (
        *("rlbench.controls", "rlbench.controls.protocol", "rlbench.drawing"),
        *("rlbench.harness", *HARNESS, *PUBLIC),
    ),
    "rlbench.interop": ("rlbench.errors", *ENVIRONMENTS),
    "rlbench.gtp": (
        *("rlbench", "rlbench.core", "rlbench.drawing", "rlbench.envs", "rlbench.controls.protocol"),
        *("rlbench.harness", *HARNESS, *PUBLIC),
    ),
    "rlbench.commands.shared": BELOW_COMMANDS,
    "rlbench.api": ("rlbench.commands.shared", *BELOW_COMMANDS),
    "rlbench.commands": ("rlbench.api", "rlbench.commands.shared", *BELOW_COMMANDS),
    "baselines": ("rlbench.core", "rlbench.drawing", "rlbench.search", *PUBLIC, *HARNESS),
}
"""Room -> the other rooms that its modules may reach. A module is in the room with the longest name that fits it."""

DOORS_FOR_BASELINES = {
    *("rlbench", "rlbench.arithmetic", "rlbench.environments", "rlbench.errors", "rlbench.progress"),
    *("rlbench.process.numerics", "rlbench.process.scopes", "rlbench.registry"),
    *("rlbench.charts", "rlbench.options", "rlbench.program", "rlbench.text_files", "rlbench.whole_files"),
    *(f"rlbench.search.{name}" for name in ("batch", "files", "nodes", "settings")),
    *("rlbench.harness.manifest", "rlbench.harness.tasks.suite"),
    *("rlbench.harness.results.provenance", "rlbench.harness.results.record"),
    *(f"rlbench.harness.layers.{name}" for name in ("graph", "operations", "player")),
    *(f"rlbench.harness.ranking.{name}" for name in ("agent_results", "bootstrap", "cells", "comparisons", "elo")),
    *(f"rlbench.harness.ranking.{name}" for name in ("intervals", "markdown", "rankings", "scores", "tables")),
}
"""The modules of rlbench that `baselines` may import itself."""

DOOR_TO_BASELINES = "rlbench.commands.shared.agents"
BEHIND_THE_DOOR = {
    *("doctor", "grid_world", "leaderboard", "list", "plot", "plotting", "run", "shared", "show", "train"),
    *("check", "evaluate", "gtp", "match", "verify", "watch"),
}
"""The commands that reach `baselines`, through that one module; `show` solves grid worlds with it, and the page of
`leaderboard`, which `doctor` checks, names the commands that train its agents. Where a submission is asked for, the
name of a reference agent that is not here is answered by the command that trains it."""

API_BEHIND_THE_DOOR = {
    *("board", "ranking", "trainable", "trained", "training", "training_process"),
    *("checking", "evaluating", "playlists", "verifying", "watching"),
}
"""The modules of the Python API that do, too."""

ONLY_IMPORTERS = {
    "pygame": {"rlbench.drawing.window"},
    "numba": {"rlbench.core.compiler.compile", "rlbench.core.compiler.lowering"},  # for CPUs, for GPUs
}


def module_name(path, root):
    """Dotted name of a file; a package's is that of its folder."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class Imports(ast.NodeVisitor):
    """Names that a module imports, also inside functions and by `importlib.import_module`; not for type checkers."""

    def __init__(self, package):
        self.package = package.split(".")
        self.names = []

    def visit_If(self, node):
        for_checkers = ast.unparse(node.test).endswith("TYPE_CHECKING")
        for each in node.orelse if for_checkers else ast.iter_child_nodes(node):
            self.visit(each)

    def visit_Import(self, node):
        self.names += [(alias.name, None) for alias in node.names]

    def visit_ImportFrom(self, node):
        base = self.package[: len(self.package) - node.level + 1] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        self.names += [(module, alias.name) for alias in node.names]

    def visit_Call(self, node):
        called = ast.unparse(node.func).rpartition(".")[2]
        if called == "import_module" and node.args and isinstance(node.args[0], ast.Constant):
            self.names.append((node.args[0].value, None))
        self.generic_visit(node)


def import_graph(root, packages=PACKAGES):
    """Module -> the modules that it imports, ours and others, by reading the files."""
    paths = [path for package in packages for path in sorted((root / package).rglob("*.py"))]
    paths = [path for path in paths if SUBMISSIONS not in path.as_posix()]
    ours = {module_name(path, root): path for path in paths}
    graph = {}
    for name, path in ours.items():
        visitor = Imports(name if path.name == "__init__.py" else name.rpartition(".")[0])
        visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
        graph[name] = {f"{module}.{item}" if f"{module}.{item}" in ours else module for module, item in visitor.names}
    return graph


def reached(graph, module):
    """Every module that a module imports, or one that it imports does, with the way to it."""
    ways, left = {}, [(name, (module, name)) for name in sorted(graph[module])]
    while left:
        name, way = left.pop()
        if name not in ways:
            ways[name] = way
            left += [(each, (*way, each)) for each in sorted(graph.get(name, ()))]
    return ways


def room(module, rooms=MAY_REACH):
    """The room of a module."""
    return max((each for each in rooms if f"{module}.".startswith(f"{each}.")), key=len, default=None)


def violations(graph, may_reach=MAY_REACH):
    """Every module that reaches a room that its own may not, with the way to it."""
    for module in graph:
        allowed = {room(module, may_reach), *may_reach[room(module, may_reach)]}
        for target, way in reached(graph, module).items():
            if target in graph and room(target, may_reach) not in allowed:
                yield " -> ".join(way)


def circles(graph):
    """Every module that reaches itself, with the way."""
    for module in graph:
        if module in (ways := reached(graph, module)):
            yield " -> ".join(ways[module])


@pytest.fixture(scope="module")
def graph():
    return import_graph(ROOT)


def test_every_module_is_in_a_room_and_every_room_exists(graph):
    assert [module for module in graph if room(module) == "rlbench"] == ["rlbench"]
    assert {room(module) for module in graph} == MAY_REACH.keys()


def test_no_room_reaches_what_it_may_not(graph):
    assert list(violations(graph)) == []


def test_no_modules_form_a_circle(graph):
    assert list(circles(graph)) == []


def test_baselines_import_rlbench_by_its_public_doors(graph):
    ours = {name: imports for name, imports in graph.items() if name.startswith("baselines")}
    doors = {each for imports in ours.values() for each in imports if each.startswith("rlbench")}
    assert doors <= DOORS_FOR_BASELINES


def test_rlbench_imports_baselines_by_one_door(graph):
    ours = {name: imports for name, imports in graph.items() if name.startswith("rlbench")}
    assert {name for name, each in ours.items() if any(i.startswith("baselines") for i in each)} == {DOOR_TO_BASELINES}
    behind = [name.split(".") for name in ours if DOOR_TO_BASELINES in reached(graph, name)]
    assert {(package, name) for _, package, name, *_ in behind} == {
        *(("commands", name) for name in BEHIND_THE_DOOR),
        *(("api", name) for name in API_BEHIND_THE_DOOR),
    }


@pytest.mark.parametrize("package", ONLY_IMPORTERS)
def test_few_modules_import_it(graph, package):
    importers = {name for name, each in graph.items() if package in {module.split(".")[0] for module in each}}
    assert importers == ONLY_IMPORTERS[package]


def test_packages_import_nothing_by_themselves(graph):
    """Importing a module runs the `__init__` of its packages; only that of rlbench does anything."""
    packages = {name for name in graph if any(other.startswith(f"{name}.") for other in graph)}
    ours = {name: {each for each in graph[name] if each in graph} for name in packages}
    assert {name: each for name, each in ours.items() if each} == {"rlbench": {"rlbench.registry"}}


ALIKE = {
    "rules": "rules modules name their records alike, as their interface asks for",
    "physics": "physics of the robots has a State as rules have",
    "glimpse_template": "a template stands alone: it holds the network of `nets` in NumPy, under the paper's name",
}
"""Modules whose classes may be called like others, and why."""


def test_no_class_name_stands_for_two_things():
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    names = [
        node.name
        for path in paths
        if SUBMISSIONS not in path.as_posix() and path.stem not in ALIKE
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))


PLANTED = {
    "rlbench/__init__.py": "",
    "rlbench/envs/__init__.py": "",
    "rlbench/envs/pole.py": "from rlbench.controls import keys",
    "rlbench/envs/typed.py": "if TYPE_CHECKING:\n    import rlbench.harness.judge\nelse:\n    import numpy",
    "rlbench/controls/__init__.py": "",
    "rlbench/controls/keys.py": "def find():\n    from .fallback import anything",
    "rlbench/controls/fallback.py": "from importlib import import_module\nimport_module('rlbench.harness.judge')",
    "rlbench/harness/judge.py": "import gymnasium",
    "rlbench/harness/circle.py": "import rlbench.harness.other",
    "rlbench/harness/other.py": "def late():\n    from rlbench.harness import circle",
}


def test_a_planted_violation_is_found(tmp_path):
    for name, text in PLANTED.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    planted = import_graph(tmp_path, ["rlbench"])
    rooms = {"rlbench": (), "rlbench.envs": ("rlbench.controls",), "rlbench.controls": (), "rlbench.harness": ()}
    assert set(violations(planted, rooms)) == {
        "rlbench.envs.pole -> rlbench.controls.keys -> rlbench.controls.fallback -> rlbench.harness.judge",
        "rlbench.controls.keys -> rlbench.controls.fallback -> rlbench.harness.judge",
        "rlbench.controls.fallback -> rlbench.harness.judge",
    }
    assert set(circles(planted)) == {
        "rlbench.harness.circle -> rlbench.harness.other -> rlbench.harness.circle",
        "rlbench.harness.other -> rlbench.harness.circle -> rlbench.harness.other",
    }
    assert planted["rlbench.envs.typed"] == {"numpy"}

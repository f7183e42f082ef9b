"""Write the kernels that come with the package: those of all registered ids whose rules are ours.

Run it after a change of rules, of the loops or of the pinned versions: `make kernels`.
"""

from rlbench.core.compiler import ptx
from rlbench.core.world import World
from rlbench.registry import ENVIRONMENTS


def shipped_worlds():
    """A world for each set of kernel files that registered ids need, by the files' names."""
    rows = [row for row in ENVIRONMENTS if row.rules is not None]
    worlds = [World(row.rules, row.render, dict(row.kwargs)) for row in rows]
    return {tuple(ptx.file_name(world, kernel) for kernel in ptx.KERNELS): world for world in worlds}


def main():
    """Write all, and delete what nothing needs."""
    wanted = shipped_worlds()
    ptx.SHIPPED.mkdir(exist_ok=True)
    for path in ptx.SHIPPED.glob("*.ptx"):
        if all(path.name not in names for names in wanted):
            path.unlink()
    for names, world in wanted.items():
        for name, text in zip(names, ptx.make_ptx(world).values(), strict=True):
            (ptx.SHIPPED / name).write_text(text, encoding="utf-8", newline="\n")
            print(name)


if __name__ == "__main__":
    main()

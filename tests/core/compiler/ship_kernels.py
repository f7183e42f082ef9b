"""Write the kernels that come with the package: those of all registered ids whose rules are ours.

Run it after a change of rules, of the loops or of the pinned versions: `make kernels`.
"""

from rlbench.core.compiler import ptx
from rlbench.core.world import World
from rlbench.registry import ENVIRONMENTS


def shipped_worlds():
    """A world for each kernel file of the registered ids, with the kernel's name, by the file's name."""
    rows = [row for row in ENVIRONMENTS if row.rules is not None]
    worlds = [World(row.rules, row.render, dict(row.kwargs)) for row in rows]
    return {ptx.file_name(world, kernel): (world, kernel) for world in worlds for kernel in ptx.KERNELS}


def main():
    """Write all that are not there, and delete what nothing needs."""
    wanted = shipped_worlds()
    ptx.SHIPPED.mkdir(exist_ok=True)
    for path in ptx.SHIPPED.glob("*.ptx"):
        if path.name not in wanted:
            path.unlink()
    for name, (world, kernel) in wanted.items():
        (ptx.SHIPPED / name).write_text(ptx.make_ptx(world, kernel), encoding="utf-8", newline="\n")
        print(name)


if __name__ == "__main__":
    main()

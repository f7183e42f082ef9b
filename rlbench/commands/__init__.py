"""The commands of `rlbench`, one module each.

`rlbench NAME` imports `rlbench.commands.NAME` and no other command. Such a module defines

    NameOptions             a frozen dataclass of the options; tyro makes the command line from it, and the module's
                            docstring is its help. Every command has `quiet: Quiet` and `format: Format`.
    run(options) -> int     the command; it returns the exit code
    parse(arguments)        only in `train`: the options, where their class depends on the arguments

What several commands share is in `shared`. A new command is a module here and a line in `rlbench.cli.COMMANDS`.
"""

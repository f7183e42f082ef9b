"""Executors: where pieces of work are done that do not depend on each other, such as the blocks of evaluations.

In: functions (`work`), each under a name. Out: their names and results, as they end. None of them knows what it does.

    work        what an executor is
    serial      in this process, one after the other
    processes   in processes of this machine
    on_ray      on a cluster of Ray
    order       results in the order of the work
    choice      which of them
"""

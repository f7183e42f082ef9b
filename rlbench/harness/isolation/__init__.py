"""The agent in a process of its own, called through shared memory, with time limits.

In: a submission, the spaces of an environment, limits. Out: a function `act`, which may raise AgentFault. Imports
`tasks`, `submission` and `layers`; what the agent's process imports needs NumPy only.

The boundary makes evaluation robust: an agent that hangs, crashes, runs out of memory, prints without end, answers
nonsense or starts processes is scored as a failure, and neither the environment nor the record is harmed. Rewards,
seeds, labels and the environment's state never enter the agent's process. It gets few environment variables, an empty
working folder, no core dumps, and dies with the harness.

In the tier `landlock` the kernel restricts the process as well (`sandbox`): it reads Python, installed packages and its
own submission, writes to its working folder, and reaches no network, no other program and no other process. In the tier
`strict` it does so in namespaces of its own (`namespaces`), where it does not even see them. What neither promises: the
kernel is shared, so a fault of it opens every sandbox. Against an agent whose author would attack the kernel itself,
use a virtual machine.

    tiers           which sandboxes this machine has, found out by attacking them
    namespaces      the tier `strict`, around that sandbox
    sandbox         the sandbox of the tier `landlock`, and what may be read in it
    privileges      nobody instead of root
    caps            limits on memory, threads and files, and a watchdog for what the kernel does not count
    landlock        which files, sockets and processes can be reached
    seccomp         which system calls can be made
    system_calls    their numbers
    private_copy    the copy of a submission that is played
    descendants     what an agent outside of a sandbox has started
    break_out       attempts to break out, made to find out whether the sandbox holds
    spawn           how the process is started
    fork_server     starts it as a fork of one that has imported its libraries
    template        that one
    agent_process   the harness's side: calls the agent, enforces limits, ends it
    worker          the agent's side: loads the agent, answers calls, reports faults
    agent           what a submission provides, and what it receives
    shared_memory   observations and actions as arrays at fixed offsets
    actions         validation of actions: structure and dtype in the worker, NaN and bounds in the harness
    explain         an agent's explanation of its last action, as JSON
    affinity        cores of their own for both sides, on an idle machine
"""

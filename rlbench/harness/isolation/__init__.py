"""The agent in a process of its own, called through shared memory, with time limits.

In: a submission, the spaces of an environment, limits. Out: a function `act`, which may raise AgentFault. Imports
`tasks`, `submission` and `layers`; what the agent's process imports needs NumPy only.

The boundary makes evaluation robust: an agent that hangs, crashes, runs out of memory, prints without end, answers
nonsense or starts processes is scored as a failure, and neither the environment nor the record is harmed. Rewards,
seeds, labels and the environment's state never enter the agent's process. It gets few environment variables, an empty
working folder, no core dumps, and dies with the harness.

It is NOT yet a sandbox. The agent runs as the same user: it can read the user's files, use the network, write to the
results folder, leave its process group before it is killed, and use all memory of the machine. Do not evaluate an agent
that you would not run by hand.

    agent_process   the harness's side: starts the process, calls the agent, enforces limits, ends it
    worker          the agent's side: loads the agent, answers calls, reports faults
    agent           what a submission provides, and what it receives
    shared_memory   observations and actions as arrays at fixed offsets
    actions         validation of actions: structure and dtype in the worker, NaN and bounds in the harness
    explain         an agent's explanation of its last action, as JSON
    affinity        cores of their own for both sides, on an idle machine
"""

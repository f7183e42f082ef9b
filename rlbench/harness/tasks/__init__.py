"""What is played: tasks, suites of tasks, and fingerprints of simulators' dynamics.

In: nothing. Out: `Task` objects, frozen data with a hash. Imports no other stage of the harness.
"""

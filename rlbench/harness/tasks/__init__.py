"""What is played: tasks, suites of tasks, and fingerprints of simulators' dynamics.

In: nothing but the files in which others define tasks. Out: `Task` objects, frozen data with a hash, and catalogues of
them. Imports no other stage of the harness.
"""

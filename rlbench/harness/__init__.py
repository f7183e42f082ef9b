"""Scoring of agents in a process of their own, with raw records and honest statistics.

    tasks  ->  submission  ->  isolation  ->  results  ->  ranking

A module imports from those to its left only. `evaluate` joins them: it plays a submission on a task and writes the
record. `verify` plays a record again and compares. Environments are reached through `gymnasium.make_vec` alone.
"""

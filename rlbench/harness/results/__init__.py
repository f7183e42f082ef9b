"""Recorded episodes: one file of JSON lines per run, with where and with what it was made.

In: a task, a submission and the episodes of finished blocks. Out: records on disk, and a table with one row per episode
(`record.load`). Imports `tasks` and `submission`; not `isolation`, and not `ranking`.
"""

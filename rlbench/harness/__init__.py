"""Scoring of agents in a process of their own, with raw records and honest statistics.

    field_rules     what people may write in a field, and the one check of it
    adapters        plays what other libraries saved
    layers          plays submissions of data only; imports nothing else of rlbench
    search_player   plays those that search with their network
    tasks           what is played: tasks and suites
    manifest        submission.toml: its fields, read and written
    contents        the files of a submission, and their digest
    archives        submissions in one file, unpacked within bounds
    submission      a folder with an agent, checked without running it
    isolation       the agent in a process of its own, sandboxed
    results         records of episodes
    play            the loop that plays one block of episodes
    kept            what a process keeps from block to block: environment, imported libraries
    proof           actions re-simulated and kept, and what verification found
    merging_checks  which of a signer's checks may be added to those of another folder
    merging         folders of results into one
    joining         the parts of a record that shards have played, into the record
    block_errors    blocks that could not be played, in words
    blocks          one block, with the agent in a fresh process
    trial           a few steps behind the sandbox, not recorded
    random_play     what random play reaches on a task
    exact_model     what the best, the worst and the longest ways reach in an environment that tells its model
    proposal        a task for an environment that nobody has prepared
    play_block      the work of playing one block, for executors
    executors       where blocks are played: one after the other, or several at once
    shards          which blocks of all are played by one of several copies of a command
    open_run        one run: which blocks may be played, committed in their order
    schedule        several runs: whose block is next
    evaluate        from tasks and submissions to records
    verify          plays a record again and compares
    ranking         from all records to the leaderboard

Modules import those above them only; `ranking` imports `tasks` and nothing else here, `results` does not import
`isolation`. Environments are reached through `gymnasium.make_vec` alone.
"""

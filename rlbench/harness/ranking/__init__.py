"""From recorded episodes to scores, intervals, rankings and the leaderboard.

In: the table of episodes that `results` loads. Out: `Rankings`, plain rows of numbers, and `leaderboard.md`. Imports
`tasks` only; every number is computed anew from the episodes.

The files in the order in which the data pass through them:

    agent_results  episodes -> runs -> one `AgentResult` per agent and task, with bootstrap samples of its score
    scores         the statistics: mean, interquartile mean, optimality gap, ranks
    intervals      confidence intervals: bootstrap, Student t, exact binomial
    rankings       who ranks where on each task and suite
    tables         the rankings as tables of text
    leaderboard    the tables as a page of Markdown
"""

"""From recorded episodes to scores, intervals, rankings and the leaderboard.

In: the runs that recorded episodes form. Out: `Rankings`, plain rows of numbers, and `leaderboard.md` with a page per
task. Imports `tasks` only; every number follows from the episodes anew.

The files in the order in which the data pass through them:

    agent_results    episodes -> runs -> one `AgentResult` per agent and task
    scores           the statistics: mean, interquartile mean, optimality gap, ranks
    intervals        confidence intervals of a mean, and exact ones of a probability
    comparisons      two agents or more: difference, probability of improvement, seeds needed, intervals of ranks
    reference_lines  the random agent, references and published scores (`published.csv`), which are never ranked
    kept_ratings     Elo ratings that were computed before, by the digest of all that they follow from
    rankings         who ranks where on each task and suite
    rows             what rankings are: rows of unrounded numbers
    cells            how a number, an interval, an agent and a rank are shown
    contenders       agents on a task, ours and published, by budget
    tables           the rankings as tables of text
    markdown         tables of text as Markdown, split where GitHub would cut them off
    matrix           a family's tasks by agents
    certainty        whether the order of two agents is safe, by their intervals
    families         the matrices in their order, with what stands around each
    costs            learning curves, times, devices and commands of training runs
    flat             rankings and costs as one table of unrounded numbers
    task_page        all there is of one task
    leaderboard      all of it as pages, by the templates beside it
    bootstrap        bands of charts; the page does not use it
"""

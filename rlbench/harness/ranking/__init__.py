"""From recorded episodes to scores, intervals, rankings and the leaderboard."""

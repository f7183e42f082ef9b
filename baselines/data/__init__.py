"""Where the learning data comes from: rollouts and replay."""

"""Watching an isolated agent: what `play_watched` takes, for tests that look at the explanations."""


def appended_to(explanations):
    """Calls the agent, and appends the explanations of its action to a list."""

    def watch(act, process):
        def watched(observation, first):
            action = act(observation, first)
            explanations.append(process.explanations())
            return action

        return watched

    return watch

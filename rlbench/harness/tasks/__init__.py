"""What is played: tasks, suites, and the fingerprint of a simulator's dynamics."""

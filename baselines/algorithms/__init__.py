"""One file per algorithm, complete: paper, settings, update, training loop."""

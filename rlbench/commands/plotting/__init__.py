"""Learning curves and scores as charts."""

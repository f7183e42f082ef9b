"""What several commands share: output, display, look-up of names, and the way to the reference agents."""

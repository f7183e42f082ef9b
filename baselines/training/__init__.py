"""What every training run does: loop, validation, checkpoint, events."""

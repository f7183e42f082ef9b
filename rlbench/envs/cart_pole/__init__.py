"""Cart-pole: Barto, Sutton & Anderson (1983)."""

"""Grid world: Sutton & Barto (2018), example 4.1, and any maze drawn as text."""

"""How a person's keys and mouse become actions."""

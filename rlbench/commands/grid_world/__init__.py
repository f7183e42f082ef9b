"""The exact solution of a grid world, as text and as a picture."""

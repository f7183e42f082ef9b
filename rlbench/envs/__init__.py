"""The environments, one folder each, with fixed file names: `rules.py` and `render.py`."""

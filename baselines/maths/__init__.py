"""The equations, one function each."""

"""Player of data-only submissions; it imports NumPy and the reader of safetensors, nothing else of rlbench."""

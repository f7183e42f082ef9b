"""The folders that `rlbench new-agent` writes: `spaces` in words and in code, `writing` from the templates."""

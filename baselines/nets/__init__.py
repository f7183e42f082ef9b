"""Networks, and what they see."""

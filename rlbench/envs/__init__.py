"""The environments, one folder each, with fixed file names.

`rules`, `render` and `controls` where the dynamics are ours; `env`, `vector`, `render` and `controls` over a simulator.
"""

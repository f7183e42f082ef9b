"""Atari 2600 games from pixels: Bellemare et al. (2013), The Arcade Learning Environment; ale-py is the emulator."""

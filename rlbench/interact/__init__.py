"""Playing, watching and recording: controls, panels, grids, films, traces. No window is opened here but by `screen`."""

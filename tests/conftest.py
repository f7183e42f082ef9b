"""What holds for all tests."""

import os

os.environ.pop("COLUMNS", None)  # pytest-xdist exports its terminal's; tables would be drawn as narrow as that

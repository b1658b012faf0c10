"""``python -m drugs_cpp``."""

from __future__ import annotations

import sys

from drugs_cpp.tools.command_line import main

if __name__ == "__main__":
    sys.exit(main())

"""``python -m coopseg`` is the command ``coopseg``."""

import sys

from .command import main

sys.exit(main())

"""``python -m laboratory``: see :mod:`laboratory.command`."""

import sys

from .command import main

sys.exit(main())

"""`python -m workbench ...`"""

import os
import sys

from workbench.cli import PLANNING, main

code = main()
if sys.argv[1:2] and sys.argv[1] in PLANNING:
    # A plan leaves half a million objects, and to take them apart one by one at the end is a quarter of its time.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
sys.exit(code)

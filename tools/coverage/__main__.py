# SPDX-License-Identifier: Apache-2.0
"""``python -m tools.coverage``: measure the C extensions, then compare all figures with their floors."""

import sys

from tools.coverage import gate, native

if __name__ == "__main__":
    native.measure()
    sys.exit(gate.main())

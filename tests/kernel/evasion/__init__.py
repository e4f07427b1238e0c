# SPDX-License-Identifier: Apache-2.0
"""Former names of the modules in ``testing.evasion``, for one release."""

import importlib
import pkgutil
import sys

import testing.evasion

for _module in pkgutil.iter_modules(testing.evasion.__path__):
    sys.modules[f"{__name__}.{_module.name}"] = importlib.import_module(f"testing.evasion.{_module.name}")

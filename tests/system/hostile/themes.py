# SPDX-License-Identifier: Apache-2.0
"""All themes, by name, in the order in which they are tried."""
from . import (answers, bodies, headers, http2, loose, methods, paths, slow, smuggling,
               tokens)

THEMES = {m.__name__.rpartition(".")[2]: m for m in
          (paths, smuggling, headers, loose, bodies, tokens, methods, http2, answers, slow)}

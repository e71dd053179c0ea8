# SPDX-License-Identifier: Apache-2.0
"""All themes, by name, in the order in which they are tried."""
from . import (answers, bodies, callers, certificates, headers, http2, loose, methods, paths, slow,
               smuggling, tokens)

THEMES = {m.__name__.rpartition(".")[2]: m for m in
          (paths, smuggling, headers, loose, bodies, tokens, callers, certificates, methods, http2,
           answers, slow)}

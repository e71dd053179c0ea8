// SPDX-License-Identifier: Apache-2.0
// Targets, one a line, as the URL of the WHATWG reads them: the path as it is then, its segments and
// the pairs of the query.
"use strict";

const lines = require("fs").readFileSync(0, "latin1").split("\n").slice(0, -1);

for (const line of lines) {
  const url = new URL("http://host" + line);
  console.log(JSON.stringify({
    pathname: url.pathname,
    path: url.pathname.split("/").slice(1).map(decodeURIComponent),
    pairs: [...url.searchParams],
  }));
}

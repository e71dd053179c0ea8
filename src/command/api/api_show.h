/* SPDX-License-Identifier: Apache-2.0 */
/* api_show.h - what a package offers, for assay api inspect.  Floor 3. */
#ifndef COMMAND_API_API_SHOW_H
#define COMMAND_API_API_SHOW_H

#include "command/api/api_package.h"
#include "package/config/config.h"

/* Tables below their headings: operations, who is let in, data classes, limits, cache, files. */
void api_show_text(const struct invocation *in, const struct package_file *f, const struct api *api,
                   const struct config *c, struct buf *out);

/* Members of an open object in the order of their keys, from "backend" to "operations". */
void api_show_json(const struct api *api, const struct config *c, struct json_writer *w);

#endif

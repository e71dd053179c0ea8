/* SPDX-License-Identifier: Apache-2.0 */
/* model_file.h - the model of an API and how it is served, as one canonical JSON object: section
 * "api" of a package.  Floor 2, pure.
 *
 * The profile is that of wire/json.h.  Members with their default value are not written, so each
 * model has one spelling, and a reader refuses any other: unknown members, defaults that are
 * spelled out, lists out of order, places that are none, too much of anything.  Numbers of schemas
 * and values of enum are JSON within a string, since they may be fractions.
 *
 * SECURITY: read by processes that face a network, after the signature was verified. */
#ifndef PACKAGE_MODEL_FILE_H
#define PACKAGE_MODEL_FILE_H

#include "base/buf.h"
#include "package/config.h"

enum { MODEL_MEMORY_MAX = 256 << 20 };

/* Appends. -E2BIG, -ENOMEM. */
MUST_USE int model_put(struct buf *out, const struct api *api, const struct config *config,
                       struct err *err);

/* config lies in the api's arena, and so does all that is not borrowed from text.  -EINVAL and the
 * member: "operations[3].path: ..."; -E2BIG, -ENOMEM. */
MUST_USE int model_get(struct span text, struct api **ret_api, struct config *ret_config,
                       struct err *err);

#endif

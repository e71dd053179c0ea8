/* SPDX-License-Identifier: Apache-2.0 */
/* model_file.h - the model of an API and how it is served, as one canonical JSON object: section
 * "api" of a package.  Floor 2, pure.
 *
 * The profile is that of wire/json.h.  Members with their default value are not written, so each
 * model has one spelling, and a reader refuses any other: unknown members, defaults that are
 * spelled out, lists out of order, places that are none, too much of anything.  Numbers of schemas
 * and values of enum are JSON within a string, since they may be fractions.
 *
 * {"api": API, "config": CONFIG}; members are those of model.h, schema.h and config.h.  Always
 * there: those with a *.  [x]: a list.  Places are counted from 0.
 *
 *   API         classes [text], identities [IDENTITY], operations [OPERATION], schemas [SCHEMA],
 *               title, version
 *   IDENTITY    kind* "bearer" "basic" "mutual", name*
 *   OPERATION   id*, method* "GET" ..., object {parameter: place, type}, parameters [PARAMETER],
 *               path*, reads [class], request {media [MEDIA], required}, responses [RESPONSE],
 *               security [{schemes [identity]}], segments [{parameter: true, text*}], tags [text],
 *               writes [class]
 *   PARAMETER   explode, in* "path" "query" "header" "cookie", name*, required, schema*
 *   MEDIA       json, schema, type*
 *   RESPONSE    headers [PARAMETER], media [MEDIA], status*
 *   SCHEMA      above, additional, all_of [schema], any_of [schema], below, class, contains,
 *               dependents [{name*, required [text], schema}], else, format "date-time" ..., if,
 *               items, max_contains, max_items, max_length, max_properties, maximum, min_contains,
 *               min_items, min_length, min_properties, minimum, multiple_of, name, names, never,
 *               not, one_of [schema], pattern, patterns [{pattern*, schema*}], prefix [schema],
 *               properties [{name*, required, schema}], ref, then, types ["null" "boolean"
 *               "integer" "number" "string" "array" "object"], unevaluated_items,
 *               unevaluated_properties, unique, values [JSON]
 *   CONFIG      backend* {addresses [text], base, ca, connect_ms, host, port, read_ms, tls,
 *               tls_name, unix}, base, caches [{by_rights, operation*, seconds}],
 *               classes [{digest, mask* "last4" ..., name*}], depth*, identities [CONFIGURED],
 *               limits [{burst, operation*, per, quota, quota_s, rate}], name*, replay,
 *               request*, response*
 *   CONFIGURED  algorithms ["RS256" "ES256" "EdDSA"], audience, ca, caller, claims [text], groups,
 *               issuer, jwks_addresses [text], jwks_file, jwks_url,
 *               kind* "jwt" "opaque" "basic" "bearer" "mutual", leeway, refresh, scheme*
 *
 * reads and writes of an operation have all classes that its schemas lead to (schema_reach.h), or
 * more: what says who may see what goes by them.
 *
 * SECURITY: read by processes that face a network, after the signature was verified. */
#ifndef PACKAGE_MODEL_FILE_H
#define PACKAGE_MODEL_FILE_H

#include "base/buf.h"
#include "package/config/config.h"

enum { MODEL_MEMORY_MAX = 256 << 20 };

/* Appends.  Lists are in order, texts are UTF-8 (asserted).  -E2BIG, -ENOMEM. */
MUST_USE int model_put(struct buf *out, const struct api *api, const struct config *config,
                       struct err *err);

/* config lies in the api's arena, and so does all that is not borrowed from text.  -EINVAL and the
 * member: "operations[3].path: ..."; -E2BIG, -ENOMEM. */
MUST_USE int model_get(struct span text, struct api **ret_api, struct config *ret_config,
                       struct err *err);

#endif

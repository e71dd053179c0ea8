/* SPDX-License-Identifier: Apache-2.0 */
/* derive.h - the Cedar schema that an API implies.  Floor 2, pure.
 *
 *   principal  Caller, in Groups.        action  one per operation, its operationId
 *   resource   the object of the operation (x-object), else Api::"<name>"
 *
 *   entity Caller in [Group];            unless types.cedarschema of the package says more of them
 *   entity Group in [Group];
 *   entity Api;
 *   entity DataClass in [DataClass];     "pii.ssn" is in "pii"
 *   entity <type of each x-object>;      likewise unless types.cedarschema has it
 *   entity <enum> enum ["open", ...];    of each enum of strings in a request, named by its place:
 *                                        component and property in capitals, AccountStatus
 *   action "<tag>";                      of each tag; operations are in those of their tags
 *   action "getAccount" in ["<tag>"] appliesTo { principal: Caller, resource: Account, context: {
 *       address: ipaddr, time: datetime,
 *       tls: { version: String, client?: String },
 *       path: {...}, query: {...}, header: {...}, cookie: {...},  those that it has
 *       body?: ...                                                if it takes JSON
 *   }};
 *   action "read", "readMasked";         data classes of an answer: one question each
 *   action "getAccount.read" in ["read"], "getAccount.readMasked" in ["readMasked"] appliesTo {
 *       principal: Caller, resource: DataClass, context: as above, and object: Account };
 *
 * Values: integer Long; number decimal; string String; boolean Bool; array Set; object with named
 * properties a record (`additionalProperties` are not seen); enum of strings an enumerated entity
 * type; null is absence: `type: [string, "null"]` is an optional String.  What has no type of Cedar
 * is left out of the context, with a warning of lint and a line of comment in the schema: recursive
 * schemas, sums of different types, free objects, null in arrays.
 *
 * The text is deterministic.  types.cedarschema is parsed, checked not to redefine what is derived
 * otherwise (actions, Api, DataClass, enums), and printed into it word for word. */
#ifndef PACKAGE_DERIVE_H
#define PACKAGE_DERIVE_H

#include "base/buf.h"
#include "package/config.h"
#include "policy/schema.h"

/* types: text of types.cedarschema, empty when there is none.  l may be NULL, then warnings are not
 * wanted and an error is err's.  Appends to out; -EINVAL: errors in l; -E2BIG, -ENOMEM. */
MUST_USE int derive_schema(const struct api *api, const struct config *config, struct span types,
                           struct buf *out, struct lint *l, struct err *err);

#endif

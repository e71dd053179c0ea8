/* SPDX-License-Identifier: Apache-2.0 */
/* data.h - entities and requests from JSON, and whether a schema allows them.  Floor 2, pure.
 *
 * Source: the Cedar documentation, "Entities and context syntax" (JSON).  With a schema what it
 * says decides how a value is read (a string where it says ipaddr is an address); the escapes
 * {"__entity": {...}} and {"__extn": {...}} are read with and without.  The functions of __extn are
 * the four constructors and `offset`, by which datetimes that have no spelling are written.
 *
 * SECURITY: made for files of the package and for tests.  The gateway never reads a caller's body
 * through this: there the two escapes would let a caller name entities. */
#ifndef POLICY_DATA_H
#define POLICY_DATA_H

#include "policy/entities/entities.h"
#include "policy/evaluate/program.h"
#include "policy/schema/schema.h"

struct tree; /* JSON that was read: wire/tree.h */

/* A JSON array of entities, added to e (not sealed).  With a schema they are held against it, and
 * its actions are added too; those that are in the array must say what the schema says.  Fields of
 * an entity other than uid, attrs, parents and tags are not looked at.  -EINVAL: `entity 3
 * (User::"a"): attribute x.y[2]: ...`, or a line and a column where it is no JSON; -E2BIG, -ENOMEM.
 * An entity that is there twice is found when e is sealed.  On failure e is good for
 * cedar_entities_free() only. */
MUST_USE int cedar_entities_read(struct span json, const struct cedar_schema *schema,
                                 struct cedar_entities *e, struct err *err);

/* A JSON object as the context of an action, read by the action's context type: what is an entity
 * is what the schema says is one.  schema is never NULL.  Values lie in arena.  -EINVAL: another
 * action than the schema knows, another shape; -E2BIG, -ENOMEM. */
MUST_USE int cedar_context_read(struct span json, const struct cedar_schema *schema,
                                const struct cedar_uid *action, struct arena *arena,
                                struct cedar_value *ret, struct err *err);

/* The same without a schema: {"__entity": ...} makes an entity wherever it stands, so that whoever
 * wrote it could name any.  For what an administrator or a test wrote, never for a request. */
MUST_USE int cedar_context_read_trusted(struct span json, struct arena *arena,
                                        struct cedar_value *ret, struct err *err);

/* {"type": "User", "id": "alice"} or {"__entity": {...}}, inside other JSON.  Copies into arena.
 * -EINVAL, -ENOMEM. */
MUST_USE int cedar_uid_of(const struct tree *json, struct arena *arena, struct cedar_uid *ret,
                          struct err *err);
/* The two above, of JSON that stands inside other JSON. */
MUST_USE int cedar_context_of(const struct tree *json, const struct cedar_schema *schema,
                              const struct cedar_uid *action, struct arena *arena,
                              struct cedar_value *ret, struct err *err);
MUST_USE int cedar_context_of_trusted(const struct tree *json, struct arena *arena,
                                      struct cedar_value *ret, struct err *err);

/* Does the schema allow this request?  -EINVAL and why: unknown types or action, an action that
 * does not apply to these, an id an enumerated type does not have, a context of another shape. */
MUST_USE int cedar_schema_check_request(const struct cedar_schema *s, const struct cedar_request *r,
                                        struct err *err);

/* Does v have this type?  -EINVAL: the path in it and what is there. */
MUST_USE int cedar_schema_check_value(const struct cedar_schema *s, const struct cedar_type *type,
                                      const struct cedar_value *v, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* call.h - one request, parsed, as the context that policies ask about.  Floor 2, pure.
 *
 * The shape is that of derive.h: it is a bug of ours if the derived schema does not allow it
 * (tests hold each against cedar_schema_check_request()).  A member of a body that has no place in
 * the schema is not in the context.  Values come from the request's own parser and the model, so
 * nothing in a body can name an entity ("__entity", "__extn" are members like others). */
#ifndef PACKAGE_CALL_H
#define PACKAGE_CALL_H

#include "package/package.h"

struct call_value {
        bool present;
        struct tree value; /* of the parameter's schema: a string, number, bool or array of these */
};

struct call {
        const struct api_operation *operation;
        const struct call_value *parameters; /* one for each of the operation's */
        const struct tree *body;             /* NULL: none, or not JSON */
        uint32_t body_schema;                /* API_NONE */
        struct cedar_ip address;
        int64_t time_ms; /* since 1970 */
        struct span tls_version,
                tls_client; /* "TLSv1.3", empty: none; client: subject, empty: none */
};

/* Text of a parameter ("12", "1,2" or each of a repeated one, n of them, at least one), percent-
 * decoded, as its schema wants it; ret borrows from texts.  Lists of paths, headers and what does
 * not explode are parted at commas, so no item holds one: whoever sends the request on must build
 * it of the items.  A number is one as JSON spells it, an integer one without point and exponent.
 * Where a schema lets be several kinds, a text that can be a number is one, then true and false;
 * where it says nothing at all it is a string.  -EINVAL: it cannot be one: "query.limit: no
 * integer"; "...: given more than once"; -ENOMEM. */
MUST_USE int call_parameter(const struct package *p, const struct api_parameter *parameter,
                            const struct span *texts, uint32_t n, struct arena *arena,
                            struct tree *ret, struct err *err);

/* Checks parameters and body against their schemas.  -EINVAL and where. */
MUST_USE int call_check(const struct package *p, const struct call *c, struct err *err);

/* The context and the resource of a call that was checked; both lie in arena (nothing else is
 * allocated) and borrow from c.  The id of an object is its parameter's text, of an integer that in
 * decimal.  -EINVAL: a number that no Long or decimal holds, named, and anything that is not as
 * the derived schema has it; -ENOMEM. */
MUST_USE int call_context(const struct package *p, const struct call *c, struct arena *arena,
                          struct cedar_value *ret_context, struct cedar_uid *ret_resource,
                          struct err *err);

/* The context of the question about data classes: the same and the object, which must be of the
 * type of the operation's (-EINVAL).  Borrows from context and object; -ENOMEM. */
MUST_USE int call_read_context(const struct package *p, const struct call *c,
                               const struct cedar_value *context, const struct cedar_uid *object,
                               struct arena *arena, struct cedar_value *ret, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* asked.h - what of a request the policies of a package can ask for, by operation.  Floor 2, pure.
 *
 * `context.body.amount.hundredths` in a policy whose scope has the operation's action, or that of
 * one of its questions about data, is a place: body, amount, hundredths.  `has` asks for its place
 * as well, and who asks for a record, or for the whole context, asks for all that is in it.
 *
 * Of the operation's own context: what policies know otherwise (address, time, the version of TLS,
 * the object) is none of these. */
#ifndef PACKAGE_ASKED_H
#define PACKAGE_ASKED_H

#include "package/model/model.h"
#include "policy/ast/ast.h"
#include "policy/schema/schema.h"

enum {
        ASKED_DEPTH_MAX = 12, /* names of a place; what is deeper is asked for with what it is in */
        ASKED_MEMORY_MAX = 256 << 20,
};

struct asked_place {
        struct span name;
        struct span quoted;              /* the name as JSON */
        const struct asked_place *parts; /* of a record, ascending by name; none: the value */
        uint32_t n;
        uint32_t parameter; /* "query", "limit": place in the operation's parameters; else API_NONE
                             */
};

struct asked {
        const struct asked_place *places; /* of body, cookie, header, path, query; ascending */
        uint32_t n;
        bool tls_client;
};

struct api_asked {
        struct arena arena;
        const struct asked *of; /* by place in api.operations */
        uint32_t n;
};

/* Borrows names of the API, the schema and the policies, which outlive it.  The schema is the one
 * that derive.h makes of this API, and the policies validate against it.  -E2BIG: more than
 * ASKED_MEMORY_MAX; -ENOMEM. */
MUST_USE int api_asked_new(const struct api *api, const struct cedar_schema *schema,
                           const struct cedar_policies *policies, struct api_asked **ret,
                           struct err *err);
struct api_asked *api_asked_free(struct api_asked *a); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct api_asked, api_asked_free)

#endif

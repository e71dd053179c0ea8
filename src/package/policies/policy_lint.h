/* SPDX-License-Identifier: Apache-2.0 */
/* policy_lint.h - policies and entities held against what the API implies.  Floor 2, pure.
 *
 * Errors: what does not parse or does not validate (strict); entities that the schema refuses; a
 * data class or an API that policies or entities name and that there is none of (their ids are not
 * enumerated, so Cedar would not mind).
 * Warnings: what the validator warns of; an operation that no permit can ever apply to, and a data
 * class that nobody may read, masked or clear (by the scopes of policies: conditions are not looked
 * at); a template, since a package links none; two policies of one @id; a group that a policy names
 * and neither entities.yaml nor any identity of gateway.yaml can put a caller in; a class that only
 * has others in it and is compared with ==; arithmetic with a number of the request in a forbid,
 * which errs where it leaves 64 bits. */
#ifndef PACKAGE_POLICY_LINT_H
#define PACKAGE_POLICY_LINT_H

#include "base/buf.h"
#include "package/config/config.h"
#include "package/file.h"

/* The sources that rights come from. */
struct policy_sources {
        const struct api *api;
        const struct config *config;
        const struct source_node *document;    /* openapi.yaml, for places; may be NULL */
        struct span types;                     /* of types.cedarschema; empty: there is none */
        const struct package_source *policies; /* in the order in which they count: policy.cedar,
                                                  then policies/<name>.cedar by their names */
        uint32_t n_policies;
        const struct source_node *entities; /* of entities.yaml; NULL: there is none */
};

/* Three sections of a package, appended. */
struct policy_sections {
        struct buf *schema;   /* derive.h */
        struct buf *policy;   /* the files one behind the other, each ending a line */
        struct buf *entities; /* canonical JSON: those of the file in their order, and in front of
                                 them the API and the data classes, each in the shorter one:
                                 "pii.ssn" in "pii" */
};

/* Derives, reads and checks all of it; faults are of the file they are in (l->file is what it was
 * before when this returns).  out may be NULL, then nothing is kept of the texts.
 * -EINVAL: errors in l; -E2BIG, -ENOMEM. */
MUST_USE int policy_lint(const struct policy_sources *s, struct lint *l,
                         const struct policy_sections *out, struct err *err);

/* Text of entities.yaml as Cedar's JSON, policy_sections.entities, without holding it against a
 * schema: `attrs` and `parents` may be left out.  -EINVAL: errors in l; -E2BIG, -ENOMEM. */
MUST_USE int policy_entities(const struct source_node *entities, const struct api *api,
                             const struct config *config, struct lint *l, struct buf *out,
                             struct err *err);

#endif

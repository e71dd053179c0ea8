/* SPDX-License-Identifier: Apache-2.0 */
/* policy_reach.h - what the policies of a package name, and what they can never let through.  Floor
 * 2, pure. */
#ifndef PACKAGE_POLICY_REACH_H
#define PACKAGE_POLICY_REACH_H

#include "package/config/config.h"
#include "policy/ast/ast.h"
#include "policy/entities/entities.h"
#include "policy/schema/schema.h"
#include "policy/validate/validate.h"

/* Where policies came from. */
struct policy_place_of {
        struct span file;
        uint32_t lines; /* before it */
};

struct policy_reach {
        const struct api *api;
        const struct source_node *document; /* may be NULL */
        const struct config *config;
        const struct cedar_schema *schema;
        const struct cedar_policies *policies;
        const struct cedar_entities
                *entities; /* NULL: they were not good; nothing is said of groups */
        const struct policy_place_of *files; /* ascending by lines; one at least */
        uint32_t n_files;
        struct lint *l;
};

/* Adds a fault at a place of the whole text, in the file it came from. */
void policy_tell(const struct policy_reach *r, bool warning, const struct cedar_pos *pos,
                 const char *text);

/* Was an error told, as the from-th of all faults or later, at the place of what the validator
 * found, or within the policy where it is of the policy as a whole? */
bool policy_told(const struct policy_reach *r, uint32_t from, const struct cedar_finding *f);

/* Warnings of what no policy lets through, of templates, and of forbids that err: see
 * policy_lint.h. */
void policy_reach(const struct policy_reach *r);

#endif

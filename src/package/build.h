/* SPDX-License-Identifier: Apache-2.0 */
/* build.h - the sources of a package made into the body of its file.  Floor 2, pure but for what
 * it is given: reading YAML is the caller's (the job "package").
 *
 * Sources that a package may have, others are refused by lint:
 *
 *   openapi.yaml        required: openapi.h
 *   gateway.yaml        required: config.h
 *   backend.yaml        required: config.h
 *   policy.cedar        required; policies/<name>.cedar as well, in order of their names
 *   types.cedarschema   entity types that policies speak of: callers, groups, objects
 *   entities.yaml       entities: a list as in Cedar's JSON, in YAML
 *   README.md           for people
 */
#ifndef PACKAGE_BUILD_H
#define PACKAGE_BUILD_H

#include "package/file.h"
#include "package/lint.h"

/* Reads one YAML file.  *ret is what it holds, NULL when that is nothing, also when there were
 * faults of single values, which are in l; -EINVAL: it cannot be read, and why is in l.  Nodes lie
 * in arena. */
typedef int build_yaml_fn(void *ctx, struct span text, struct arena *arena, struct lint *l,
                          const struct source_node **ret, struct err *err);

struct build_spec {
        const struct package_source *sources; /* ascending by path */
        uint32_t n_sources;
        build_yaml_fn *yaml;
        void *yaml_ctx;
};

/* Lints all of it and, when there is no error, appends the body (package_file_put) to out, which
 * may be NULL to lint only.  Beyond each file by itself: policies validate (strict) against the
 * derived schema, entities fit it, each operation can be permitted by some policy and each class be
 * read by one (else warnings), identities and classes of the two YAML files are the document's.
 * -EINVAL: errors in l; -E2BIG, -ENOMEM. */
MUST_USE int build_package(const struct build_spec *spec, struct lint *l, struct buf *out,
                           struct err *err);

#endif

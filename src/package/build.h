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
 *
 * The version of a package is the document's, info.version; its name is gateway.yaml's. */
#ifndef PACKAGE_BUILD_H
#define PACKAGE_BUILD_H

#include "package/file.h"
#include "package/source/lint.h"

/* Whether a package may have a source of this path. */
bool build_source_ok(struct span path);
/* Why it may not, as an error of that file: what it was probably meant to be, or that it belongs
 * elsewhere. */
void build_refuse_source(struct lint *l, struct span path);
/* What people who review a source would not see as it is read: a line that ends with a carriage
 * return alone, which many show as no end; characters that turn text around.  The first of each,
 * as an error. */
void build_check_text(struct lint *l, const struct package_source *s);

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

enum { BUILD_MEMORY_MAX = 768 << 20 }; /* of what YAML files hold */

/* Lints all of it and, when there is no error, appends the body (package_file_put) to out, which
 * may be NULL to lint only.  Beyond each file by itself: policies validate (strict) against the
 * derived schema, entities fit it, each operation can be permitted by some policy and each class be
 * read by one (else warnings), identities and classes of the two YAML files are the document's.
 * What is appended opens: package.h.  Faults are in order of their places.  -EINVAL: errors in l,
 * or a package that would not open (err says why, l has no error); -E2BIG, -ENOMEM. */
MUST_USE int build_package(const struct build_spec *spec, struct lint *l, struct buf *out,
                           struct err *err);

#endif

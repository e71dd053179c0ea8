/* SPDX-License-Identifier: Apache-2.0 */
/* package.h - a package that is ready to decide by.  Floor 2.
 *
 * Opened once, then never written: any number of requests use it, each holding a reference; the
 * last one to let go frees it.  References are of one thread, as all of a worker is. */
#ifndef PACKAGE_PACKAGE_H
#define PACKAGE_PACKAGE_H

#include "package/config/config.h"
#include "package/file.h"
#include "package/policies/asked.h"
#include "package/schema/classes.h"
#include "policy/entities/entities.h"
#include "policy/evaluate/program.h"
#include "policy/schema/schema.h"

struct package {
        struct package_file file;
        const struct api *api;
        struct config config;
        const struct api_checker *checker;
        const struct api_classes *classes;
        const struct cedar_schema *schema;
        const struct cedar_policies *policies;
        const struct cedar_program *program;
        const struct cedar_entities *entities; /* sealed */
        const struct api_asked *asked;         /* NULL: gateway.yaml does not want it recorded */
};

/* Reads fd (borrowed; a regular file, from its beginning) and reads, compiles and cross-checks all
 * of it: model against schema (derived again, it must say the same), policies against the
 * schema, entities likewise.  vkeys as in package_file_verify(); n 0: not asked for a signature.
 *
 * The file is copied into memory that is made read-only then, not mapped: what was verified stays
 * what is used, whoever writes to the file, and a file that is cut or a disk that fails is an error
 * here and no SIGBUS in the midst of a request.
 *
 * One of 100 operations and 300 schemas takes about 7 ms, of 300 and 1,000 about 20, of 1,000,
 * 5,000 and 1,000 policies about 0.1 s (bench/package_open): a worker's loop stands still for it,
 * once for each package that is another one than before.
 *
 * -EBADMSG, -ENOKEY: package_file_read(), package_file_verify(); -EINVAL and where: "policy.cedar:
 * line 7, column 12: ..."; -E2BIG, -ENOMEM, and what reading says. */
MUST_USE int package_open(int fd, const struct span *vkeys, size_t n, struct package **ret,
                          struct err *err);
/* The same of bytes that outlive it. */
MUST_USE int package_open_bytes(struct span bytes, const struct span *vkeys, size_t n,
                                struct package **ret, struct err *err);
struct package *package_ref(struct package *p);
struct package *package_unref(struct package *p); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct package, package_unref)

#endif

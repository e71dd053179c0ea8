/* SPDX-License-Identifier: Apache-2.0 */
/* package_read.h - what a transaction's packages hold, read by jobs.  Floor 3, process
 * assay-sensor.
 *
 *   add, for each package:  its file is opened (the first FILES_OPEN of them), and what dpkg lists
 *                           of the version that is installed is read, before dpkg goes on
 *   start:                  LISTS --> FILES, one after the other --> CHAIN --> on_end()
 *
 * A file is read once: what it holds and its SHA-256 are of the same bytes, and the chain is asked
 * about that SHA-256.  What dpkg unpacks from the path later is not taken on trust: it is compared
 * when it lies at its place.
 *
 * SECURITY: paths and names come from root's hook, bytes from anywhere; jobs read them. */
#ifndef INTEGRITY_PACKAGE_READ_H
#define INTEGRITY_PACKAGE_READ_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"

struct apt_trust;
struct loop;
struct package_reader;
struct packages;

typedef void package_read_end_fn(void *ctx);

/* All borrowed for its life; job_program NULL: nothing can be read, and each package says so. */
MUST_USE int package_reader_new(struct loop *l, const struct clock *clock, const char *job_program,
                                struct packages *packages, struct package_reader **ret,
                                struct err *err);
struct package_reader *package_reader_free(struct package_reader *r);
DEFINE_CLEANUP(struct package_reader, package_reader_free)

/* Whose word counts about who may sign; all of apt's, unless this is called.  t->ctx is borrowed.
 */
void package_reader_trust(struct package_reader *r, const struct apt_trust *t);

/* The last package that was added.  What is not there is said when it is read.  -ENOMEM. */
MUST_USE int package_reader_add(struct package_reader *r);

/* Begin; on_end() comes later, once, when all packages have a verdict. */
MUST_USE int package_reader_start(struct package_reader *r, package_read_end_fn *on_end, void *ctx,
                                  struct err *err);

/* enum deb_merged of this host. */
unsigned package_merged(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* release.h - a repository's Release and its indexes of packages.  Private to the job "release",
 * whose arguments and facts are in wire/release_fact.h.  Floor 3.
 *
 * Release, one paragraph; Packages, one for each package (wiki.debian.org/DebianRepository/Format):
 *   Suite: stable                     Package: hello
 *   Date: Sat, 11 Jul 2026 09:57:13 UTC    Version: 2.10-3
 *   SHA256:                           Architecture: amd64
 *    <64 hex> <size> <path>           SHA256: <64 hex> */
#ifndef JOB_RELEASE_H
#define JOB_RELEASE_H

#include "crypto/sha256.h"
#include "job/deb822.h"
#include "job/job.h"
#include "wire/release_fact.h"

/* ---- Release ---- */

enum { RELEASE_HASHES_MAX = 16, RELEASE_PATH_MAX = 1024 };

/* What it says, and of one index only. */
struct release {
        const char *index, *suffix; /* borrowed */
        struct deb822 text;
        struct release_fact fact; /* kind RELEASE_FACT_RELEASE */
        unsigned paragraphs;
        /* hashes under the name of the index as it is, and with the suffix */
        uint8_t plain[RELEASE_HASHES_MAX][SHA256_LEN];
        uint8_t packed[RELEASE_HASHES_MAX][SHA256_LEN];
        unsigned n_plain, n_packed;
};

void release_init(struct release *r, const char *index, const char *suffix);
void release_done(struct release *r);
MUST_USE int release_feed(struct release *r, struct span bytes, struct err *err);
MUST_USE int release_finish(struct release *r, struct err *err);
bool release_lists(const struct release *r, const uint8_t plain[SHA256_LEN],
                   const uint8_t packed[SHA256_LEN]);

/* Seconds of "Sat, 11 Jul 2026 09:57:13 UTC"; false for any other form or time zone. */
bool release_parse_date(struct span s, int64_t *ret);

/* ---- Packages ---- */

typedef uint8_t release_hash[SHA256_LEN];

struct packages {
        const release_hash *wanted; /* borrowed, ascending */
        size_t n_wanted;
        struct job_out *out;
        struct deb822 text;
        struct release_fact fact; /* of the paragraph at hand; kind RELEASE_FACT_LISTED */
        bool has_hash;
};

void packages_init(struct packages *p, const release_hash *wanted, size_t n_wanted,
                   struct job_out *out);
void packages_done(struct packages *p);
MUST_USE int packages_feed(struct packages *p, struct span bytes, struct err *err);
MUST_USE int packages_finish(struct packages *p, struct err *err);

#endif

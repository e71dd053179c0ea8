/* SPDX-License-Identifier: Apache-2.0 */
/* resolve.h - a commit as the files it makes of a host.  Floor 3.
 *
 * The commit is read as commit.h has it; this process holds no key meanwhile. */
#ifndef COMMAND_CHANGE_RESOLVE_H
#define COMMAND_CHANGE_RESOLVE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "wire/pathlist.h"

enum { RESOLVE_KEYRINGS_MAX = 16 };

struct resolve_spec {
        const char *job_program;
        const struct clock *clock;
        const char *repo; /* absolute */
        const char *commit;
        struct pathlist_map map[PATHLIST_MAPS_MAX];
        size_t n_maps;
        const char *refs[COMMIT_REFS_MAX]; /* protected branches */
        size_t n_refs;
        const char *signers; /* an allowed-signers file of ssh; NULL */
        const char *keyrings[RESOLVE_KEYRINGS_MAX];
        size_t n_keyrings;
};

struct resolve_skipped {
        const char *path, *why;
};

struct resolved {
        struct arena arena;            /* holds what follows */
        struct pathlist_header header; /* commit, maps, on, signing, signer */
        struct buf entries;            /* sorted lines */
        uint32_t n_entries, n_links;
        struct resolve_skipped *skipped; /* what the list cannot have: submodules, too large */
        size_t n_skipped;
        int64_t committed; /* seconds */
};

/* header.signing is SIGNATURE_NO_KEY where nothing was given to judge a signature by.  -EEXIST: two
 * maps make the same path.  Other codes as the jobs'. */
MUST_USE int resolve_commit(const struct resolve_spec *spec, struct resolved *ret, struct err *err);
void resolved_done(struct resolved *r); /* fine on a zeroed one */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* commit.h - a commit of a git repository: what it has, where it is, who signed it.  Floor 3.
 *
 * The repository is read by the job "commit" and the commit's signature judged by the job
 * "signature": this process only adds up what they tell, and holds no key while they run. */
#ifndef COMMAND_CHANGE_COMMIT_H
#define COMMAND_CHANGE_COMMIT_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "wire/commit_fact.h"
#include "wire/signature_fact.h"

enum { COMMIT_KEYRINGS_MAX = 16 };

struct commit_branch {
        const char *ref;  /* full name of a protected branch */
        const char *past; /* a commit that it must not have lost, "" for none; NULL: not asked */
};

struct commit_spec {
        const char *job_program;
        const struct clock *clock;
        const char *repo; /* absolute */
        const char *commit;
        const char *sub[COMMIT_SUBS_MAX]; /* directories of the commit, "" for its top */
        size_t n_subs;
        struct commit_branch branch[COMMIT_REFS_MAX];
        size_t n_branches;
        const char *signers; /* an allowed-signers file of ssh; NULL */
        const char *keyring[COMMIT_KEYRINGS_MAX];
        size_t n_keyrings;
        bool now; /* signers have to be allowed now; else when it was made, as git judges it */
        /* Each file, link and what was skipped; negative ends it with that code. */
        int (*on_file)(void *ctx, const struct commit_fact *f);
        void *ctx;
};

/* Where a branch is whose past was asked for. */
struct commit_tip {
        char ref[COMMIT_REF_MAX + 1];
        char tip[COMMIT_ID_MAX + 1]; /* "": there is no such branch */
        bool had;                    /* it has that commit in its history */
};

struct commit {
        char id[COMMIT_ID_MAX + 1];
        int64_t committed; /* seconds */
        char on[COMMIT_REFS_MAX][COMMIT_REF_MAX + 1];
        size_t n_on;
        struct commit_tip tip[COMMIT_REFS_MAX];
        size_t n_tips;
        enum signature_status signing; /* NO_KEY: also where nothing was given to judge it by */
        char signer[SIGNATURE_SIGNER_MAX + 1]; /* of a good one: a principal, or a fingerprint */
        char key[SIGNATURE_KEY_MAX + 1];       /* of a good one: its fingerprint */
};

/* Codes as the jobs'; *ret is untouched then. */
MUST_USE int commit_read(const struct commit_spec *spec, struct commit *ret, struct err *err);

#endif

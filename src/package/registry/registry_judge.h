/* SPDX-License-Identifier: Apache-2.0 */
/* registry_judge.h - may it be pushed, approved, deployed, rolled back?  Floor 2.
 *
 * Each judge fills in what it learns of the act's record.  What it refuses is -EKEYREJECTED: then
 * the record is one of api.refused, err says it to who asked, and the record's detail says the same
 * without a name of anybody, since an entry stays for ever. */
#ifndef PACKAGE_REGISTRY_JUDGE_H
#define PACKAGE_REGISTRY_JUDGE_H

#include "package/registry/registry.h"
#include "package/registry/registry_config.h"

enum registry_reason {
        REGISTRY_FILE, /* no package that can be read */
        REGISTRY_SIGNATURE_OF_PACKAGE,
        REGISTRY_NOT_OF_REPOSITORY,
        REGISTRY_COMMIT_SIGNATURE,
        REGISTRY_UNKNOWN_AUTHOR,
        REGISTRY_NO_BRANCH,
        REGISTRY_REWOUND,
        REGISTRY_SOURCE_EXTRA,
        REGISTRY_SOURCE_MISSING,
        REGISTRY_SOURCE_DIFFERS,
        REGISTRY_SOURCE_ODD, /* a link, a submodule */
        REGISTRY_REBUILT,
        REGISTRY_VERSION_TAKEN,
        REGISTRY_NOT_PUSHED,
        REGISTRY_NO_APPROVAL,
        REGISTRY_BAD_APPROVAL,
        REGISTRY_OTHER_APPROVAL,
        REGISTRY_NO_APPROVER,
        REGISTRY_SEPARATION,
        REGISTRY_EXPIRED,
        REGISTRY_USED,
        REGISTRY_NEVER_DEPLOYED,
        REGISTRY_NOT_DEPLOYED,
        REGISTRY_BROKEN, /* does not open as gateways open it */
        REGISTRY_REASONS,
};

int registry_refuse(struct registry_record *record, enum registry_reason reason, struct err *err,
                    const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Is the package's API the repository's, and has a builder signed it? */
MUST_USE int registry_judge_package(const struct registry_config *c, const struct package_file *f,
                                    const char *repository, struct registry_record *record,
                                    struct err *err);
/* 1: this version was pushed with these bytes; 0: it was not. */
MUST_USE int registry_judge_version(const struct registry *r, const struct package_file *f,
                                    struct registry_record *record, struct err *err);

/* What is known of the commit. */
struct registry_commit {
        char id[COMMIT_ID_MAX + 1];
        struct registry_tip tip[REGISTRY_TIPS_MAX];      /* of each protected branch */
        char past[REGISTRY_TIPS_MAX][COMMIT_ID_MAX + 1]; /* where it was; "": not known */
        bool had[REGISTRY_TIPS_MAX];                     /* it has that in its history */
        size_t n_tips;
        enum signature_status signing;
        char signer[SIGNATURE_SIGNER_MAX + 1], key[SIGNATURE_KEY_MAX + 1];
};
/* Signed by an author we know, on a branch that only went forward? */
MUST_USE int registry_judge_commit(const struct registry_config *c,
                                   const struct registry_commit *commit,
                                   struct registry_record *record, struct err *err);

/* A file of the commit below the API's directory. */
struct registry_source {
        const char *path;
        bool odd; /* no file */
        uint64_t size;
        uint8_t sha256[PACKAGE_HASH];
};
/* Are the package's sources these, all and no others?  They are put in order. */
MUST_USE int registry_judge_sources(const struct package_file *f, struct registry_source *files,
                                    size_t n, struct registry_record *record, struct err *err);

/* May this key approve that version?  vkey: "name+hash+key"; sets approver and its key. */
MUST_USE int registry_judge_approver(const struct registry_config *c,
                                     const struct registry_record *pushed, const char *vkey,
                                     struct registry_record *record, struct err *err);
/* Is the note an approval of that version by who may, that counts at this time and was not used? */
MUST_USE int registry_judge_approval(const struct registry *r, const struct registry_config *c,
                                     const struct registry_record *pushed, struct span note,
                                     int64_t now_ns, struct registry_record *record,
                                     struct err *err);

/* Do gateways that believe these builders open the package?  And is record's approver, if any, none
 * of those who have signed it? */
MUST_USE int registry_judge_open(const struct registry *r, const struct registry_config *c,
                                 struct registry_record *record, struct err *err);

/* Which version to go back to: the one that was asked for (NULL: the one before), and the
 * generation that it was deployed in.  Deployments of an API are a stack: deploying puts a version
 * on it, going back takes those above it away. */
MUST_USE int registry_judge_rollback(const struct registry *r, const char *api, const char *version,
                                     const struct registry_live *live,
                                     struct registry_record *record, struct err *err);

/* What an act on an API replaces: previous and its hash, and the next generation. */
void registry_set_next(struct registry_record *record, const struct registry_live *live);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* registry_judge.c - pushes and approvals; registry_rollback.c has the way back. */
#include "package/registry/registry_judge.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "package/registry/registry_priv.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
        const char *word, *detail;
} reasons[] = {
        [REGISTRY_FILE] = { "file", "the file is no whole package" },
        [REGISTRY_SIGNATURE_OF_PACKAGE] = { "builder", "no builder has signed the package" },
        [REGISTRY_NOT_OF_REPOSITORY] = { "repository", "the API is not of this repository" },
        [REGISTRY_COMMIT_SIGNATURE] = { "signature", "the commit has no good signature" },
        [REGISTRY_UNKNOWN_AUTHOR] = { "author", "who signed the commit is not among the authors" },
        [REGISTRY_NO_BRANCH] = { "branch", "the commit is on no protected branch" },
        [REGISTRY_REWOUND] = { "rewound", "a protected branch has lost a commit" },
        [REGISTRY_SOURCE_EXTRA] = { "source", "the package has a source that the commit has not" },
        [REGISTRY_SOURCE_MISSING] = { "source", "the commit has a file that the package has not" },
        [REGISTRY_SOURCE_DIFFERS] = { "source", "a source is not what the commit has there" },
        [REGISTRY_SOURCE_ODD] = { "source", "the commit has something there that is no file" },
        [REGISTRY_REBUILT] = { "rebuilt", "built again of its sources the package is another" },
        [REGISTRY_VERSION_TAKEN] = { "version",
                                     "this version was pushed before as another package" },
        [REGISTRY_NOT_PUSHED] = { "unknown", "this version was not pushed" },
        [REGISTRY_NO_APPROVAL] = { "approval", "there is no approval" },
        [REGISTRY_BAD_APPROVAL] = { "approval", "the approval is damaged, or none" },
        [REGISTRY_OTHER_APPROVAL] = { "approval", "the approval is of another package" },
        [REGISTRY_NO_APPROVER] = { "approver", "the key is none of an approver" },
        [REGISTRY_SEPARATION] = { "separation",
                                  "the approver is the author, or has built the package" },
        [REGISTRY_EXPIRED] = { "expired", "the approval has expired" },
        [REGISTRY_USED] = { "used", "the approval was used before" },
        [REGISTRY_NEVER_DEPLOYED] = { "never_deployed", "this version was never deployed here" },
        [REGISTRY_NOT_DEPLOYED] = { "never_deployed", "this API is not deployed" },
        [REGISTRY_BROKEN] = { "package", "gateways would not open the package" },
};
STATIC_ASSERT(ARRAY_LEN(reasons) == REGISTRY_REASONS, "one for each");

static int say(struct err *err, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
static int say(struct err *err, const char *fmt, va_list ap)
{
        char text[ERR_TEXT_MAX];

        vsnprintf(text, sizeof text, fmt, ap);
        return err_set(err, -EKEYREJECTED, "%s", text);
}

int registry_refuse(struct registry_record *record, enum registry_reason reason, struct err *err,
                    const char *fmt, ...)
{
        va_list ap;
        int r;

        record->kind = REGISTRY_REFUSED;
        snprintf(record->reason, sizeof record->reason, "%s", reasons[reason].word);
        snprintf(record->detail, sizeof record->detail, "%s", reasons[reason].detail);
        va_start(ap, fmt);
        r = say(err, fmt, ap);
        va_end(ap);
        return r;
}

/* Names, versions and paths fit where they go: they were checked, or are cut. */
static void copy(char *out, size_t size, struct span s)
{
        snprintf(out, size, "%.*s", (int)MIN_OF(s.n, size - 1), (const char *)s.p);
}
#define COPY(to, span) copy((to), sizeof(to), (span))

/* ---- a package ---- */

int registry_judge_package(const struct registry_config *c, const struct package_file *f,
                           const char *repository, struct registry_record *record, struct err *err)
{
        const char *directory = registry_config_directory(c, repository, f->api);
        struct span keys[REGISTRY_KEYS_MAX];
        const struct registry_item *builder;
        struct err why = { 0 };
        size_t n, at = 0;
        int r;

        COPY(record->api, f->api);
        COPY(record->version, f->version);
        COPY(record->repository, span_str(repository));
        memcpy(record->sha256, f->sha256, PACKAGE_HASH);
        if (!directory && !registry_config_value(c, REGISTRY_REPOSITORY, repository))
                return registry_refuse(record, REGISTRY_NOT_OF_REPOSITORY, err,
                                       "registry.yaml has no repository %s", repository);
        if (!directory)
                return registry_refuse(record, REGISTRY_NOT_OF_REPOSITORY, err,
                                       "API %s is not one of repository %s in registry.yaml",
                                       record->api, repository);
        COPY(record->directory, span_str(directory));
        record->sources = f->n_sources;
        registry_config_keys(c, REGISTRY_BUILDER, keys, &n);
        r = package_file_verify(f, keys, n, &at, &why);
        if (r == -ENOKEY)
                return registry_refuse(record, REGISTRY_SIGNATURE_OF_PACKAGE, err,
                                       "%s: build it with assay api build --key FILE, the key of "
                                       "one of the builders in registry.yaml",
                                       err_text(&why));
        if (r == -EBADMSG)
                return registry_refuse(record, REGISTRY_SIGNATURE_OF_PACKAGE, err, "%s",
                                       err_text(&why));
        if (r < 0)
                return err_set(err, r, "%s", err_text(&why));
        builder = registry_config_key(c, REGISTRY_BUILDER, at);
        registry_key_id(builder->value, record->builder_key);
        return 0;
}

int registry_judge_version(const struct registry *r, const struct package_file *f,
                           struct registry_record *record, struct err *err)
{
        struct registry_record *before = malloc(sizeof *before);
        int rc = before ? registry_version(r, record->api, record->version, before, err)
                        : err_sys(err, -ENOMEM, "version");

        if (rc == -ENOENT)
                rc = 0;
        else if (rc == 0 && memcmp(before->sha256, f->sha256, PACKAGE_HASH) == 0)
                rc = 1;
        else if (rc == 0)
                rc = registry_refuse(
                        record, REGISTRY_VERSION_TAKEN, err,
                        "%s %s was pushed before, of commit %.12s, as another package: "
                        "a version is one package for ever, raise it",
                        record->api, record->version, before->commit);
        free(before);
        return rc;
}

/* ---- a commit ---- */

static int judge_branches(const struct registry_commit *commit, struct registry_record *record,
                          struct err *err)
{
        bool on = false;

        for (size_t i = 0; i < commit->n_tips; i++) {
                const struct registry_tip *t = &commit->tip[i];

                on = on || t->on;
                if (commit->had[i] || !t->tip[0]) /* one that is gone protects nothing */
                        continue;
                COPY(record->branch, span_str(t->ref));
                COPY(record->tip, span_str(commit->past[i]));
                return registry_refuse(record, REGISTRY_REWOUND, err,
                                       "branch %s of repository %s has lost commit %.12s, which it "
                                       "had at an earlier push: it was rewound, or forced",
                                       t->ref, record->repository, commit->past[i]);
        }
        return on ? 0
                  : registry_refuse(record, REGISTRY_NO_BRANCH, err,
                                    "commit %.12s is on no protected branch of repository %s",
                                    commit->id, record->repository);
}

int registry_judge_commit(const struct registry_config *c, const struct registry_commit *commit,
                          struct registry_record *record, struct err *err)
{
        const char *author, *status = signature_status_name(commit->signing);
        int r;

        COPY(record->commit, span_str(commit->id));
        COPY(record->key, span_str(commit->key));
        COPY(record->signed_, span_str(status));
        memcpy(record->tips, commit->tip, sizeof record->tips);
        record->n_tips = commit->n_tips;
        r = judge_branches(commit, record, err);
        if (r < 0)
                return r;
        if (commit->signing != SIGNATURE_GOOD)
                return registry_refuse(record, REGISTRY_COMMIT_SIGNATURE, err,
                                       "commit %.12s has no good signature: %s", commit->id,
                                       status);
        author = registry_config_author(c, commit->signer);
        if (!author)
                return registry_refuse(record, REGISTRY_UNKNOWN_AUTHOR, err,
                                       "commit %.12s is signed by %s, who is not among the authors "
                                       "in registry.yaml",
                                       commit->id, commit->signer);
        COPY(record->signer, span_str(commit->signer));
        COPY(record->author, span_str(author));
        return 0;
}

/* ---- sources ---- */

static int by_path(const void *a, const void *b)
{
        const struct registry_source *x = a, *y = b;

        return span_cmp(span_str(x->path), span_str(y->path));
}

static int refuse_source(struct registry_record *record, enum registry_reason reason,
                         struct span path, struct err *err)
{
        COPY(record->path, path);
        return registry_refuse(record, reason, err, "%.*s: %s", (int)MIN_OF(path.n, (size_t)200),
                               (const char *)path.p, reasons[reason].detail);
}

static int judge_source(const struct package_source *s, const struct registry_source *file,
                        struct registry_record *record, struct err *err)
{
        uint8_t hash[SHA256_LEN];

        if (file->odd)
                return refuse_source(record, REGISTRY_SOURCE_ODD, s->path, err);
        sha256(s->text, hash);
        if (file->size != s->text.n || memcmp(file->sha256, hash, sizeof hash) != 0)
                return refuse_source(record, REGISTRY_SOURCE_DIFFERS, s->path, err);
        return 0;
}

int registry_judge_sources(const struct package_file *f, struct registry_source *files, size_t n,
                           struct registry_record *record, struct err *err)
{
        size_t i = 0, k = 0;
        int r = 0;

        if (n > 0)
                qsort(files, n, sizeof *files, by_path);
        while (r == 0 && (i < f->n_sources || k < n)) {
                int c = i == f->n_sources ? 1
                        : k == n          ? -1
                                          : span_cmp(f->sources[i].path, span_str(files[k].path));

                if (c < 0)
                        return refuse_source(record, REGISTRY_SOURCE_EXTRA, f->sources[i].path,
                                             err);
                if (c > 0)
                        return refuse_source(record, REGISTRY_SOURCE_MISSING,
                                             span_str(files[k].path), err);
                r = judge_source(&f->sources[i++], &files[k++], record, err);
        }
        return r;
}

/* ---- approvals ---- */

/* One that has built with the key of this id, by this name or by any (NULL).  Ids are short: of two
 * keys with the same both may have. */
static bool has_built(const struct registry_config *c, const char *key, const char *name)
{
        const struct registry_item *i = NULL;
        char id[REGISTRY_KEY_MAX + 1];

        while ((i = registry_config_next(c, i, REGISTRY_BUILDER, name))) {
                registry_key_id(i->value, id);
                if (strcmp(id, key) == 0)
                        return true;
        }
        return false;
}

static int judge_separation(const struct registry_config *c, const struct registry_record *pushed,
                            const char *approver, struct registry_record *record, struct err *err)
{
        /* as the file says today: a name that was given to a signer since counts */
        const char *author = registry_config_author(c, pushed->signer);

        if (!author)
                return registry_refuse(record, REGISTRY_UNKNOWN_AUTHOR, err,
                                       "who signed commit %.12s (%s) is not among the authors in "
                                       "registry.yaml any more",
                                       pushed->commit, pushed->signer);
        if (!has_built(c, pushed->builder_key, NULL))
                return registry_refuse(record, REGISTRY_SIGNATURE_OF_PACKAGE, err,
                                       "its builder (key %s) is not in registry.yaml any more",
                                       pushed->builder_key);
        COPY(record->author, span_str(author));
        if (strcmp(author, approver) == 0 || strcmp(pushed->author, approver) == 0)
                return registry_refuse(record, REGISTRY_SEPARATION, err,
                                       "%s has signed the commit, and cannot approve it as well",
                                       approver);
        if (has_built(c, pushed->builder_key, approver))
                return registry_refuse(record, REGISTRY_SEPARATION, err,
                                       "%s has built the package, and cannot approve it as well",
                                       approver);
        return 0;
}

static void set_subject(struct registry_record *record, const struct registry_record *pushed)
{
        memcpy(record->api, pushed->api, sizeof record->api);
        memcpy(record->version, pushed->version, sizeof record->version);
        memcpy(record->sha256, pushed->sha256, PACKAGE_HASH);
        memcpy(record->commit, pushed->commit, sizeof record->commit);
        memcpy(record->repository, pushed->repository, sizeof record->repository);
}

int registry_judge_approver(const struct registry_config *c, const struct registry_record *pushed,
                            const char *vkey, struct registry_record *record, struct err *err)
{
        const struct registry_item *i = NULL;

        set_subject(record, pushed);
        registry_key_id(vkey, record->key);
        registry_key_id(vkey, record->approver_key);
        do
                i = registry_config_next(c, i, REGISTRY_APPROVER, NULL);
        while (i && strcmp(i->value, vkey) != 0);
        if (!i)
                return registry_refuse(record, REGISTRY_NO_APPROVER, err,
                                       "key %s is not of an approver in registry.yaml: its public "
                                       "half, which assay change key printed, belongs under "
                                       "approvers there",
                                       record->key);
        COPY(record->approver, span_str(i->name));
        return judge_separation(c, pushed, i->name, record, err);
}

/* 1: a generation was deployed with it. */
static int is_used(const struct registry *r, const uint8_t digest[PACKAGE_HASH], struct err *err)
{
        struct registry_record *d = malloc(sizeof *d);
        uint64_t last = 0;
        bool used = false;
        int rc = d ? live_deployed(r->fd, &last, err) : err_sys(err, -ENOMEM, "deployments");

        for (uint64_t n = last; n > 0 && rc == 0 && !used; n--) {
                rc = registry_deployment(r, n, d, err);
                used = rc == 0 && d->kind == REGISTRY_DEPLOYED &&
                       memcmp(d->approval, digest, PACKAGE_HASH) == 0;
        }
        free(d);
        return rc < 0 ? rc : used;
}

/* Signed by whom? */
static int judge_note(const struct registry_config *c, struct span note, struct approval *a,
                      const char **ret_vkey, struct registry_record *record, struct err *err)
{
        struct span keys[REGISTRY_KEYS_MAX];
        struct err why = { 0 };
        size_t n, at = 0;
        int r = approval_read(note, a, &why);

        registry_config_keys(c, REGISTRY_APPROVER, keys, &n);
        if (r == 0) {
                memcpy(record->approval, a->digest, PACKAGE_HASH);
                COPY(record->change, span_str(a->change));
                r = approval_verify(note, keys, n, &at, &why);
        }
        if (r == -ENOKEY)
                return registry_refuse(record, REGISTRY_NO_APPROVER, err,
                                       "the approval is signed by none of the %zu approvers in "
                                       "registry.yaml",
                                       n);
        if (r == -EBADMSG)
                return registry_refuse(record, REGISTRY_BAD_APPROVAL, err,
                                       "not what assay api approve has written: %s",
                                       err_text(&why));
        if (r < 0)
                return err_set(err, r, "%s", err_text(&why));
        *ret_vkey = registry_config_key(c, REGISTRY_APPROVER, at)->value;
        return 0;
}

static int judge_time(const struct approval *a, int64_t now_ns, struct registry_record *record,
                      struct err *err)
{
        char until[TEXT_TIME_LEN + 1];

        record->until_ns = a->until_ns;
        if (now_ns < a->until_ns)
                return 0;
        text_time(a->until_ns, until);
        return registry_refuse(record, REGISTRY_EXPIRED, err, "the approval was good until %s",
                               until);
}

int registry_judge_approval(const struct registry *r, const struct registry_config *c,
                            const struct registry_record *pushed, struct span note, int64_t now_ns,
                            struct registry_record *record, struct err *err)
{
        const char *vkey = NULL;
        struct approval a;
        int rc;

        set_subject(record, pushed);
        rc = judge_note(c, note, &a, &vkey, record, err);
        if (rc < 0)
                return rc;
        if (strcmp(a.api, pushed->api) != 0 || strcmp(a.version, pushed->version) != 0 ||
            memcmp(a.sha256, pushed->sha256, PACKAGE_HASH) != 0)
                return registry_refuse(record, REGISTRY_OTHER_APPROVAL, err,
                                       "the approval is of %s %s, or of another package of that "
                                       "version",
                                       a.api, a.version);
        rc = registry_judge_approver(c, pushed, vkey, record, err);
        if (rc == 0)
                rc = judge_time(&a, now_ns, record, err);
        if (rc < 0)
                return rc;
        rc = is_used(r, a.digest, err);
        return rc <= 0 ? rc
                       : registry_refuse(record, REGISTRY_USED, err,
                                         "this approval was used before: it is good for one "
                                         "deployment");
}

/* ---- as gateways see it ---- */

/* Each builder that has signed has built, not the first one alone, whom the push names. */
static int judge_builders(const struct registry_config *c, const struct package_file *f,
                          struct registry_record *record, struct err *err)
{
        const struct registry_item *i = NULL;

        while (record->approver[0] &&
               (i = registry_config_next(c, i, REGISTRY_BUILDER, record->approver))) {
                struct span key = span_str(i->value);
                struct err why = { 0 };
                size_t at;
                int rc = package_file_verify(f, &key, 1, &at, &why);

                if (rc == 0)
                        return registry_refuse(record, REGISTRY_SEPARATION, err,
                                               "%s has built the package as well, and cannot "
                                               "approve it",
                                               record->approver);
                if (rc != -ENOKEY)
                        return err_set(err, rc, "%s", err_text(&why));
        }
        return 0;
}

int registry_judge_open(const struct registry *r, const struct registry_config *c,
                        struct registry_record *record, struct err *err)
{
        CLEANUP(package_unrefp) struct package *p = NULL;
        struct span keys[REGISTRY_KEYS_MAX];
        char path[REGISTRY_PATH_MAX];
        struct err why = { 0 };
        CLEANUP_FD int fd = -1;
        size_t n;
        int rc;

        registry_package_path(record->sha256, path);
        fd = r->io->open(r->io->ctx, r->fd, path, O_RDONLY, 0);
        if (fd < 0)
                return err_sys(err, fd, "%s", path);
        registry_config_keys(c, REGISTRY_BUILDER, keys, &n);
        rc = package_open(fd, keys, n, &p, &why);
        if (rc == -EBADMSG || rc == -ENOKEY || rc == -EINVAL)
                return registry_refuse(record, REGISTRY_BROKEN, err, "%s: %s", path,
                                       err_text(&why));
        if (rc < 0)
                return err_set(err, rc, "%s: %s", path, err_text(&why));
        if (memcmp(p->file.sha256, record->sha256, PACKAGE_HASH) != 0)
                return registry_refuse(record, REGISTRY_BROKEN, err, "%s: it is another package",
                                       path);
        return judge_builders(c, &p->file, record, err);
}

void registry_set_next(struct registry_record *record, const struct registry_live *live)
{
        const struct live_api *now = registry_live_api(live, record->api);

        record->generation = live->generation + 1;
        if (!now)
                return;
        COPY(record->previous, now->version);
        memcpy(record->previous_sha256, now->sha256, PACKAGE_HASH);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The job "commit": wire/commit_fact.h has arguments and facts.
 *
 * SECURITY: the repository is somebody else's, every byte of it.  libgit2 reads it in a process
 * that can open nothing but that directory, and write nothing.  Of its configuration nothing is
 * read; a repository that borrows objects from elsewhere lacks them here. */
#include "base/text.h"
#include "crypto/sha256.h"
#include "job/job.h"
#include "job/loose.h"
#include "wire/commit_fact.h"

#include <git2.h>
#include <git2/odb_backend.h>
#include <git2/sys/repository.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOB_MAX (256ull << 20)

enum {
        DEPTH_MAX = 64,
        ENTRIES_MAX = 200000, /* of all trees, each as often as it is met */
        WINDOW = 16 << 20,    /* what is mapped of a pack at once, and of all packs together */
        MAPPED_MAX = 256 << 20,
        CACHE_MAX = 32 << 20,
        PACKS_OPEN_MAX = 64,
        LINK_MODE = 0120000,
};

struct branch {
        const char *ref;
        const char *past; /* NULL: not asked for */
        git_oid tip;
        bool there;
};

struct reader {
        struct job_out *out;
        git_repository *repo;
        git_odb *odb;
        git_commit *commit;
        struct branch branch[COMMIT_REFS_MAX];
        size_t n_branches;
        const char *subs[COMMIT_SUBS_MAX];
        size_t n_subs;
        uint32_t entries;
        unsigned depth;
        struct commit_fact fact;
        size_t path_n; /* of fact.path */
};

static int git_failed(const char *what, int code, struct err *err)
{
        const git_error *e = git_error_last();
        int r = code == GIT_ENOTFOUND                 ? -ENOENT
                : e && e->klass == GIT_ERROR_NOMEMORY ? -ENOMEM
                                                      : -EBADMSG;

        return err_set(err, r, "%s: %s", what, e && e->message ? e->message : "refused");
}

static int send(struct reader *d, struct err *err)
{
        int r;

        commit_fact_put(job_out_begin(d->out), &d->fact);
        r = job_out_end(d->out);
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

/* ---- which commit ---- */

static int set_options(struct err *err)
{
        static const int levels[] = { GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
                                      GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA };
        int r = git_libgit2_init();

        if (r < 0)
                return git_failed("libgit2", r, err);
        r = 0;
        for (size_t i = 0; r == 0 && i < ARRAY_LEN(levels); i++)
                r = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
        /* whose it is does not matter: nothing of it is run or obeyed */
        if (r == 0)
                r = git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
        if (r == 0)
                r = git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)WINDOW);
        if (r == 0)
                r = git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)MAPPED_MAX);
        if (r == 0)
                r = git_libgit2_opts(GIT_OPT_SET_MWINDOW_FILE_LIMIT, (size_t)PACKS_OPEN_MAX);
        if (r == 0)
                r = git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)CACHE_MAX);
        if (r == 0)
                r = git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
        return r < 0 ? git_failed("libgit2", r, err) : 0;
}

static int peel(git_reference *ref, git_commit **ret)
{
        git_object *object = NULL;
        int r = git_reference_peel(&object, ref, GIT_OBJECT_COMMIT);

        *ret = (git_commit *)object;
        return r;
}

static int find_commit(struct reader *d, const char *name, struct err *err)
{
        git_reference *ref = NULL;
        git_oid id;
        int r;

        if (!*name)
                return err_set(err, -EINVAL, "no commit is named");
        if (strlen(name) == COMMIT_ID_MAX && git_oid_fromstr(&id, name) == 0) {
                r = git_commit_lookup(&d->commit, d->repo, &id);
        } else {
                r = git_reference_dwim(&ref, d->repo, name);
                if (r == 0)
                        r = peel(ref, &d->commit);
                git_reference_free(ref);
        }
        if (r == GIT_ENOTFOUND || r == GIT_EINVALIDSPEC)
                return err_set(err, -ENOENT, "the repository has no such commit, branch or tag: %s",
                               name);
        return r < 0 ? git_failed("commit", r, err) : 0;
}

/* ---- branches ---- */

/* Once each, so that all that is told of one is of the same moment. */
static void find_branches(struct reader *d)
{
        for (size_t i = 0; i < d->n_branches; i++) {
                struct branch *b = &d->branch[i];
                git_reference *ref = NULL;
                git_commit *tip = NULL;

                b->there = git_reference_lookup(&ref, d->repo, b->ref) == 0 && peel(ref, &tip) == 0;
                if (b->there)
                        b->tip = *git_commit_id(tip);
                git_commit_free(tip);
                git_reference_free(ref);
        }
}

/* Does it have the commit in its history?  One that is not there does not. */
static bool has(struct reader *d, const struct branch *b, const git_oid *id)
{
        return b->there &&
               (git_oid_equal(&b->tip, id) || git_graph_descendant_of(d->repo, &b->tip, id) == 1);
}

static int send_branches(struct reader *d, struct err *err)
{
        struct commit_fact *f = &d->fact;
        git_oid past;
        int r = 0;

        for (size_t i = 0; r == 0 && i < d->n_branches; i++) {
                const struct branch *b = &d->branch[i];

                if (!b->past)
                        continue;
                f->kind = COMMIT_FACT_BRANCH;
                f->had = !*b->past || (git_oid_fromstr(&past, b->past) == 0 && has(d, b, &past));
                memcpy(f->ref, b->ref, strlen(b->ref) + 1);
                f->tip[0] = '\0';
                if (b->there)
                        git_oid_tostr(f->tip, sizeof f->tip, &b->tip);
                r = send(d, err);
        }
        return r;
}

/* ---- what is signed ---- */

static enum commit_signing signing_of(const char *signature)
{
        static const struct {
                const char *start;
                enum commit_signing signing;
        } known[] = { { "-----BEGIN SSH SIGNATURE-----", COMMIT_SSH },
                      { "-----BEGIN PGP SIGNATURE-----", COMMIT_OPENPGP } };

        for (size_t i = 0; i < ARRAY_LEN(known); i++)
                if (strncmp(signature, known[i].start, strlen(known[i].start)) == 0)
                        return known[i].signing;
        return COMMIT_OTHER;
}

static int send_pieces(struct reader *d, enum commit_fact_kind kind, const git_buf *b, size_t max,
                       struct err *err)
{
        int r = 0;

        if (b->size > max)
                return err_set(err, -EFBIG, "commit: %s of more than %zu bytes",
                               kind == COMMIT_FACT_PAYLOAD ? "text" : "signature", max);
        d->fact.kind = kind;
        for (size_t at = 0; r == 0 && at < b->size; at += d->fact.data_n) {
                d->fact.data_n = MIN_OF(b->size - at, (size_t)COMMIT_PIECE_MAX);
                memcpy(d->fact.data, b->ptr + at, d->fact.data_n);
                r = send(d, err);
        }
        return r;
}

static int64_t seconds(git_time_t t)
{
        return t < 0 || t > JSON_INT_MAX ? 0 : t;
}

static int send_commit(struct reader *d, const char *signature, struct err *err)
{
        const git_signature *author = git_commit_author(d->commit);
        struct commit_fact *f = &d->fact;

        f->kind = COMMIT_FACT_COMMIT;
        f->signing = signature ? signing_of(signature) : COMMIT_UNSIGNED;
        git_oid_tostr(f->commit, sizeof f->commit, git_commit_id(d->commit));
        f->author_time = author ? seconds(author->when.time) : 0;
        f->committer_time = seconds(git_commit_time(d->commit));
        f->n_on = 0;
        for (size_t i = 0; i < d->n_branches; i++)
                if (has(d, &d->branch[i], git_commit_id(d->commit)))
                        memcpy(f->on[f->n_on++], d->branch[i].ref, strlen(d->branch[i].ref) + 1);
        return send(d, err);
}

static int read_commit(struct reader *d, struct err *err)
{
        git_buf signature = GIT_BUF_INIT, payload = GIT_BUF_INIT;
        git_oid id = *git_commit_id(d->commit);
        int r = git_commit_extract_signature(&signature, &payload, d->repo, &id, NULL);

        if (r == 0 || r == GIT_ENOTFOUND)
                r = send_commit(d, r == 0 ? signature.ptr : NULL, err);
        else
                r = git_failed("signature", r, err);
        if (r == 0 && signature.size > 0)
                r = send_pieces(d, COMMIT_FACT_PAYLOAD, &payload, COMMIT_PAYLOAD_MAX, err);
        if (r == 0 && signature.size > 0)
                r = send_pieces(d, COMMIT_FACT_SIGNATURE, &signature, COMMIT_SIGNATURE_MAX, err);
        git_buf_dispose(&signature);
        git_buf_dispose(&payload);
        return r;
}

/* ---- files ---- */

static int skip(struct reader *d, const char *why, struct err *err)
{
        d->fact.kind = COMMIT_FACT_SKIPPED;
        snprintf(d->fact.why, sizeof d->fact.why, "%s", why);
        return send(d, err);
}

static int send_blob(struct reader *d, git_blob *blob, bool link, struct err *err)
{
        size_t n = (size_t)git_blob_rawsize(blob);
        const char *p = git_blob_rawcontent(blob);

        if (!link) {
                d->fact.kind = COMMIT_FACT_FILE;
                d->fact.size = n;
                sha256(span_of(p, n), d->fact.sha256);
                return send(d, err);
        }
        if (n == 0 || n > COMMIT_PATH_MAX || memchr(p, '\0', n))
                return skip(d, "link to what is no path", err);
        d->fact.kind = COMMIT_FACT_LINK;
        memcpy(d->fact.target, p, n);
        d->fact.target[n] = '\0';
        return send(d, err);
}

static int read_blob(struct reader *d, const git_oid *id, bool link, struct err *err)
{
        git_blob *blob = NULL;
        git_object_t type;
        size_t size;
        int r = git_odb_read_header(&size, &type, d->odb, id);

        if (r == 0 && size > BLOB_MAX)
                return skip(d, "too large", err);
        if (r == 0)
                r = git_blob_lookup(&blob, d->repo, id);
        r = r < 0 ? git_failed("file", r, err) : send_blob(d, blob, link, err);
        git_blob_free(blob);
        return r;
}

static int read_tree(struct reader *d, const git_oid *id, struct err *err);

static int read_entry(struct reader *d, const git_tree_entry *e, struct err *err)
{
        uint32_t mode = git_tree_entry_filemode_raw(e);

        switch (git_tree_entry_type(e)) {
        case GIT_OBJECT_TREE:
                return read_tree(d, git_tree_entry_id(e), err);
        case GIT_OBJECT_BLOB:
                d->fact.mode = mode & 0111 ? 0755 : 0644;
                return read_blob(d, git_tree_entry_id(e), (mode & 0170000) == LINK_MODE, err);
        default:
                return skip(d, "submodule", err);
        }
}

/* Puts an entry's name behind the path for the time of its reading. */
static int enter(struct reader *d, const git_tree_entry *e, struct err *err)
{
        const char *name = git_tree_entry_name(e);
        size_t was = d->path_n, n = strlen(name);
        int r;

        if (++d->entries > ENTRIES_MAX)
                return err_set(err, -EFBIG, "more than %d entries", ENTRIES_MAX);
        if (strchr(name, '/') || !commit_path_ok(span_str(name)))
                return err_set(err, -EBADMSG, "entry %u has a name that is none", d->entries);
        if (was + 1 + n > COMMIT_PATH_MAX)
                return err_set(err, -EBADMSG, "entry %u has too long a path", d->entries);
        if (was > 0)
                d->fact.path[d->path_n++] = '/';
        memcpy(d->fact.path + d->path_n, name, n + 1);
        d->path_n += n;
        r = read_entry(d, e, err);
        d->path_n = was;
        d->fact.path[was] = '\0';
        return r;
}

static int read_tree(struct reader *d, const git_oid *id, struct err *err)
{
        git_tree *tree = NULL;
        int r;

        if (d->depth == DEPTH_MAX)
                return err_set(err, -EBADMSG, "directories deeper than %d", DEPTH_MAX);
        r = git_tree_lookup(&tree, d->repo, id);
        if (r < 0)
                return git_failed("directory", r, err);
        d->depth++;
        for (size_t i = 0; r == 0 && i < git_tree_entrycount(tree); i++)
                r = enter(d, git_tree_entry_byindex(tree, i), err);
        d->depth--;
        git_tree_free(tree);
        return r;
}

static int read_sub(struct reader *d, const git_tree *top, unsigned sub, struct err *err)
{
        git_tree_entry *e = NULL;
        int r;

        d->fact.sub = sub;
        if (!d->subs[sub][0])
                return read_tree(d, git_tree_id(top), err);
        r = git_tree_entry_bypath(&e, top, d->subs[sub]);
        if (r < 0)
                return git_failed(d->subs[sub], r, err);
        if (git_tree_entry_type(e) == GIT_OBJECT_TREE)
                r = read_tree(d, git_tree_entry_id(e), err);
        else
                r = err_set(err, -ENOTDIR, "%s: no directory", d->subs[sub]);
        git_tree_entry_free(e);
        return r;
}

static int read_subs(struct reader *d, struct err *err)
{
        git_tree *top = NULL;
        int r = git_commit_tree(&top, d->commit);

        if (r < 0)
                return git_failed("directory", r, err);
        for (unsigned i = 0; r == 0 && i < d->n_subs; i++)
                r = read_sub(d, top, i, err);
        git_tree_free(top);
        return r;
}

/* ---- the job ---- */

static bool take_branch(struct reader *d, const char *ref)
{
        if (strncmp(ref, "refs/", 5) != 0 || d->n_branches == COMMIT_REFS_MAX ||
            strlen(ref) > COMMIT_REF_MAX || !text_is_utf8(span_str(ref), NULL))
                return false;
        d->branch[d->n_branches++].ref = ref;
        return true;
}

/* Of the branch before it. */
static bool take_past(struct reader *d, const char *id)
{
        uint8_t any[COMMIT_ID_MAX / 2];

        if (d->n_branches == 0 || d->branch[d->n_branches - 1].past ||
            (*id && text_from_hex(span_str(id), any, sizeof any) < 0))
                return false;
        d->branch[d->n_branches - 1].past = id;
        return true;
}

static int take_args(struct reader *d, const struct job_call *c, struct err *err)
{
        for (unsigned i = 2; i < c->n_args; i++) {
                const char *a = c->args[i];

                if (strncmp(a, "sub=", 4) == 0 && d->n_subs < COMMIT_SUBS_MAX &&
                    (!a[4] || commit_path_ok(span_str(a + 4))))
                        d->subs[d->n_subs++] = a + 4;
                else if (!(strncmp(a, "ref=", 4) == 0 && take_branch(d, a + 4)) &&
                         !(strncmp(a, "past=", 5) == 0 && take_past(d, a + 5)))
                        return err_set(err, -EINVAL, "argument %u is none, or one too many", i + 1);
        }
        return c->n_args < 2 ? err_set(err, -EINVAL, "no commit is named") : 0;
}

/* A bare one, or the one in it; without its configuration, which only other ways of opening read.
 */
static int open_repository(struct reader *d, const char *path, struct err *err)
{
        enum { FLAGS = GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE };
        char inner[COMMIT_PATH_MAX + sizeof "/.git"];
        int r = git_repository_open_ext(&d->repo, path, FLAGS, NULL);

        if (r == GIT_ENOTFOUND && strlen(path) <= COMMIT_PATH_MAX) {
                snprintf(inner, sizeof inner, "%s/.git", path);
                r = git_repository_open_ext(&d->repo, inner, FLAGS, NULL);
        }
        return r < 0 ? git_failed("repository", r, err) : 0;
}

/* Packs as libgit2 reads them, loose objects as we do; none from elsewhere. */
static int open_objects(struct reader *d, struct err *err)
{
        git_odb_backend *packs = NULL, *loose = NULL;
        char path[COMMIT_PATH_MAX + sizeof "/objects"];
        int n = snprintf(path, sizeof path, "%sobjects", git_repository_path(d->repo));
        int r = n < (int)sizeof path ? git_odb_new(&d->odb) : GIT_ERROR;

        if (r == 0)
                r = git_odb_backend_pack(&packs, path);
        if (r == 0)
                r = git_odb_add_backend(d->odb, packs, 1);
        if (r == 0)
                r = loose_backend(path, BLOB_MAX, &loose);
        if (r == 0)
                r = git_odb_add_backend(d->odb, loose, 2);
        if (r == 0)
                r = git_repository_set_odb(d->repo, d->odb);
        return r < 0 ? git_failed("objects", r, err) : 0;
}

int job_commit(struct job_out *out, const struct job_call *c, struct err *err)
{
        struct reader *d = calloc(1, sizeof *d);
        int r;

        if (!d)
                return err_sys(err, -ENOMEM, "commit");
        d->out = out;
        r = take_args(d, c, err);
        if (r == 0)
                r = set_options(err);
        if (r == 0)
                r = open_repository(d, c->args[0], err);
        if (r == 0)
                r = open_objects(d, err);
        if (r == 0)
                r = find_commit(d, c->args[1], err);
        if (r == 0) {
                find_branches(d);
                r = read_commit(d, err);
        }
        if (r == 0)
                r = send_branches(d, err);
        if (r == 0)
                r = read_subs(d, err);
        git_commit_free(d->commit);
        git_odb_free(d->odb);
        git_repository_free(d->repo);
        free(d);
        return r;
}

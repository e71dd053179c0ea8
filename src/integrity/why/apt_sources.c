/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/apt_sources.h"

#include "loop/jobrun.h"
#include "sys/io.h"
#include "sys/names.h"
#include "wire/fact.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum { FILES_MAX = 256 };

/* ---- what the jobs tell ---- */

int apt_sources_add(struct apt_sources *s, struct span fact)
{
        struct fact f = fact_of(fact);
        struct apt_source *source, **at;
        int r;

        if (fact_has(&f, "bad_line")) {
                s->bad++;
                return 0;
        }
        if (s->n == APT_SOURCES_MAX)
                return -E2BIG;
        at = realloc(s->at, (s->n + 1) * sizeof(struct apt_source *));
        if (!at)
                return -ENOMEM;
        s->at = at;
        source = malloc(sizeof *source);
        if (!source)
                return -ENOMEM;
        source->doubted = false;
        r = source_fact_parse(fact, &source->fact, NULL);
        if (r == 0)
                r = apt_source_stem(source->fact.uri, source->fact.suite, source->stem);
        if (r == 0) {
                s->at[s->n++] = source;
                return 0;
        }
        free(source);
        if (r == -EINVAL || r == -ENAMETOOLONG) { /* apt has no files of it either */
                s->bad++;
                return 0;
        }
        return r;
}

void apt_sources_done(struct apt_sources *s)
{
        for (size_t i = 0; i < s->n; i++)
                free(s->at[i]);
        free(s->at);
        *s = (struct apt_sources){ 0 };
}

const struct apt_source *apt_sources_find(const struct apt_sources *s, const struct apt_index *i)
{
        for (size_t k = 0; k < s->n; k++)
                if (apt_index_of(i, s->at[k]->stem))
                        return s->at[k];
        return NULL;
}

static bool is_keyring(const char *signer)
{
        return signer[0] == '/';
}

/* "0123...CDEF", or with a '!' for that key and no subkey of it. */
static bool names_key(const char *signer, const char *key)
{
        size_t n = strcspn(signer, "!");

        return n > 0 && n == strlen(key) && strncasecmp(signer, key, n) == 0;
}

bool apt_source_admits(const struct apt_source *s, const char *key, const char *primary)
{
        bool named = false;

        for (size_t i = 0; i < s->fact.n_signers; i++) {
                const char *signer = s->fact.signer[i];

                if (is_keyring(signer))
                        continue;
                named = true;
                if (names_key(signer, key) || (!strchr(signer, '!') && names_key(signer, primary)))
                        return true;
        }
        return !named;
}

/* ---- files ---- */

static bool ends_with(const char *s, const char *end)
{
        size_t n = strlen(s), e = strlen(end);

        return n > e && strcmp(s + n - e, end) == 0;
}

struct list {
        const char *dir, *end[2];
        char name[FILES_MAX][APT_NAME_MAX + 32]; /* with its directory */
        size_t n;
};

static int compare(const void *a, const void *b)
{
        return strcmp(a, b);
}

static int add_file(void *ctx, int dirfd, const char *name)
{
        struct list *l = ctx;

        if (name[0] == '.' || !(ends_with(name, l->end[0]) || ends_with(name, l->end[1])))
                return 0;
        if (l->n == FILES_MAX)
                return -E2BIG;
        snprintf(l->name[l->n++], sizeof l->name[0], "%s/%s", l->dir, name);
        return 0;
}

/* Names in l->dir with one of its two ends, sorted; none where there is no such directory. */
static int list_files(int etc_fd, struct list *l, struct err *err)
{
        size_t first = l->n;
        int rc = names_each(etc_fd, l->dir, add_file, l);

        if (rc == -E2BIG)
                return err_set(err, rc, "%s: more than %d files", l->dir, FILES_MAX);
        if (rc < 0 && rc != -ENOENT)
                return err_sys(err, rc, "%s", l->dir);
        qsort(l->name[first], l->n - first, sizeof l->name[0], compare);
        return 0;
}

static char **flatten(const struct list *l)
{
        size_t table = (l->n + 1) * sizeof(char *);
        char **ret = malloc(table + l->n * sizeof l->name[0]);

        if (!ret)
                return NULL;
        for (size_t i = 0; i < l->n; i++) {
                ret[i] = (char *)ret + table + i * sizeof l->name[0];
                memcpy(ret[i], l->name[i], sizeof l->name[0]);
        }
        ret[l->n] = NULL;
        return ret;
}

int apt_sources_files(int etc_fd, char ***ret, struct err *err)
{
        struct list *l = calloc(1, sizeof *l);
        char **files;
        int r;

        if (!l)
                return err_sys(err, -ENOMEM, "apt's sources");
        if (faccessat(etc_fd, "sources.list", F_OK, 0) == 0)
                snprintf(l->name[l->n++], sizeof l->name[0], "sources.list");
        l->dir = "sources.list.d";
        l->end[0] = ".list";
        l->end[1] = ".sources";
        r = list_files(etc_fd, l, err);
        files = r == 0 ? flatten(l) : NULL;
        free(l);
        if (r < 0)
                return r;
        if (!files)
                return err_sys(err, -ENOMEM, "apt's sources");
        *ret = files;
        return 0;
}

const char *apt_sources_job(const char *file)
{
        return ends_with(file, ".sources") ? "aptsources" : "aptlist";
}

/* ---- whose word counts ---- */

enum apt_standing apt_standing_of(const struct apt_trust *t, const char *path, int fd)
{
        struct fd_path link = fd_path(fd);
        char whole[PATH_MAX], own[PATH_MAX];
        ssize_t n;

        if (!t->of)
                return APT_STANDS;
        if (path[0] != '/') {
                if (io_join(whole, t->etc, path, NULL) < 0)
                        return APT_DOUBTED;
                path = whole;
        }
        n = readlink(link.text, own, sizeof own - 1);
        if (n < 0 || t->of(t->ctx, path) == APT_DOUBTED)
                return APT_DOUBTED;
        own[n] = '\0';
        return t->of(t->ctx, own);
}

/* ---- keyrings ---- */

static void leave_out(struct apt_keyrings *k, const char *what)
{
        if (!k->doubted[0])
                snprintf(k->doubted, sizeof k->doubted, "%.*s", APT_PATH_MAX, what);
}

/* by_doubted: named by a source that is. */
static int open_keyring(struct apt_keyrings *k, int dirfd, const char *path,
                        const struct apt_trust *t, bool by_doubted, struct err *err)
{
        enum apt_standing s;
        int fd;

        if (k->n == APT_KEYRINGS_MAX)
                return err_set(err, -E2BIG, "more than %d keyrings", APT_KEYRINGS_MAX);
        fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return errno == ENOENT ? 0 : err_sys(err, -errno, "%s", path);
        s = apt_standing_of(t, path, fd);
        if (s == APT_STANDS || (s == APT_UNWATCHED && !by_doubted)) {
                k->fd[k->n++] = fd;
                return 0;
        }
        leave_out(k, path);
        close(fd);
        return 0;
}

static int open_all(struct apt_keyrings *k, int etc_fd, const struct apt_trust *t, struct err *err)
{
        struct list *l = calloc(1, sizeof *l);
        int r;

        if (!l)
                return err_sys(err, -ENOMEM, "keyrings");
        l->dir = "trusted.gpg.d";
        l->end[0] = ".gpg";
        l->end[1] = ".asc";
        r = list_files(etc_fd, l, err);
        if (r == 0)
                r = open_keyring(k, etc_fd, "trusted.gpg", t, false, err);
        for (size_t i = 0; r == 0 && i < l->n; i++)
                r = open_keyring(k, etc_fd, l->name[i], t, false, err);
        free(l);
        return r;
}

static int open_own(struct apt_keyrings *k, const struct apt_source *s, const struct apt_trust *t,
                    bool *ret_any, struct err *err)
{
        const struct source_fact *f = &s->fact;
        int fd, r = 0;

        *ret_any = f->key[0] != '\0';
        if (f->key[0] && s->doubted) {
                leave_out(k, "the file of sources that has its key");
        } else if (f->key[0]) {
                fd = job_input(span_str(f->key), err);
                if (fd < 0)
                        return fd;
                k->fd[k->n++] = fd;
        }
        for (size_t i = 0; r == 0 && i < f->n_signers; i++)
                if (is_keyring(f->signer[i])) {
                        *ret_any = true;
                        r = open_keyring(k, AT_FDCWD, f->signer[i], t, s->doubted, err);
                }
        return r;
}

int apt_source_keyrings(const struct apt_source *s, int etc_fd, const struct apt_trust *t,
                        struct apt_keyrings *ret, struct err *err)
{
        bool own = false;
        int r;

        ret->n = 0;
        ret->doubted[0] = '\0';
        r = open_own(ret, s, t, &own, err);
        if (r == 0 && !own)
                r = open_all(ret, etc_fd, t, err);
        while (r < 0 && ret->n > 0)
                fd_close(&ret->fd[--ret->n]);
        return r;
}

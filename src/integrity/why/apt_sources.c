/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/apt_sources.h"

#include "loop/jobrun.h"
#include "sys/io.h"
#include "sys/names.h"
#include "wire/fact.h"

#include <fcntl.h>
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

/* ---- keyrings ---- */

struct keyrings {
        int *fds;
        size_t n;
};

static int open_keyring(struct keyrings *k, int dirfd, const char *path, struct err *err)
{
        int fd;

        if (k->n == APT_KEYRINGS_MAX)
                return err_set(err, -E2BIG, "more than %d keyrings", APT_KEYRINGS_MAX);
        fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return errno == ENOENT ? 0 : err_sys(err, -errno, "%s", path);
        k->fds[k->n++] = fd;
        return 0;
}

static int open_all(struct keyrings *k, int etc_fd, struct err *err)
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
                r = open_keyring(k, etc_fd, "trusted.gpg", err);
        for (size_t i = 0; r == 0 && i < l->n; i++)
                r = open_keyring(k, etc_fd, l->name[i], err);
        free(l);
        return r;
}

static int open_own(struct keyrings *k, const struct source_fact *f, bool *ret_any, struct err *err)
{
        int fd, r = 0;

        *ret_any = f->key[0] != '\0';
        if (f->key[0]) {
                fd = job_input(span_str(f->key), err);
                if (fd < 0)
                        return fd;
                k->fds[k->n++] = fd;
        }
        for (size_t i = 0; r == 0 && i < f->n_signers; i++)
                if (is_keyring(f->signer[i])) {
                        *ret_any = true;
                        r = open_keyring(k, AT_FDCWD, f->signer[i], err);
                }
        return r;
}

int apt_source_keyrings(const struct apt_source *s, int etc_fd, int fds[APT_KEYRINGS_MAX],
                        size_t *ret_n, struct err *err)
{
        struct keyrings k = { .fds = fds };
        bool own = false;
        int r = open_own(&k, &s->fact, &own, err);

        if (r == 0 && !own)
                r = open_all(&k, etc_fd, err);
        if (r < 0) {
                while (k.n > 0)
                        fd_close(&fds[--k.n]);
                return r;
        }
        *ret_n = k.n;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* keyring.c - see keyring.h. */
#include "nginx/keyring.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/text.h"
#include "crypto/sha256.h"
#include "nginx/again.h"
#include "sys/io.h"

enum { NAME = 64, REFETCH_MS = 10000, SETS_MAX = 1024 };

/* Which file it was that was read. */
struct seen {
        ino_t inode;
        struct timespec changed;
        off_t size;
        struct again
                again; /* a token that was revoked while files could not be opened is revoked */
};

struct set {
        struct set *next;
        char name[NAME + 1]; /* hex SHA-256 of its source */
        bool fetched;        /* by assay-keys, from a url */
        char path[PATH_MAX];
        struct seen seen;
        struct jwks *keys; /* NULL: not read yet */
        bool asked;        /* for new ones, and when */
        ngx_msec_t asked_at;
};

struct keyring_tokens {
        unsigned refs;
        struct tokens *tokens;
};

struct keyring {
        ngx_log_t *log;
        const char *dir, *tokens_file; /* NULL: none */
        int refetch_fd;
        struct sockaddr_un refetch;
        struct set *sets;
        unsigned n_sets;
        struct keyring_tokens *tokens;
        struct seen tokens_seen;
};

/* ---- files ---- */

/* True: it is there and another one than before, or to be tried again. */
static bool is_due(const char *path, struct seen *seen)
{
        struct stat st;
        struct seen now;

        if (stat(path, &st) < 0)
                return false;
        now = (struct seen){ .inode = st.st_ino, .changed = st.st_mtim, .size = st.st_size };
        if (now.inode == seen->inode && now.size == seen->size &&
            now.changed.tv_sec == seen->changed.tv_sec &&
            now.changed.tv_nsec == seen->changed.tv_nsec)
                return again_due(&seen->again);
        *seen = now;
        return true;
}

/* No right to, too many files open, no memory.  What is wrong with its bytes stays so until they
 * are others. */
static bool may_get_better(int rc)
{
        return rc != -EBADMSG && rc != -EINVAL && rc != -E2BIG && rc != -EFBIG;
}

/* rc: what came of trying it. */
static void was_tried(const struct keyring *k, const char *path, struct seen *seen, int rc,
                      const struct err *err)
{
        const bool better = may_get_better(rc);

        if (rc == 0 || !better)
                seen->again = (struct again){ 0 };
        if (rc < 0 && (!better || again_failed(&seen->again)))
                ngx_log_error(NGX_LOG_ERR, k->log, 0, "assay: %s: %s", path, err_text(err));
}

static void look_at_set(const struct keyring *k, struct set *s)
{
        struct jwks *keys = NULL;
        struct err err = { 0 };
        uint8_t *text = NULL;
        size_t n;
        int rc;

        if (!is_due(s->path, &s->seen))
                return;
        rc = io_read_file(&io_kernel, AT_FDCWD, s->path, JWKS_MAX, &text, &n, &err);
        if (rc == 0)
                rc = jwks_read(span_of(text, n), &keys, &err);
        free(text);
        was_tried(k, s->path, &s->seen, rc, &err);
        if (rc < 0)
                return;
        jwks_free(s->keys);
        s->keys = keys;
}

struct keyring_tokens *keyring_hold(struct keyring *k)
{
        if (k->tokens)
                k->tokens->refs++;
        return k->tokens;
}

void keyring_let_go(struct keyring_tokens *t)
{
        if (!t || --t->refs > 0)
                return;
        tokens_free(t->tokens);
        free(t);
}

static int read_tokens(const char *path, struct keyring_tokens **ret, struct err *err)
{
        struct keyring_tokens *t = calloc(1, sizeof(*t));
        uint8_t *text = NULL;
        size_t n;
        int rc = t ? io_read_file(&io_kernel, AT_FDCWD, path, TOKENS_FILE_MAX, &text, &n, err)
                   : err_sys(err, -ENOMEM, "tokens");

        if (rc == 0)
                rc = tokens_read(span_of(text, n), &t->tokens, err);
        free(text);
        if (rc < 0) {
                free(t);
                return rc;
        }
        t->refs = 1;
        *ret = t;
        return 0;
}

static void look_at_tokens(struct keyring *k)
{
        struct keyring_tokens *t;
        struct err err = { 0 };
        int rc;

        if (!k->tokens_file || !is_due(k->tokens_file, &k->tokens_seen))
                return;
        rc = read_tokens(k->tokens_file, &t, &err);
        was_tried(k, k->tokens_file, &k->tokens_seen, rc, &err);
        if (rc < 0)
                return;
        keyring_let_go(k->tokens);
        k->tokens = t;
}

/* ---- what the core asks ---- */

/* False: nothing fetches it. */
static bool find_place(const struct keyring *k, const struct config_identity *identity,
                       struct set *s)
{
        s->fetched = identity->jwks_url.n > 0;
        if (!s->fetched)
                snprintf(s->path, sizeof(s->path), "%.*s", (int)identity->jwks_file.n,
                         (const char *)identity->jwks_file.p);
        else if (k->dir)
                snprintf(s->path, sizeof(s->path), "%s/%s.json", k->dir, s->name);
        return s->path[0];
}

static struct set *new_set(struct keyring *k, const struct config_identity *identity,
                           const char name[NAME + 1])
{
        struct set *s = k->n_sets < SETS_MAX ? calloc(1, sizeof(*s)) : NULL;

        if (!s)
                return NULL;
        memcpy(s->name, name, NAME + 1);
        if (!find_place(k, identity, s)) {
                free(s);
                return NULL;
        }
        s->next = k->sets;
        k->sets = s;
        k->n_sets++;
        look_at_set(k, s);
        return s;
}

static struct set *set_of(struct keyring *k, const struct config_identity *identity)
{
        bool fetched = identity->jwks_url.n > 0;
        uint8_t digest[SHA256_LEN];
        char name[NAME + 1];

        sha256(fetched ? identity->jwks_url : identity->jwks_file, digest);
        text_hex(span_of(digest, sizeof(digest)), name);
        for (struct set *s = k->sets; s; s = s->next)
                if (s->fetched == fetched && memcmp(s->name, name, NAME) == 0)
                        return s;
        return new_set(k, identity, name);
}

static const struct jwks *find_keys(void *ctx, const struct config_identity *identity)
{
        const struct set *s = set_of(ctx, identity);

        return s ? s->keys : NULL;
}

int64_t keyring_age(struct keyring *k, const struct config_identity *identity)
{
        const struct set *s = set_of(k, identity);

        if (!s || !s->keys)
                return -1;
        return MAX_OF(ngx_time() - s->seen.changed.tv_sec, INT64_C(0));
}

/* Whoever fetches them takes it as a hint; lost, the next one will do. */
static void refetch(void *ctx, const struct config_identity *identity)
{
        struct keyring *k = ctx;
        struct set *s = set_of(k, identity);

        if (!s || !s->fetched || k->refetch_fd < 0 ||
            (s->asked && ngx_current_msec - s->asked_at < (ngx_msec_t)REFETCH_MS))
                return;
        s->asked = true;
        s->asked_at = ngx_current_msec;
        (void)!sendto(k->refetch_fd, s->name, NAME, MSG_DONTWAIT | MSG_NOSIGNAL,
                      (const struct sockaddr *)&k->refetch, sizeof(k->refetch));
}

/* ---- the whole ---- */

static void point_refetch(struct keyring *k, const char *run)
{
        k->refetch.sun_family = AF_UNIX;
        if (snprintf(k->refetch.sun_path, sizeof(k->refetch.sun_path), "%s/keys.sock", run) <
            (int)sizeof(k->refetch.sun_path))
                k->refetch_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int keyring_new(const struct settings *s, ngx_log_t *log, struct keyring **ret)
{
        struct keyring *k = calloc(1, sizeof(*k));

        if (!k)
                return -ENOMEM;
        k->log = log;
        k->dir = (const char *)s->keys.data;
        k->tokens_file = (const char *)s->tokens.data;
        k->refetch_fd = -1;
        point_refetch(k, (const char *)s->run.data);
        *ret = k;
        return 0;
}

void keyring_give(struct keyring *k, struct credential_keys *ret)
{
        ret->jwks = find_keys;
        ret->refetch = refetch;
        ret->ctx = k;
        keyring_look(k, ret);
}

void keyring_look(struct keyring *k, struct credential_keys *keys)
{
        for (struct set *s = k->sets; s; s = s->next)
                look_at_set(k, s);
        look_at_tokens(k);
        keys->tokens = k->tokens ? k->tokens->tokens : NULL;
}

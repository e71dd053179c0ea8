/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "gateway/keys/keys_priv.h"
#include "loop/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { FILE_NAME_MAX = KEYS_NAME + sizeof ".json" };

static void name_file(const struct keys_set *s, char ret[FILE_NAME_MAX])
{
        snprintf(ret, FILE_NAME_MAX, "%s.json", s->wanted.name);
}

/* ---- what is there from before ---- */

/* When it was had: whoever takes the same set again says so by the file's time. */
static int64_t time_of(int dirfd, const char *name)
{
        struct stat st;

        if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                return 0;
        return st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
}

static int load(struct keys_set *s)
{
        CLEANUP(jwks_freep) struct jwks *keys = NULL;
        char name[FILE_NAME_MAX];
        struct err err = { 0 };
        uint8_t *text = NULL;
        size_t n;
        int r;

        name_file(s, name);
        r = io_read_file(&io_kernel, s->of->own_fd, name, JWKS_MAX, &text, &n, &err);
        if (r == 0)
                r = jwks_read(span_of(text, n), &keys, &err);
        free(text);
        if (r == 0) {
                jwks_digest(keys, s->digest);
                s->n_keys = jwks_count(keys, NULL, NULL);
                s->good_ns = time_of(s->of->own_fd, name);
                s->have = true;
        } else if (r != -ENOENT && r != -ENOMEM) {
                log_event(LOG_LEVEL_WARNING, "keys.file", log_str("file", name), log_err(&err));
        }
        return r == -ENOMEM ? r : 0;
}

int keys_set_new(struct keys *k, const struct keys_wanted *w, struct keys_set **ret)
{
        struct keys_set *s = calloc(1, sizeof *s);
        int64_t now = clock_wall(k->o->clock);

        if (!s)
                return -ENOMEM;
        s->of = k;
        s->wanted = *w;
        s->fresh = BUF_INIT(JWKS_MAX);
        if (load(s) < 0) {
                free(s);
                return -ENOMEM;
        }
        /* A time that is yet to come is no age. */
        keys_time_init(&s->time, s->have && s->good_ns <= now, (now - s->good_ns) / NS_PER_S,
                       w->refresh_s, clock_mono(k->o->clock));
        *ret = s;
        return 0;
}

struct keys_set *keys_set_free(struct keys_set *s)
{
        if (!s)
                return NULL;
        keys_fetch_cancel(s->fetch);
        keys_tell_forget(s->of, s);
        buf_done(&s->fresh);
        free(s);
        return NULL;
}

/* ---- what was fetched ---- */

static void end_fetch(struct keys_set *s, bool good)
{
        uint32_t chance = 0;

        if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) != sizeof chance)
                chance = 0;
        s->fetch = NULL;
        keys_time_end(&s->time, good, s->wanted.refresh_s, chance, clock_mono(s->of->o->clock));
}

static void failed(struct keys_set *s, const struct err *err)
{
        int64_t now = clock_wall(s->of->o->clock), tell_s = s->of->o->tell_s;

        end_fetch(s, false);
        if (s->since_ns == 0)
                s->since_ns = now;
        if (strcmp(s->why, err_text(err)) != 0)
                log_event(LOG_LEVEL_WARNING, "keys.failed", log_str("url", s->wanted.url),
                          log_err(err));
        snprintf(s->why, sizeof s->why, "%s", err_text(err));
        text_keep_utf8(s->why);
        if (!s->told && s->tell == TELL_NOTHING && now - s->since_ns >= tell_s * NS_PER_S)
                s->tell = TELL_FAILING;
}

static void succeeded(struct keys_set *s)
{
        if (*s->why)
                log_event(LOG_LEVEL_INFO, "keys.good", log_str("url", s->wanted.url));
        s->since_ns = 0;
        *s->why = '\0';
}

/* false: somebody took it away. */
static bool touch(const struct keys_set *s)
{
        char name[FILE_NAME_MAX];

        name_file(s, name);
        return utimensat(s->of->own_fd, name, NULL, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The file is as it was, and as new. */
static void same(struct keys_set *s)
{
        succeeded(s);
        s->good_ns = clock_wall(s->of->o->clock);
        s->tell = s->told ? TELL_GOOD : TELL_NOTHING;
}

static void another(struct keys_set *s, const struct jwks *keys, const uint8_t *digest)
{
        const char *why = NULL;

        memcpy(s->fresh_digest, digest, JWKS_DIGEST);
        s->n_fresh = jwks_count(keys, &s->n_fresh_left_out, &why);
        if (s->n_fresh_left_out)
                log_event(LOG_LEVEL_INFO, "keys.left_out", log_str("url", s->wanted.url),
                          log_u64("keys", s->n_fresh_left_out), log_str("why", why ? why : ""));
        s->tell = TELL_CHANGED;
}

static int read_set(struct keys_set *s, struct span body, struct err *err)
{
        CLEANUP(jwks_freep) struct jwks *keys = NULL;
        uint8_t digest[JWKS_DIGEST];
        int r = jwks_read(body, &keys, err);

        if (r < 0)
                return r;
        jwks_digest(keys, digest);
        buf_clear(&s->fresh);
        jwks_put(keys, &s->fresh);
        r = buf_status(&s->fresh);
        if (r < 0) {
                buf_clear(&s->fresh);
                return err_sys(err, r, "keys");
        }
        end_fetch(s, true);
        if (s->have && memcmp(digest, s->digest, JWKS_DIGEST) == 0 && touch(s)) {
                buf_clear(&s->fresh);
                same(s);
        } else {
                another(s, keys, digest);
        }
        return 0;
}

void keys_set_take(struct keys_set *s, int r, struct span body, const struct err *err)
{
        struct err why = *err;

        if (r == 0)
                r = read_set(s, body, &why);
        if (r < 0)
                failed(s, &why);
        keys_tell(s->of);
}

/* What cannot be written now is fetched and told again. */
void keys_set_put(struct keys_set *s)
{
        char name[FILE_NAME_MAX];
        struct err err = { 0 };

        name_file(s, name);
        if (io_replace_file(&io_kernel, s->of->own_fd, name, s->of->own_fd, 0644,
                            buf_span(&s->fresh), &err) < 0) {
                log_event(LOG_LEVEL_ERROR, "keys.write", log_str("url", s->wanted.url),
                          log_err(&err));
                snprintf(s->why, sizeof s->why, "%s", err_text(&err));
                text_keep_utf8(s->why);
                buf_clear(&s->fresh);
                return;
        }
        succeeded(s);
        memcpy(s->digest, s->fresh_digest, JWKS_DIGEST);
        s->n_keys = s->n_fresh;
        s->n_left_out = s->n_fresh_left_out;
        s->good_ns = clock_wall(s->of->o->clock);
        s->have = true;
        s->told = false;
        buf_clear(&s->fresh);
        log_event(LOG_LEVEL_INFO, "keys.changed", log_str("url", s->wanted.url),
                  log_u64("keys", s->n_keys));
}

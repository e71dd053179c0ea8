/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/alert.h"

#include "base/clock.h"
#include "base/text.h"
#include "integrity/trusted/change.h"
#include "integrity/who/who.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

struct alert {
        uint8_t key[2 * ALERT_KEY_MAX + 1]; /* actor, NUL, cause */
        size_t key_n;
        char id[ALERT_ID_MAX + 1];
        enum alert_severity severity;
        int64_t began_ns, last_ns;           /* monotonic */
        int64_t first_wall_ns, last_wall_ns; /* of the changes */
        uint64_t count, tell_at;
        struct buf paths; /* each with its NUL */
        size_t n_paths;
        struct buf profiles; /* names, each with its NUL */
};

struct alerts {
        struct alert *open[ALERTS_MAX]; /* in the order in which they began */
        size_t n;
        uint64_t number;
};

int alerts_new(struct alerts **ret, struct err *err)
{
        struct alerts *a = calloc(1, sizeof *a);

        if (!a)
                return err_set(err, -ENOMEM, "out of memory for alerts");
        *ret = a;
        return 0;
}

static struct alert *alert_free(struct alert *x)
{
        if (!x)
                return NULL;
        buf_done(&x->paths);
        buf_done(&x->profiles);
        free(x);
        return NULL;
}

struct alerts *alerts_free(struct alerts *a)
{
        if (!a)
                return NULL;
        while (a->n)
                alert_free(a->open[--a->n]);
        free(a);
        return NULL;
}

const char *alert_severity_name(enum alert_severity s)
{
        return s == ALERT_CRITICAL ? "critical" : "high";
}

size_t alerts_open(const struct alerts *a)
{
        return a->n;
}

/* ---- one ---- */

static size_t make_key(const struct alert_cause *c, uint8_t key[2 * ALERT_KEY_MAX + 1])
{
        size_t n = MIN_OF(c->actor.n, (size_t)ALERT_KEY_MAX);
        size_t m = MIN_OF(c->cause.n, (size_t)ALERT_KEY_MAX);

        if (n)
                memcpy(key, c->actor.p, n);
        key[n] = '\0';
        if (m)
                memcpy(key + n + 1, c->cause.p, m);
        return n + 1 + m;
}

static struct alert *find(struct alerts *a, const uint8_t *key, size_t n)
{
        for (size_t i = 0; i < a->n; i++)
                if (a->open[i]->key_n == n && memcmp(a->open[i]->key, key, n) == 0)
                        return a->open[i];
        return NULL;
}

/* Names with their NUL: is this one of them? */
static bool has_name(const struct buf *names, struct span name)
{
        struct span rest = buf_span(names);

        while (rest.n) {
                size_t n = strnlen((const char *)rest.p, rest.n);

                if (span_eq(span_of(rest.p, n), name))
                        return true;
                rest = span_from(rest, n + 1);
        }
        return false;
}

/* Without memory a name is missing from the entry; the count is right all the same. */
static void put_name(struct buf *names, struct span name)
{
        if (has_name(names, name))
                return;
        buf_put(names, name);
        buf_put_byte(names, '\0');
}

static void count(struct alert *x, const struct change *c, const struct alert_cause *cause)
{
        struct buf safe = BUF_INIT(ALERT_PATH_BYTES);

        x->last_ns = cause->now_ns;
        x->last_wall_ns = MAX_OF(x->last_wall_ns, c->wall_ns);
        x->first_wall_ns = x->count ? MIN_OF(x->first_wall_ns, c->wall_ns) : c->wall_ns;
        x->count++;
        if (c->profile)
                put_name(&x->profiles, c->profile->name);
        if (x->n_paths == ALERT_PATHS_MAX)
                return;
        text_put_safe(&safe, c->path);
        if (safe.n && !has_name(&x->paths, buf_span(&safe))) {
                put_name(&x->paths, buf_span(&safe));
                x->n_paths++;
        }
        buf_done(&safe);
}

/* ---- entries ---- */

static void begin_entry(struct json_writer *w, struct buf *out, const char *kind, int64_t wall_ns)
{
        buf_clear(out);
        entry_begin(w, out, kind, wall_ns);
}

static void put_raised(const struct alert *x, const struct change *c,
                       const struct alert_cause *cause, struct buf *out)
{
        struct json_writer w;

        begin_entry(&w, out, "alert.raised", c->wall_ns);
        json_member_text(&w, "change", cause->word ? cause->word : change_word(c));
        if (cause->detail.n)
                json_member_string(&w, "detail", cause->detail);
        json_member_text(&w, "id", x->id);
        if (c->profile)
                json_member_text(&w, "mode", watch_mode_name(c->profile->mode));
        json_put_bytes(&w, "path", span_of(c->path.p, MIN_OF(c->path.n, (size_t)WATCH_PATH_MAX)));
        if (c->profile)
                json_member_string(&w, "profile", c->profile->name);
        json_member_text(&w, "seen", c->seen);
        json_member_text(&w, "severity", alert_severity_name(x->severity));
        json_end_object(&w);
        json_put_key(&w, "who");
        who_put(&w, c->who, c->also, CHANGE_ALSO_MAX, c->unknown);
        json_end_object(&w);
}

static void put_names(struct json_writer *w, const char *key, const struct buf *names)
{
        struct span rest = buf_span(names);

        json_put_key(w, key);
        json_begin_array(w);
        while (rest.n) {
                size_t n = strnlen((const char *)rest.p, rest.n);

                json_put_string(w, span_of(rest.p, n));
                rest = span_from(rest, n + 1);
        }
        json_end_array(w);
}

static void put_updated(const struct alert *x, const char *state, int64_t wall_ns, struct buf *out)
{
        struct json_writer w;

        begin_entry(&w, out, "alert.updated", wall_ns);
        json_member_u64(&w, "count", x->count);
        json_member_time(&w, "first", x->first_wall_ns);
        json_member_text(&w, "id", x->id);
        json_member_time(&w, "last", x->last_wall_ns);
        put_names(&w, "paths", &x->paths);
        put_names(&w, "profiles", &x->profiles);
        json_member_text(&w, "severity", alert_severity_name(x->severity));
        json_member_text(&w, "state", state);
        json_end_object(&w);
        json_end_object(&w);
}

/* ---- all of them ---- */

static struct alert *begin(struct alerts *a, const struct change *c,
                           const struct alert_cause *cause)
{
        struct alert *x = calloc(1, sizeof *x);

        if (!x)
                return NULL;
        assert(a->n < ALERTS_MAX);
        x->key_n = make_key(cause, x->key);
        x->severity = cause->severity;
        x->began_ns = cause->now_ns;
        x->tell_at = 10;
        x->paths = BUF_INIT((ALERT_PATH_BYTES + 1) * ALERT_PATHS_MAX);
        x->profiles = BUF_INIT(4096);
        snprintf(x->id, sizeof x->id, "%llx-%llu", (unsigned long long)c->wall_ns / NS_PER_MS,
                 (unsigned long long)++a->number);
        a->open[a->n++] = x;
        return x;
}

enum alert_news alerts_add(struct alerts *a, const struct change *c,
                           const struct alert_cause *cause, struct buf *out,
                           char ret_id[ALERT_ID_MAX + 1])
{
        uint8_t key[2 * ALERT_KEY_MAX + 1];
        size_t n = make_key(cause, key);
        struct alert *x = find(a, key, n);
        bool worse;

        buf_clear(out);
        ret_id[0] = '\0';
        if (!x) {
                struct alert alone = { .severity = cause->severity, .id = "unfolded" };

                x = begin(a, c, cause);
                if (x)
                        count(x, c, cause);
                /* Without memory to fold it is an alert of its own: never none. */
                put_raised(x ? x : &alone, c, cause, out);
                memcpy(ret_id, x ? x->id : alone.id, ALERT_ID_MAX + 1);
                return ALERT_RAISED;
        }
        count(x, c, cause);
        memcpy(ret_id, x->id, ALERT_ID_MAX + 1);
        worse = cause->severity > x->severity;
        if (worse)
                x->severity = cause->severity;
        if (!worse && x->count < x->tell_at)
                return ALERT_COUNTED;
        while (x->tell_at <= x->count)
                x->tell_at *= 10;
        put_updated(x, "open", c->wall_ns, out);
        return ALERT_UPDATED;
}

static int64_t ends_at(const struct alert *x)
{
        return MIN_OF(x->last_ns + (int64_t)ALERT_QUIET_S * NS_PER_S,
                      x->began_ns + (int64_t)ALERT_LONG_S * NS_PER_S);
}

/* The one to end: any that is due, else, when there is no room for another, the quietest. */
static size_t find_end(const struct alerts *a, int64_t now_ns, bool at_once)
{
        size_t quiet = 0;

        for (size_t i = 0; i < a->n; i++) {
                if (at_once || ends_at(a->open[i]) <= now_ns)
                        return i;
                if (a->open[i]->last_ns < a->open[quiet]->last_ns)
                        quiet = i;
        }
        return a->n == ALERTS_MAX ? quiet : SIZE_MAX;
}

static void drop(struct alerts *a, size_t i)
{
        alert_free(a->open[i]);
        a->n--;
        memmove(&a->open[i], &a->open[i + 1], (a->n - i) * sizeof(struct alert *));
}

bool alerts_close(struct alerts *a, const char *id)
{
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->open[i]->id, id) == 0) {
                        drop(a, i);
                        return true;
                }
        return false;
}

bool alerts_end(struct alerts *a, int64_t now_ns, int64_t wall_ns, bool at_once, struct buf *out)
{
        size_t i = find_end(a, now_ns, at_once);

        buf_clear(out);
        if (i == SIZE_MAX)
                return false;
        if (a->open[i]->count > 1)
                put_updated(a->open[i], "quiet", wall_ns, out);
        drop(a, i);
        return true;
}

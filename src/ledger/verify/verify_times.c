/* SPDX-License-Identifier: Apache-2.0 */
/* verify_times.c - times against heartbeats, from both sides.
 *
 *      heartbeat H1        entries         heartbeat H2
 *   ------|------------------------------------|------->  order in the ledger
 *
 * What lies between is not from before H1 nor from behind H2, and H2 is its interval_ns behind H1,
 * each within the tolerance.  Where the recorder saw the wall clock set (host.clock), all of it
 * moves along.  Before the first heartbeat and behind the last one there is one side only; a
 * recorder that was started again counts anew. */
#include "ledger/verify/verify_priv.h"

#include "base/clock.h"
#include "base/text.h"

/* Times are hostile: a difference that is too large stays the largest. */
static int64_t plus(int64_t a, int64_t b)
{
        int64_t sum;

        return __builtin_add_overflow(a, b, &sum) ? (b > 0 ? INT64_MAX : INT64_MIN) : sum;
}

static int64_t minus(int64_t a, int64_t b)
{
        int64_t rest;

        return __builtin_sub_overflow(a, b, &rest) ? (b < 0 ? INT64_MAX : INT64_MIN) : rest;
}

static long long seconds(int64_t ns)
{
        return (long long)(ns / NS_PER_S);
}

/* ---- the clock ---- */

static bool what_time(const struct entry *e, const char *name, int64_t *ret)
{
        struct json_value v;
        struct span text;

        return json_get(e->what, name, &v) && json_value_plain(v, &text) &&
               text_to_time(text, ret) == 0;
}

/* host.clock: what is from before it moves to where the clock was set. */
static void clock_set(struct verify_times *s, const struct entry *e)
{
        int64_t before, after, jump;

        if (!e->what.raw.n || e->what.type != JSON_OBJECT || !what_time(e, "before", &before) ||
            !what_time(e, "after", &after))
                return;
        jump = minus(after, before);
        s->jumps = plus(s->jumps, jump);
        if (jump >= 0)
                return; /* who was late with his entry has its old time */
        s->earliest = plus(s->earliest, jump);
        s->latest = plus(s->latest, jump);
}

/* ---- the heartbeat ---- */

/* json_put_ns() has no more than JSON_INT_MAX: such an interval says only that it was long. */
static bool interval_of(const struct entry *e, int64_t *ret)
{
        struct json_value v;

        return e->what.raw.n && e->what.type == JSON_OBJECT &&
               json_get(e->what, "interval_ns", &v) && json_value_int(v, ret) && *ret >= 0 &&
               *ret < JSON_INT_MAX;
}

static void say_interval(struct verify *v, const struct verify_place *at, int64_t got, int64_t want)
{
        verify_say(
                v, VERIFY_TIME, at->path, at->offset, at->index,
                "%s: entry %llu, byte %llu: %lld s behind the last heartbeat, and it says %lld s",
                at->path, (unsigned long long)at->index, (unsigned long long)at->offset,
                seconds(got), seconds(want));
}

static void say_latest(struct verify *v, const struct verify_times *s,
                       const struct verify_place *at, int64_t beat)
{
        char path[TILE_PATH_MAX];

        /* only its place was kept */
        tile_path(tile_of(TILE_LEVEL_ENTRIES, s->latest_index, v->checkpoint.size), path);
        verify_say(v, VERIFY_TIME, path, s->latest_offset, s->latest_index,
                   "%s: entry %llu, byte %llu: %lld s behind the heartbeat that follows it, entry "
                   "%llu",
                   path, (unsigned long long)s->latest_index, (unsigned long long)s->latest_offset,
                   seconds(minus(s->latest, beat)), (unsigned long long)at->index);
}

static void heartbeat(struct verify *v, struct verify_times *s, const struct entry *e,
                      const struct verify_place *at, int64_t t)
{
        int64_t interval, got = minus(t, s->beat), want;

        if (s->has_entry && minus(s->latest, t) > s->tolerance)
                say_latest(v, s, at, t);
        if (s->has_beat && e->run == s->run && interval_of(e, &interval)) {
                want = plus(interval, s->jumps);
                if (minus(got, want) > s->tolerance || minus(want, got) > s->tolerance)
                        say_interval(v, at, got, want);
        }
        s->has_entry = false;
        s->has_beat = true;
        s->beat = s->earliest = t;
        s->run = e->run;
        s->jumps = 0;
}

/* ---- each entry ---- */

void verify_time(struct verify *v, struct verify_times *s, const struct entry *e,
                 const struct verify_place *at, int64_t t)
{
        if (span_eq_str(e->kind, "host.clock"))
                clock_set(s, e);
        if (s->has_beat && minus(s->earliest, t) > s->tolerance)
                verify_say(v, VERIFY_TIME, at->path, at->offset, at->index,
                           "%s: entry %llu, byte %llu: %lld s before the last heartbeat", at->path,
                           (unsigned long long)at->index, (unsigned long long)at->offset,
                           seconds(minus(s->earliest, t)));
        if (span_eq_str(e->kind, "host.heartbeat")) {
                heartbeat(v, s, e, at, t);
        } else if (!s->has_entry || t > s->latest) {
                s->has_entry = true;
                s->latest = t;
                s->latest_index = at->index;
                s->latest_offset = at->offset;
        }
}

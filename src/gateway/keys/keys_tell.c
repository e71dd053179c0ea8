/* SPDX-License-Identifier: Apache-2.0 */
/* keys_tell.c - entries of assay-keys, one at a time, and its status file. */
#include "base/text.h"
#include "gateway/keys/keys_priv.h"
#include "loop/log.h"
#include "wire/entry.h"

#include <stdio.h>

enum {
        STATUS_S = 5,
        SHOWN_MAX = 64, /* sets in the status file; those that fail are the first */
        ENTRY_ROOM = 16 * 1024,
};

/* ---- status ---- */

static void put_set(struct json_writer *w, const struct keys_set *s)
{
        char digest[2 * JWKS_DIGEST + 1], time[TEXT_TIME_LEN + 1];

        json_begin_object(w);
        if (*s->why)
                json_member_text(w, "failed", s->why);
        if (s->good_ns) {
                text_time(s->good_ns, time);
                json_member_text(w, "had", time);
        }
        json_member_text(w, "issuer", s->wanted.issuer);
        json_member_u64(w, "keys", s->n_keys);
        if (s->have) {
                text_hex(span_of(s->digest, JWKS_DIGEST), digest);
                json_member_text(w, "sha256", digest);
        }
        if (s->since_ns) {
                text_time(s->since_ns, time);
                json_member_text(w, "since", time);
        }
        json_member_text(w, "url", s->wanted.url);
        if (s->fresh.n)
                json_member_bool(w, "waits", true);
        json_end_object(w);
}

static void put_sets(struct json_writer *w, const struct keys *k)
{
        uint32_t n = 0;

        json_begin_array(w);
        for (int good = 0; good < 2; good++)
                for (uint32_t i = 0; i < k->n && n < SHOWN_MAX; i++)
                        if ((*k->sets[i]->why == '\0') == good) {
                                put_set(w, k->sets[i]);
                                n++;
                        }
        json_end_array(w);
}

static void put_status(const struct keys *k, struct buf *out)
{
        char refused[ERR_TEXT_MAX];
        uint64_t number = 0;
        const char *why;
        uint32_t failing = 0;
        struct json_writer w;

        for (uint32_t i = 0; i < k->n; i++)
                failing += *k->sets[i]->why != '\0';
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "asked", k->n_asked);
        json_member_u64(&w, "failing", failing);
        if (live_current(k->live))
                json_member_u64(&w, "generation", live_current(k->live)->number);
        json_member_u64(&w, "ignored", k->n_ignored);
        json_member_u64(&w, "left_out", k->n_left_out);
        if (live_refused(k->live, &number, &why)) {
                snprintf(refused, sizeof refused, "%s", why);
                text_keep_utf8(refused);
                json_member_text(&w, "refused", refused);
        }
        json_put_key(&w, "sets");
        put_sets(&w, k);
        json_member_u64(&w, "urls", k->n);
        json_end_object(&w);
}

static void say_status(struct keys *k)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(PRESENCE_MAX);
        struct err err = { 0 };

        k->status_due = false;
        k->status_ns = clock_mono(k->o->clock);
        put_status(k, &out);
        if (buf_status(&out) < 0)
                err_sys(&err, buf_status(&out), "status");
        else if (presence_say(&k->presence, &k->sandbox, buf_span(&out), &err) == 0)
                return;
        log_event(LOG_LEVEL_WARNING, "keys.status", log_err(&err));
}

/* ---- entries ---- */

static const char *const state_names[] = {
        [TELL_CHANGED] = "changed",
        [TELL_FAILING] = "failing",
        [TELL_GOOD] = "good",
};

static void put_members(struct json_writer *w, const struct keys_set *s, enum keys_tell what)
{
        bool fresh = what == TELL_CHANGED;
        char digest[2 * JWKS_DIGEST + 1], time[TEXT_TIME_LEN + 1];

        if (what == TELL_FAILING)
                json_member_text(w, "detail", s->why);
        json_member_text(w, "issuer", s->wanted.issuer);
        json_member_u64(w, "keys", fresh ? s->n_fresh : s->n_keys);
        if (fresh)
                json_member_u64(w, "left_out", s->n_fresh_left_out);
        if (fresh && s->have) {
                text_hex(span_of(s->digest, JWKS_DIGEST), digest);
                json_member_text(w, "previous", digest);
        }
        if (fresh || s->have) {
                text_hex(span_of(fresh ? s->fresh_digest : s->digest, JWKS_DIGEST), digest);
                json_member_text(w, "sha256", digest);
        }
        if (what == TELL_FAILING) {
                text_time(s->since_ns, time);
                json_member_text(w, "since", time);
        }
        json_member_text(w, "state", state_names[what]);
        json_member_text(w, "url", s->wanted.url);
}

static int put_entry(struct keys *k, const struct keys_set *s, enum keys_tell what, uint64_t *ret,
                     struct err *err)
{
        CLEANUP(buf_done) struct buf skeleton = BUF_INIT(ENTRY_ROOM);
        struct json_writer w;

        entry_begin(&w, &skeleton, "api.keys", clock_wall(k->o->clock));
        put_members(&w, s, what);
        json_end_object(&w);
        json_end_object(&w);
        if (buf_status(&skeleton) < 0)
                return err_sys(err, buf_status(&skeleton), "entry");
        return feed_put(k->feed, buf_span(&skeleton), NULL, 0, ret, err);
}

/* The next one that has something to tell; the one that failed last waits for the others. */
static void put_next(struct keys *k)
{
        struct err err = { 0 };

        for (uint32_t i = 0; i < k->n; i++) {
                struct keys_set *s = k->sets[i];

                if (s->tell == TELL_NOTHING)
                        continue;
                if (put_entry(k, s, s->tell, &k->told_seq, &err) < 0) {
                        log_event(LOG_LEVEL_WARNING, "keys.tell", log_err(&err));
                        return;
                }
                k->told_what = s->tell;
                k->telling = s;
                s->tell = TELL_NOTHING;
                return;
        }
}

/* ---- the line to the recorder ---- */

static void on_feed(void *ctx, unsigned events);

static int watch_feed(struct keys *k)
{
        unsigned want = LOOP_READ | (feed_wants_write(k->feed) ? LOOP_WRITE : 0u);

        if (feed_fd(k->feed) < 0) {
                k->feed_source = loop_remove(k->feed_source);
                return 0;
        }
        if (k->feed_source)
                return loop_set_events(k->feed_source, want);
        return loop_add_fd(k->loop, feed_fd(k->feed), want, on_feed, k, &k->feed_source, NULL);
}

/* In a new run what is queued counts anew, and that is one entry. */
static void notice_run(struct keys *k)
{
        uint64_t run = feed_run(k->feed);

        if (run == k->run)
                return;
        log_event(LOG_LEVEL_INFO, "keys.connected", log_u64("run", run));
        if (k->run && k->told_seq)
                k->told_seq = feed_held(k->feed) + 1;
        k->run = run;
}

void keys_tell(struct keys *k)
{
        struct err err = { 0 };

        k->status_due = true;
        if (k->run && k->told_seq == 0)
                put_next(k);
        if (feed_fd(k->feed) >= 0 && feed_work(k->feed, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "keys.recorder_gone", log_err(&err));
        notice_run(k);
        if (watch_feed(k) < 0)
                loop_stop(k->loop, 1);
}

static void on_feed(void *ctx, unsigned events)
{
        (void)events;
        keys_tell(ctx);
}

void keys_tell_forget(struct keys *k, const struct keys_set *s)
{
        if (k->telling == s)
                k->telling = NULL;
}

static void settled(struct keys *k, uint64_t seq, bool durable)
{
        struct keys_set *s = k->telling;

        if (k->told_seq == 0 || seq != k->told_seq)
                return;
        k->told_seq = 0;
        k->telling = NULL;
        if (!s)
                return;
        if (k->told_what == TELL_CHANGED && durable) {
                keys_set_put(s);
        } else if (k->told_what == TELL_CHANGED) {
                buf_clear(&s->fresh);
        } else {
                s->told = k->told_what == TELL_FAILING;
                if (s->told && s->since_ns == 0 && s->tell == TELL_NOTHING)
                        s->tell = TELL_GOOD; /* it was had again meanwhile */
        }
}

static void on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        (void)index;
        notice_run(ctx);
        settled(ctx, seq, true);
}

/* It would be refused again; the recorder has noted that it was.  Nothing comes into use that the
 * ledger does not have. */
static void on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        log_event(LOG_LEVEL_ERROR, "keys.refused_entry", log_u64("seq", seq), log_int("code", code),
                  log_bytes("text", text));
        settled(ctx, seq, false);
}

void keys_tell_tick(struct keys *k)
{
        bool old = clock_mono(k->o->clock) - k->status_ns >= STATUS_S * NS_PER_S;
        struct err err = { 0 };

        if (feed_fd(k->feed) < 0 && feed_greet(k->feed, k->run, &err) < 0)
                k->feed_source = loop_remove(k->feed_source);
        feed_beat(k->feed);
        keys_tell(k);
        if (old || k->status_due)
                say_status(k);
}

int keys_tell_open(struct keys *k, struct err *err)
{
        struct feed_options f = {
                .socket = k->recorder, .proc = "keys", .on_ack = on_ack, .on_nak = on_nak, .ctx = k
        };

        return feed_new(&f, &k->feed, err);
}

void keys_tell_done(struct keys *k)
{
        k->feed_source = loop_remove(k->feed_source);
        k->feed = feed_free(k->feed);
}

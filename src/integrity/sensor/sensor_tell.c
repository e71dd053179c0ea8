/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_priv.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "integrity/sensor/sensor_restore.h"
#include "integrity/sensor/sensor_trusted.h"
#include "loop/log.h"

#include <stdlib.h>

/* Bytes of a path that is too long for an entry. */
enum { PATH_SHORT = 4096, PATH_BRIEF = 1024, FIELD_MAX = 16 * 1024 };

static void out_free(struct out *x)
{
        buf_done(&x->skeleton);
        buf_done(&x->ops);
        buf_done(&x->field);
        who_unref(x->who);
        free(x);
}

static void put_field(struct buf *b, const struct feed_field *field)
{
        *b = BUF_INIT(FIELD_MAX);
        buf_put(b, field->name);
        buf_put_byte(b, 0);
        buf_put(b, field->subject);
        buf_put_byte(b, 0);
        buf_put(b, field->value);
}

static size_t get_field(const struct buf *b, struct feed_field *ret)
{
        struct span rest = buf_span(b);

        if (rest.n == 0)
                return 0;
        ret->name = span_str((const char *)rest.p);
        rest = span_from(rest, ret->name.n + 1);
        ret->subject = span_str((const char *)rest.p);
        ret->value = span_from(rest, ret->subject.n + 1);
        return 1;
}

static int queue(struct sensor *s, struct span skeleton, struct span ops, struct who *who,
                 const struct feed_field *field, bool of_baseline)
{
        size_t skeleton_max = MAX_OF(skeleton.n, (size_t)1), ops_max = MAX_OF(ops.n, (size_t)1);
        struct out *x = calloc(1, sizeof *x);

        if (!x)
                return -ENOMEM;
        x->skeleton = BUF_INIT(skeleton_max);
        x->ops = BUF_INIT(ops_max);
        buf_put(&x->skeleton, skeleton);
        buf_put(&x->ops, ops);
        if (field)
                put_field(&x->field, field);
        if (buf_status(&x->skeleton) < 0 || buf_status(&x->ops) < 0 || buf_status(&x->field) < 0) {
                out_free(x);
                return -ENOMEM;
        }
        x->who = who ? who_ref(who) : NULL;
        x->of_baseline = of_baseline;
        if (s->out_last)
                s->out_last->next = x;
        else
                s->out_first = x;
        s->out_last = x;
        s->n_out++;
        return 0;
}

/* A path that no entry holds: its beginning, and the digest of the whole. */
static void shorten(struct buf *out, struct span path, size_t keep)
{
        char hex[2 * SHA256_LEN + 1];
        uint8_t digest[SHA256_LEN];

        sha256(path, digest);
        text_hex(span_of(digest, sizeof digest), hex);
        buf_put(out, span_of(path.p, MIN_OF(path.n, keep)));
        buf_put_str(out, "...sha256:");
        buf_put_str(out, hex);
}

struct span tell_path(struct sensor *s, struct span path)
{
        if (path.n <= PATH_SHORT)
                return path;
        buf_clear(&s->scratch);
        shorten(&s->scratch, path, PATH_BRIEF);
        return buf_span(&s->scratch);
}

/* Nobody hides a change by going deep, or by all that a name, a target and attributes can hold. */
static int put_shortened(struct sensor *s, const struct change *c, size_t keep)
{
        struct change shorter = *c;
        size_t n;

        buf_clear(&s->scratch);
        shorten(&s->scratch, c->path, keep);
        n = s->scratch.n;
        if (c->from.n)
                shorten(&s->scratch, c->from, keep);
        if (buf_status(&s->scratch) < 0)
                return buf_status(&s->scratch);
        shorter.path = span_of(s->scratch.p, n);
        shorter.from = span_of(s->scratch.p + n, s->scratch.n - n);
        shorter.brief = keep == PATH_BRIEF;
        shorter.cut = true;
        buf_clear(&s->skeleton);
        change_put(&shorter, &s->skeleton);
        return buf_status(&s->skeleton);
}

/* Its alert, and an entry of its own. */
static int tell_one(struct sensor *s, const struct change *c, struct span ops, char *alert_id)
{
        int rc = why_alert(s, c, alert_id);

        if (rc < 0)
                return rc;
        buf_clear(&s->skeleton);
        change_put(c, &s->skeleton);
        rc = buf_status(&s->skeleton);
        if (rc == -E2BIG)
                rc = put_shortened(s, c, PATH_SHORT);
        if (rc == -E2BIG)
                rc = put_shortened(s, c, PATH_BRIEF);
        if (rc == 0)
                rc = queue(s, buf_span(&s->skeleton), ops, (struct who *)c->who, NULL, false);
        if (rc == 0)
                s->out_change = s->out_last;
        return rc == 0 ? why_alert_tell(s, (struct who *)c->who) : rc;
}

/* Whether its file is in doubt now goes with the change, in one record of the journal. */
static int tell_doubt(struct sensor *s, struct out *x)
{
        struct buf *b = deny_doubts(s);
        int rc = buf_status(b);

        if (rc == 0 && b->n && x) {
                x->ops.max = x->ops.n + b->n;
                buf_put(&x->ops, buf_span(b));
                rc = buf_status(&x->ops);
        } else if (rc == 0 && b->n) {
                rc = tell_silent(s, buf_span(b));
        }
        buf_clear(b);
        return rc;
}

int tell_change(struct sensor *s, const struct change *seen, struct span ops)
{
        struct change judged = *seen;
        const struct change *c = &judged;
        struct why why;
        int rc;

        mounted_name(s, &judged);
        why_explain(s, &judged, &why);
        package_judged(s, seen, &why);
        judged.why = &why;
        rc = fold_take(s, c, ops);
        if (rc < 0)
                return rc;
        s->unexplained += rc == 1 && why.state == WHY_UNEXPLAINED;
        s->changes++;
        users_seen(s, c->path);
        s->out_change = NULL;
        rc = rc == 1 ? 0 : tell_one(s, c, ops, why.alert);
        if (c->above) /* what is not watched is neither frozen nor put back */
                return rc;
        deny_judged(s, c);
        if (rc == 0)
                rc = tell_doubt(s, s->out_change);
        guard_judged(s, c);
        return rc == 0 ? restore_seen(s, c) : rc;
}

int tell_silent(struct sensor *s, struct span ops)
{
        return queue(s, SPAN_NONE, ops, NULL, NULL, false);
}

int tell_entry(struct sensor *s, struct span skeleton)
{
        return queue(s, skeleton, SPAN_NONE, NULL, NULL, false);
}

int tell_made(struct sensor *s, struct who *who)
{
        int rc = buf_status(&s->skeleton);

        return rc < 0 ? rc : queue(s, buf_span(&s->skeleton), SPAN_NONE, who, NULL, false);
}

int tell_entry_of(struct sensor *s, struct span skeleton, struct who *who, bool of_baseline)
{
        return queue(s, skeleton, SPAN_NONE, who, NULL, of_baseline);
}

int tell_entry_with(struct sensor *s, struct span skeleton, struct who *who,
                    const struct feed_field *field)
{
        return queue(s, skeleton, SPAN_NONE, who, field, false);
}

int tell_entry_ops(struct sensor *s, struct span skeleton, struct span ops, struct who *who)
{
        return queue(s, skeleton, ops, who, NULL, false);
}

/* Remember what was handed over until it is acknowledged. */
static int remember(struct sensor *s, uint64_t seq, struct buf *skeleton, bool of_baseline)
{
        struct told *t = calloc(1, sizeof *t);

        if (!t)
                return -ENOMEM;
        t->seq = seq;
        t->of_baseline = of_baseline;
        t->skeleton = *skeleton; /* taken over */
        *skeleton = BUF_INIT(1);
        if (s->told_last)
                s->told_last->next = t;
        else
                s->told_first = t;
        s->told_last = t;
        return 0;
}

static void forget_told(struct sensor *s, uint64_t upto)
{
        while (s->told_first && s->told_first->seq <= upto) {
                struct told *t = s->told_first;

                s->told_first = t->next;
                if (!s->told_first)
                        s->told_last = NULL;
                buf_done(&t->skeleton);
                free(t);
        }
}

void tell_on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        struct sensor *s = ctx;
        struct told *t = s->told_first;

        s->acked = seq;
        s->acked_news = true;
        if (t && t->seq == seq && t->of_baseline)
                trusted_told(s, buf_span(&t->skeleton), true, index);
        forget_told(s, seq);
}

void tell_on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        struct sensor *s = ctx;

        s->refused++;
        log_event(LOG_LEVEL_ERROR, "sensor.refused", log_u64("seq", seq), log_int("code", code),
                  log_bytes("text", text));
        s->acked = seq; /* it would be refused again */
        s->acked_news = true;
        if (s->told_first && s->told_first->seq == seq && s->told_first->of_baseline)
                trusted_told(s, buf_span(&s->told_first->skeleton), false, 0);
        forget_told(s, seq);
}

static void journal_broke(struct sensor *s, const struct err *err)
{
        if (!s->state.broken)
                log_event(LOG_LEVEL_ERROR, "sensor.journal", log_err(err));
        /* Evidence first: entries go on, and a restart tells some of them twice. */
        state_broke(&s->state, err);
        buf_clear(&s->state.journal.buf);
}

static void flush_journal(struct sensor *s)
{
        struct err err = { 0 };

        if (s->state.journal.fd < 0 || s->state.broken)
                buf_clear(&s->state.journal.buf);
        else if (journal_flush(&s->state.journal, &err) < 0)
                journal_broke(s, &err);
}

/* One from the queue to the feed.  -EAGAIN: the feed is full. */
static int hand_over(struct sensor *s, struct out *x)
{
        struct feed_field fields[CHANGE_FIELDS_MAX + 1];
        struct err err = { 0 };
        uint64_t seq = 0;
        size_t n;
        int rc;

        if (x->skeleton.n) {
                buf_clear(&s->scratch);
                n = change_fields(x->who, &s->scratch, fields);
                n += get_field(&x->field, &fields[n]);
                rc = feed_put(s->feed, buf_span(&x->skeleton), fields, n, &seq, &err);
                if (rc == -EAGAIN || rc == -ENOMEM)
                        return rc;
                if (rc < 0) {
                        s->refused++;
                        log_event(LOG_LEVEL_ERROR, "sensor.refused", log_err(&err));
                        if (x->of_baseline)
                                trusted_told(s, buf_span(&x->skeleton), false, 0);
                        seq = 0;
                }
        }
        journal_put_change(&s->state.journal, seq, buf_span(&x->skeleton), buf_span(&x->ops));
        if (seq && remember(s, seq, &x->skeleton, x->of_baseline) < 0)
                s->failed = -ENOMEM;
        return 0;
}

void tell_keep(struct sensor *s)
{
        bool more = true;

        if (s->keeping) /* an entry that is refused may end a command */
                return;
        s->keeping = true;
        if (s->acked_news) {
                journal_put_acked(&s->state.journal, s->acked);
                s->acked_news = false;
        }
        /* Without a run there are no sequences to journal; once there was one, the feed keeps what
         * it is given until the recorder is back. */
        while (s->out_first && more && feed_run(s->feed)) {
                struct out *x = s->out_first;

                if (hand_over(s, x) < 0) {
                        more = false;
                        break;
                }
                s->out_first = x->next;
                if (!s->out_first)
                        s->out_last = NULL;
                s->n_out--;
                out_free(x);
                s->feed_ready = true;
        }
        flush_journal(s);
        s->keeping = false;
}

void tell_pump(struct sensor *s)
{
        struct err err = { 0 };
        bool any;

        tell_keep(s); /* before a byte of it is sent */
        any = s->feed_ready || feed_wants_write(s->feed);
        s->feed_ready = false;
        if (any && feed_connected(s->feed) && feed_work(s->feed, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.recorder_gone", log_err(&err));
}

int tell_connected(struct sensor *s, uint64_t run_before)
{
        uint64_t run = feed_run(s->feed), seq = feed_held(s->feed);

        if (run == run_before)
                return 0;
        /* What waits in the feed goes out under new sequences. */
        journal_put_run(&s->state.journal, run);
        for (struct told *t = s->told_first; t; t = t->next) {
                t->seq = ++seq;
                journal_put_change(&s->state.journal, t->seq, buf_span(&t->skeleton), SPAN_NONE);
        }
        s->acked = feed_held(s->feed);
        flush_journal(s);
        return 0;
}

void tell_done(struct sensor *s)
{
        while (s->out_first) {
                struct out *x = s->out_first;

                s->out_first = x->next;
                out_free(x);
        }
        forget_told(s, UINT64_MAX);
}

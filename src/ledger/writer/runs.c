/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/writer/runs.h"

#include "base/le.h"
#include "sys/crc32c.h"

struct run *runs_find(struct runs *t, uint64_t run)
{
        if (run == 0)
                return NULL;
        for (size_t i = 0; i < LEDGER_RUNS_MAX; i++)
                if (t->slot[i].run == run)
                        return &t->slot[i];
        return NULL;
}

static struct run *free_slot(struct runs *t)
{
        for (size_t i = 0; i < LEDGER_RUNS_MAX; i++)
                if (t->slot[i].run == 0)
                        return &t->slot[i];
        return NULL;
}

static void forget_oldest(struct run *r)
{
        r->start = (r->start + 1) % LEDGER_WINDOW;
        r->n--;
}

int runs_begin(struct runs *t, uint64_t run)
{
        struct run *r = runs_find(t, run);

        if (r)
                return 0;
        r = free_slot(t);
        if (!r)
                return -EUSERS;
        *r = (struct run){ .run = run };
        t->last_run = MAX_OF(t->last_run, run);
        return 0;
}

int runs_add(struct runs *t, uint64_t run, uint64_t seq, uint64_t index)
{
        struct run *r = runs_find(t, run);

        if (!r) {
                if (seq != 1)
                        return -EPROTO;
                if (runs_begin(t, run) < 0)
                        return -EUSERS;
                r = runs_find(t, run);
        }
        if (seq == 0 || seq - 1 != r->last_seq)
                return -EPROTO;
        if (r->n == LEDGER_WINDOW)
                return -ENOBUFS;
        while (r->n > 0 && index - r->index[r->start] > UINT32_MAX) /* see save_run() */
                forget_oldest(r);
        r->index[(r->start + r->n) % LEDGER_WINDOW] = index;
        r->n++;
        r->last_seq = seq;
        return 0;
}

void runs_undo(struct runs *t, uint64_t run)
{
        struct run *r = runs_find(t, run);

        assert(r && r->n > 0);
        r->n--;
        r->last_seq--;
}

void runs_acked(struct runs *t, uint64_t run, uint64_t seq)
{
        struct run *r = runs_find(t, run);

        while (r && r->n > 0 && r->last_seq - r->n + 1 <= seq)
                forget_oldest(r);
}

int runs_index(struct runs *t, uint64_t run, uint64_t seq, uint64_t *ret)
{
        struct run *r = runs_find(t, run);

        if (!r || seq > r->last_seq || seq == 0)
                return -ENOENT;
        if (r->last_seq - seq >= r->n)
                return -ESTALE;
        *ret = r->index[(r->start + (r->n - 1 - (r->last_seq - seq))) % LEDGER_WINDOW];
        return 0;
}

void runs_forget(struct runs *t, uint64_t run)
{
        struct run *r = runs_find(t, run);

        if (r)
                r->run = 0;
}

/* ---- the state record ---- */

static void save_run(const struct run *r, struct buf *out)
{
        uint64_t base = r->n ? r->index[r->start] : 0;

        le_append(out, r->run, 8);
        le_append(out, r->last_seq, 8);
        le_append(out, base, 8);
        le_append(out, r->n, 4);
        for (uint32_t i = 0; i < r->n; i++) {
                uint64_t index = r->index[(r->start + i) % LEDGER_WINDOW];

                assert(index >= base && index - base <= UINT32_MAX);
                le_append(out, index - base, 4);
        }
}

void runs_save(const struct runs *t, struct buf *out)
{
        uint32_t n = 0;

        for (size_t i = 0; i < LEDGER_RUNS_MAX; i++)
                n += t->slot[i].run != 0;
        le_append(out, t->last_run, 8);
        le_append(out, n, 4);
        for (size_t i = 0; i < LEDGER_RUNS_MAX; i++)
                if (t->slot[i].run)
                        save_run(&t->slot[i], out);
}

static bool take_le(struct span *s, unsigned bytes, uint64_t *ret)
{
        if (s->n < bytes)
                return false;
        *ret = le_get(s->p, bytes);
        *s = span_from(*s, bytes);
        return true;
}

static int load_run(struct span *s, uint64_t last, struct run *ret, struct err *err)
{
        uint64_t base, n, delta;

        if (!take_le(s, 8, &ret->run) || !take_le(s, 8, &ret->last_seq) || !take_le(s, 8, &base) ||
            !take_le(s, 4, &n))
                return err_set(err, -EBADMSG, "the state record is cut short");
        if (ret->run == 0 || ret->run > last || n > LEDGER_WINDOW || n > ret->last_seq ||
            (n == 0 && base != 0))
                return err_set(err, -EBADMSG, "the state record has an impossible run");
        ret->n = (uint32_t)n;
        ret->start = 0;
        for (uint32_t i = 0; i < ret->n; i++) {
                if (!take_le(s, 4, &delta))
                        return err_set(err, -EBADMSG, "the state record is cut short");
                if (base > UINT64_MAX - delta ||
                    (i == 0 ? delta != 0 : base + delta <= ret->index[i - 1]))
                        return err_set(err, -EBADMSG, "the state record has an impossible index");
                ret->index[i] = base + delta;
        }
        return 0;
}

/* t: NULL to check only. */
static int load(struct runs *t, struct span s, struct err *err)
{
        uint64_t last, n, seen[LEDGER_RUNS_MAX];
        struct run run;
        int r;

        if (!take_le(&s, 8, &last) || !take_le(&s, 4, &n))
                return err_set(err, -EBADMSG, "the state record is cut short");
        if (n > LEDGER_RUNS_MAX)
                return err_set(err, -EBADMSG, "the state record has %llu runs, at most %d fit",
                               (unsigned long long)n, LEDGER_RUNS_MAX);
        for (size_t i = 0; i < n; i++) {
                r = load_run(&s, last, t ? &t->slot[i] : &run, err);
                if (r < 0)
                        return r;
                seen[i] = t ? t->slot[i].run : run.run;
                for (size_t k = 0; k < i; k++)
                        if (seen[k] == seen[i])
                                return err_set(err, -EBADMSG, "the state record has a run twice");
        }
        if (s.n)
                return err_set(err, -EBADMSG, "the state record has %zu bytes too many", s.n);
        if (t)
                t->last_run = last;
        return 0;
}

int runs_load(struct runs *t, struct span s, struct err *err)
{
        int r = load(NULL, s, err);

        if (r < 0)
                return r;
        memset(t, 0, sizeof *t);
        return load(t, s, err);
}

/* ---- across a succession ---- */

static int index_of(const struct runs *t, const struct runs *before, uint64_t run, uint64_t seq,
                    uint64_t *ret)
{
        int r = runs_index((struct runs *)t, run, seq, ret);

        return r == -ESTALE && before ? runs_index((struct runs *)before, run, seq, ret) : r;
}

static void leave_run(const struct runs *t, const struct runs *before, const struct run *r,
                      struct buf *out)
{
        uint64_t index = 0;
        uint32_t n = 0;

        while (n < LEDGER_WINDOW && n < r->last_seq &&
               index_of(t, before, r->run, r->last_seq - n, &index) == 0)
                n++;
        le_append(out, r->run, 8);
        le_append(out, r->last_seq, 8);
        le_append(out, n, 4);
        while (n-- > 0) {
                int found = index_of(t, before, r->run, r->last_seq - n, &index);

                assert(found == 0);
                le_append(out, index, 8);
        }
}

/* Nobody goes on with a run of which nothing is held. */
void runs_leave(const struct runs *t, const struct runs *before, struct buf *out)
{
        size_t begun = out->n;
        uint32_t n = 0;

        for (size_t i = 0; i < LEDGER_RUNS_MAX; i++)
                n += t->slot[i].run && t->slot[i].last_seq;
        le_append(out, t->last_run, 8);
        le_append(out, n, 4);
        for (size_t i = 0; i < LEDGER_RUNS_MAX; i++)
                if (t->slot[i].run && t->slot[i].last_seq)
                        leave_run(t, before, &t->slot[i], out);
        if (buf_status(out) == 0)
                le_append(out, crc32c(0, span_from(buf_span(out), begun)), 4);
}

static int inherit_run(struct span *s, struct runs *t, size_t at, struct err *err)
{
        struct run *r = &t->slot[at];
        uint64_t run, n;

        if (!take_le(s, 8, &run) || !take_le(s, 8, &r->last_seq) || !take_le(s, 4, &n))
                return err_set(err, -EBADMSG, "what is left of the writers is cut short");
        if (run == 0 || run > t->last_run || n > LEDGER_WINDOW || n > r->last_seq ||
            r->last_seq == 0 || runs_find(t, run))
                return err_set(err, -EBADMSG, "what is left of the writers has an impossible run");
        r->run = run;
        r->n = (uint32_t)n;
        for (uint32_t i = 0; i < r->n; i++)
                if (!take_le(s, 8, &r->index[i]))
                        return err_set(err, -EBADMSG, "what is left of the writers is cut short");
        return 0;
}

static int inherit(struct runs *t, struct span s, struct err *err)
{
        uint64_t n;
        int r = 0;

        if (!take_le(&s, 8, &t->last_run) || !take_le(&s, 4, &n) || n > LEDGER_RUNS_MAX)
                return err_set(err, -EBADMSG, "what is left of the writers has no head");
        for (size_t i = 0; i < n && r == 0; i++)
                r = inherit_run(&s, t, i, err);
        if (r == 0 && s.n)
                r = err_set(err, -EBADMSG, "what is left of the writers has %zu bytes too many",
                            s.n);
        return r;
}

int runs_inherit(struct runs *t, struct span s, struct err *err)
{
        if (s.n < 4 || crc32c(0, span_of(s.p, s.n - 4)) != le_get32(s.p + s.n - 4))
                return err_set(err, -EBADMSG, "what is left of the writers has a wrong checksum");
        memset(t, 0, sizeof *t);
        return inherit(t, span_of(s.p, s.n - 4), err);
}

void runs_go_on(struct runs *t, const struct runs *before)
{
        memset(t, 0, sizeof *t);
        t->last_run = before->last_run;
        for (size_t i = 0; i < LEDGER_RUNS_MAX; i++) {
                t->slot[i].run = before->slot[i].run;
                t->slot[i].last_seq = before->slot[i].last_seq;
        }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* late.c - see late.h; the bytes of a change: late_priv.h. */
#include "integrity/why/late.h"

#include "base/le.h"
#include "integrity/trusted/change.h"
#include "integrity/why/alert.h"
#include "integrity/why/late_priv.h"

#include <stdlib.h>

enum { HEAD = 24 };
#define FRESH (1u << 31)
#define GONE  (1u << 30)
#define MOVED (1u << 29)

struct late_alert {
        char id[ALERT_ID_MAX + 1];
        struct buf changes;
        size_t n;
        bool partly; /* some are missing: nothing explains it */
        bool raised; /* recalled: begins with its first change */
};

struct late {
        struct late_alert of[LATE_ALERTS_MAX]; /* in the order in which they came */
        size_t n, bytes;
        struct buf record;
};

int late_new(struct late **ret, struct err *err)
{
        struct late *l = calloc(1, sizeof *l);

        if (!l)
                return err_set(err, -ENOMEM, "out of memory for alerts");
        l->record = BUF_INIT(RECORD_MAX);
        *ret = l;
        return 0;
}

static void forget(struct late *l, size_t i)
{
        l->bytes -= l->of[i].changes.n;
        buf_done(&l->of[i].changes);
        l->n--;
        memmove(&l->of[i], &l->of[i + 1], (l->n - i) * sizeof l->of[0]);
}

struct late *late_free(struct late *l)
{
        if (!l)
                return NULL;
        while (l->n)
                forget(l, l->n - 1);
        buf_done(&l->record);
        free(l);
        return NULL;
}

size_t late_count(const struct late *l)
{
        return l->n;
}

static struct late_alert *find(struct late *l, const char *id)
{
        for (size_t i = l->n; i > 0; i--) /* it is one of the last */
                if (strcmp(l->of[i - 1].id, id) == 0)
                        return &l->of[i - 1];
        return NULL;
}

static struct late_alert *begin(struct late *l, const char *id)
{
        struct late_alert *a;

        if (l->n == LATE_ALERTS_MAX)
                forget(l, 0);
        a = &l->of[l->n++];
        *a = (struct late_alert){ .changes = BUF_INIT(LATE_BYTES_MAX) };
        memcpy(a->id, id, strnlen(id, ALERT_ID_MAX));
        return a;
}

/* What is kept of it is of no use any more. */
static void give_up(struct late *l, struct late_alert *a)
{
        l->bytes -= a->changes.n;
        buf_done(&a->changes);
        a->partly = true;
}

int late_change_put(const struct source_change *c, struct buf *record, struct buf *out)
{
        buf_clear(record);
        if (c->is || c->was)
                record_encode(c->is ? c->is : c->was, record);
        le_append(out, c->path.n, 4);
        le_append(out, c->from.n, 4);
        le_append(out, record->n, 4);
        le_append(out,
                  c->differs | (c->fresh ? FRESH : 0) | (c->is ? 0 : GONE) |
                          (c->moved_on ? MOVED : 0),
                  4);
        le_append(out, (uint64_t)c->wall_ns, 8);
        buf_put(out, c->path);
        buf_put(out, c->from);
        buf_put(out, buf_span(record));
        return buf_status(record) < 0 ? buf_status(record) : buf_status(out);
}

size_t late_change_get(struct span rest, struct source_change *ret, struct record *is)
{
        uint32_t path = le_get32(rest.p), from = le_get32(rest.p + 4);
        uint32_t record = le_get32(rest.p + 8), differs = le_get32(rest.p + 12);

        *ret = (struct source_change){ .path = span_of(rest.p + HEAD, path),
                                       .from = span_of(rest.p + HEAD + path, from),
                                       .wall_ns = (int64_t)le_get64(rest.p + 16),
                                       .differs = differs & ~(FRESH | GONE | MOVED),
                                       .fresh = differs & FRESH,
                                       .moved_on = differs & MOVED };
        if (record) {
                int rc = record_decode(span_of(rest.p + HEAD + path + from, record), is, NULL);

                assert(rc == 0); /* our own bytes */
                *(differs & GONE ? &ret->was : &ret->is) = is;
        }
        return (size_t)HEAD + path + from + record;
}

/* Count c under it; NULL: it is not known. */
static void add(struct late *l, const char *id, const struct source_change *c)
{
        struct late_alert *a = find(l, id);
        size_t before;
        int rc;

        if (!a)
                a = begin(l, id);
        if (a->partly)
                return;
        before = a->changes.n;
        rc = c ? late_change_put(c, &l->record, &a->changes) : -ENODATA;
        l->bytes += a->changes.n - before;
        if (a->n++ == LATE_CHANGES_MAX || rc < 0)
                give_up(l, a);
        while (l->bytes > LATE_BYTES_MAX && &l->of[0] != find(l, id))
                forget(l, 0);
        if (l->bytes > LATE_BYTES_MAX)
                give_up(l, &l->of[0]);
}

void late_add(struct late *l, const char *id, const struct change *c)
{
        struct source_change x;

        source_change_of(c, &x);
        add(l, id, &x);
}

void late_recall(struct late *l, const char *id, const struct source_change *c)
{
        add(l, id, c);
}

void late_recall_raised(struct late *l, const char *id)
{
        struct late_alert *a = find(l, id);

        if (a)
                a->raised = true;
}

void late_recalled(struct late *l)
{
        for (size_t i = l->n; i > 0; i--)
                if (!l->of[i - 1].raised || l->of[i - 1].partly)
                        forget(l, i - 1);
}

void late_drop(struct late *l, const char *id)
{
        struct late_alert *a = find(l, id);

        if (a)
                forget(l, (size_t)(a - l->of));
}

static bool explained(const struct late_alert *a, late_fn *fn, void *ctx)
{
        struct span rest = buf_span(&a->changes);

        if (a->partly)
                return false;
        while (rest.n) {
                struct source_change c;
                struct record is;
                size_t n = late_change_get(rest, &c, &is);

                if (!fn(ctx, &c))
                        return false;
                rest = span_from(rest, n);
        }
        return true;
}

bool late_next(struct late *l, late_fn *fn, void *ctx, size_t *at, char *ret_id)
{
        for (; *at < l->n; (*at)++)
                if (explained(&l->of[*at], fn, ctx)) {
                        memcpy(ret_id, l->of[*at].id, ALERT_ID_MAX + 1);
                        forget(l, *at);
                        return true;
                }
        return false;
}

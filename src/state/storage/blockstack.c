/* SPDX-License-Identifier: Apache-2.0 */
#include "state/storage/blockstack.h"

#include "state/reading/fields.h"

#include <stdlib.h>

static const char top[] = "/sys/block/";

/* ---- reading ---- */

static struct block_device *device_named(struct block_stack *s, struct span name)
{
        for (size_t i = s->n; i > 0; i--) /* parts of one device follow each other */
                if (span_eq(s->at[i - 1].name, name))
                        return &s->at[i - 1];
        if (s->n == BLOCK_DEVICES_MAX) {
                s->cut = true;
                return NULL;
        }
        s->at[s->n] = (struct block_device){ .name = name, .crypt = -1, .verdict = BLOCK_PLAIN };
        return &s->at[s->n++];
}

static void add_edge(struct block_stack *s, struct span above, struct span below)
{
        if (s->n_edges == BLOCK_EDGES_MAX) {
                s->cut = true;
                return;
        }
        s->edge[s->n_edges].above = above;
        s->edge[s->n_edges++].below = below;
}

static struct span first_line(struct span s)
{
        struct span line = SPAN_NONE;

        field_cut(&s, '\n', &line);
        return line;
}

/* f: what stands between the slashes below /sys/block. */
static void take(struct block_stack *s, const struct span *f, size_t n, struct span text)
{
        struct block_device *d;

        if (n == 3 && span_eq_str(f[1], "slaves")) {
                add_edge(s, f[0], f[2]);
                return;
        }
        if (n == 3 && span_eq_str(f[2], "dev")) { /* "device/dev" is a terminal or a bus */
                if (!span_starts(f[1], f[0]))
                        return;
                d = device_named(s, f[1]);
                if (d) {
                        d->dev = text;
                        add_edge(s, f[1], f[0]);
                }
                return;
        }
        d = device_named(s, f[0]);
        if (!d)
                return;
        if (n == 2 && span_eq_str(f[1], "dev"))
                d->dev = text;
        else if (n == 3 && span_eq_str(f[1], "dm") && span_eq_str(f[2], "name"))
                d->dm_name = text;
        else if (n == 3 && span_eq_str(f[1], "dm") && span_eq_str(f[2], "uuid"))
                d->dm_uuid = text;
        else if (n == 3 && span_eq_str(f[1], "loop"))
                d->file = text;
}

static void take_all(struct block_stack *s, struct state_in in)
{
        struct state_part p;

        while (state_next(&in, &p)) {
                struct span rest = p.name, f[4];
                size_t n = 0;

                if (p.status || !span_starts(p.name, span_str(top)))
                        continue;
                rest = span_from(rest, sizeof top - 1);
                while (n < ARRAY_LEN(f) && field_cut(&rest, '/', &f[n]))
                        n++;
                if (n < ARRAY_LEN(f))
                        take(s, f, n, first_line(p.bytes));
        }
}

/* ---- finding ---- */

static int by_name(const void *a, const void *b)
{
        const struct block_device *x = a, *y = b;

        return span_cmp(x->name, y->name);
}

static int find(const struct block_stack *s, struct span name)
{
        struct block_device key = { .name = name };
        const struct block_device *d = bsearch(&key, s->at, s->n, sizeof key, by_name);

        return d ? (int)(d - s->at) : -1;
}

int block_by_dev(const struct block_stack *s, struct span dev)
{
        for (size_t i = 0; i < s->n; i++)
                if (dev.n && span_eq(s->at[i].dev, dev))
                        return (int)i;
        return -1;
}

int block_by_path(const struct block_stack *s, struct span path)
{
        static const char mapper[] = "/dev/mapper/", dev[] = "/dev/";

        if (span_starts(path, span_str(mapper))) {
                struct span name = span_from(path, sizeof mapper - 1);

                for (size_t i = 0; i < s->n; i++)
                        if (name.n && span_eq(s->at[i].dm_name, name))
                                return (int)i;
                return -1;
        }
        return span_starts(path, span_str(dev)) ? find(s, span_from(path, sizeof dev - 1)) : -1;
}

int block_below(const struct block_stack *s, int device)
{
        const struct block_device *d = &s->at[device];
        int first = -1;

        for (size_t i = d->edge; i < d->edge + d->n_edges; i++) {
                int below = s->edge[i].below_at;

                if (below >= 0 && s->at[below].verdict == BLOCK_PLAIN)
                        return below;
                if (first < 0)
                        first = below;
        }
        return first;
}

static int by_above(const void *a, const void *b)
{
        const struct block_edge *x = a, *y = b;

        if (x->above_at != y->above_at)
                return x->above_at < y->above_at ? -1 : 1;
        return span_cmp(x->below, y->below);
}

static void sort(struct block_stack *s)
{
        qsort(s->at, s->n, sizeof(*s->at), by_name);
        for (size_t i = 0; i < s->n_edges; i++) {
                s->edge[i].above_at = find(s, s->edge[i].above);
                s->edge[i].below_at = find(s, s->edge[i].below);
        }
        qsort(s->edge, s->n_edges, sizeof(*s->edge), by_above);
        for (size_t i = 0; i < s->n_edges; i++) {
                struct block_device *d =
                        s->edge[i].above_at < 0 ? NULL : &s->at[s->edge[i].above_at];

                if (d && d->n_edges++ == 0)
                        d->edge = i;
        }
}

/* ---- judging ---- */

static void judge_itself(struct block_device *d, int i)
{
        if (span_starts(d->dm_uuid, SPAN("CRYPT-"))) {
                d->verdict = BLOCK_ENCRYPTED;
                d->crypt = i;
        } else if (span_starts(d->name, SPAN("zram"))) {
                d->verdict = BLOCK_MEMORY;
        } else if (d->file.n) {
                d->verdict = BLOCK_UNKNOWN;
        }
}

/* All that it lies on has to be encrypted.  Once round is one level of the pile. */
static bool judge_by_below(struct block_stack *s, size_t i)
{
        struct block_device *d = &s->at[i];
        enum block_verdict was = d->verdict;
        int below = block_below(s, (int)i);

        if (below < 0 || d->crypt == (int)i || d->verdict == BLOCK_MEMORY)
                return false;
        d->verdict = s->at[below].verdict;
        d->crypt = s->at[below].crypt;
        return d->verdict != was;
}

static void judge(struct block_stack *s)
{
        bool again = true;

        for (size_t i = 0; i < s->n; i++)
                judge_itself(&s->at[i], (int)i);
        for (int depth = 0; again && depth < BLOCK_DEPTH_MAX; depth++) {
                again = false;
                for (size_t i = 0; i < s->n; i++)
                        again |= judge_by_below(s, i);
        }
}

int block_stack_read(struct block_stack *s, struct state_in in)
{
        *s = (struct block_stack){ 0 };
        s->at = calloc(BLOCK_DEVICES_MAX, sizeof(*s->at));
        s->edge = calloc(BLOCK_EDGES_MAX, sizeof(*s->edge));
        if (!s->at || !s->edge) {
                block_stack_done(s);
                return -ENOMEM;
        }
        state_again(&in);
        take_all(s, in);
        sort(s);
        judge(s);
        return 0;
}

void block_stack_done(struct block_stack *s)
{
        free(s->at);
        free(s->edge);
        *s = (struct block_stack){ 0 };
}

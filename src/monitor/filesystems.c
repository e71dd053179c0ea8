/* SPDX-License-Identifier: Apache-2.0 */
/* How full each filesystem is.  A line for each, the first place where it is mounted:
 *   place, type, source, bytes, used, available, inodes, inodes free, "ro" or "rw" */
#include "monitor/builtin.h"

#include "sys/mounted.h"

enum { SEEN_MAX = 256 };

struct seen {
        const atomic_bool *stop;
        struct buf *out;
        uint64_t dev[SEEN_MAX];
        size_t n;
};

static int put(void *ctx, const struct mounted *m)
{
        struct seen *s = ctx;

        if (*s->stop)
                return -ECANCELED;
        if (m->size == 0)
                return 0;
        for (size_t i = 0; i < s->n; i++)
                if (s->dev[i] == m->dev)
                        return 0;
        if (s->n == SEEN_MAX)
                return -E2BIG;
        s->dev[s->n++] = m->dev;
        builtin_field(s->out, span_str(m->at));
        builtin_field(s->out, span_str(m->type));
        builtin_field(s->out, span_str(m->source));
        builtin_number(s->out, m->size);
        builtin_number(s->out, m->used);
        builtin_number(s->out, m->available);
        builtin_number(s->out, m->inodes);
        builtin_number(s->out, m->inodes_free);
        builtin_field(s->out, span_str(m->read_only ? "ro" : "rw"));
        builtin_end(s->out);
        return 0;
}

int builtin_filesystems(const char *root, const atomic_bool *stop, struct buf *out)
{
        struct seen s = { .stop = stop, .out = out };
        int rc = mounted_each(root, "/proc/self/mounts", put, &s);

        /* Those that fitted are worth having. */
        return rc == -E2BIG ? 0 : -rc;
}

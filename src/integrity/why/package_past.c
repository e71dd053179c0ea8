/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/package_past.h"

#include "base/le.h"
#include "integrity/why/package_info.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <stdlib.h>

/* Each is kept as: 8 bytes index, 1 byte changed, 2 bytes length, the path. */
enum { HEAD = 11 };

struct mark {
        uint64_t index;
        bool changed;
        struct span path;
};

static bool says(struct json_value object, const char *key, struct span *ret)
{
        struct json_value v;

        return json_get(object, key, &v) && json_value_plain(v, ret);
}

/* Does what explains it say something of the content? */
static bool brought_content(struct span state, struct span change)
{
        return span_eq_str(state, "package") ||
               (!span_eq_str(state, "volatile") && !span_eq_str(change, "attributes"));
}

void package_past_hear(struct buf *out, uint64_t index, struct span entry, bool is_skeleton)
{
        static const char dir[] = PACKAGE_INFO_DIR;
        struct span path, change, state;
        struct entry e;
        bool changed;
        uint8_t *p;

        if (entry.n == 0 || !memmem(entry.p, entry.n, dir, sizeof dir - 1) ||
            json_check(entry, NULL) < 0 || entry_parse(entry, &e, NULL) < 0 ||
            !span_eq_str(e.kind, "integrity.change") ||
            !span_eq_str(e.proc, is_skeleton ? "" : "sensor"))
                return;
        if (!says(e.what, "path", &path) || !says(e.what, "change", &change) ||
            !says(e.why, "state", &state) || !span_starts(path, SPAN(PACKAGE_INFO_DIR)) ||
            path.n >= PACKAGE_INFO_MAX)
                return;
        changed = span_eq_str(state, "unexplained");
        if (!changed && (span_eq_str(change, "deleted") || !brought_content(state, change)))
                return;
        p = buf_extend(out, HEAD + path.n);
        if (!p)
                return;
        le_put64(p, index);
        p[8] = changed;
        le_put(p + 9, path.n, 2);
        memcpy(p + HEAD, path.p, path.n);
}

static int by_index(const void *a, const void *b)
{
        const struct mark *x = a, *y = b;

        return (x->index > y->index) - (x->index < y->index);
}

static size_t next(struct span *kept, struct mark *ret)
{
        size_t n = kept->n > HEAD ? (size_t)le_get(kept->p + 9, 2) : 0;

        if (n == 0 || kept->n < HEAD + n)
                return 0;
        ret->index = le_get64(kept->p);
        ret->changed = kept->p[8];
        ret->path = span_of(kept->p + HEAD, n);
        *kept = span_from(*kept, HEAD + n);
        return n;
}

int package_past_apply(struct span kept, package_past_fn *fn, void *ctx)
{
        struct span rest = kept;
        struct mark m, *marks;
        size_t n = 0;

        while (next(&rest, &m))
                n++;
        if (n == 0)
                return 0;
        marks = calloc(n, sizeof *marks);
        if (!marks)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                next(&kept, &marks[i]);
        qsort(marks, n, sizeof *marks, by_index);
        for (size_t i = 0; i < n; i++)
                fn(ctx, marks[i].path, marks[i].changed);
        free(marks);
        return 0;
}

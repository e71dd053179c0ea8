/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - values: order, sets, records, what constructors make.  Floor 2, pure. */
#include "policy/value/value.h"

#include <stdlib.h>

#include "policy/value/extension.h"

static int cmp_numbers(int64_t a, int64_t b)
{
        return (a > b) - (a < b);
}

static int cmp_sets(const struct cedar_value *a, const struct cedar_value *b)
{
        int c = cmp_numbers(a->n, b->n);

        for (uint32_t i = 0; c == 0 && a->items != b->items && i < a->n; i++)
                c = cedar_value_cmp(&a->items[i], &b->items[i]);
        return c;
}

static int cmp_records(const struct cedar_value *a, const struct cedar_value *b)
{
        int c = cmp_numbers(a->n, b->n);

        for (uint32_t i = 0; c == 0 && a->fields != b->fields && i < a->n; i++) {
                c = span_cmp(a->fields[i].key, b->fields[i].key);
                c = c ? c : cedar_value_cmp(&a->fields[i].value, &b->fields[i].value);
        }
        return c;
}

int cedar_value_cmp(const struct cedar_value *a, const struct cedar_value *b)
{
        if (a->kind != b->kind)
                return (int)a->kind - (int)b->kind;
        switch ((enum cedar_kind)a->kind) {
        case CEDAR_BOOL:
                return (int)a->boolean - (int)b->boolean;
        case CEDAR_STRING:
                return span_cmp(cedar_string_span(a), cedar_string_span(b));
        case CEDAR_ENTITY:
                return cedar_uid_order(a->uid, b->uid);
        case CEDAR_SET:
                return cmp_sets(a, b);
        case CEDAR_RECORD:
                return cmp_records(a, b);
        case CEDAR_IP:
                return cedar_ip_cmp(a->ip, b->ip);
        case CEDAR_LONG:
        case CEDAR_DECIMAL:
        case CEDAR_DATETIME:
        case CEDAR_DURATION:
                break;
        }
        return cmp_numbers(a->number, b->number);
}

/* Items below `from` are a heap but for the one at `at`, which may be too small. */
static void sift(struct cedar_value *items, uint32_t at, uint32_t n)
{
        struct cedar_value moving = items[at];

        for (uint64_t child; (child = 2 * (uint64_t)at + 1) < n; at = (uint32_t)child) {
                if (child + 1 < n && cedar_value_cmp(&items[child], &items[child + 1]) < 0)
                        child++;
                if (cedar_value_cmp(&moving, &items[child]) >= 0)
                        break;
                items[at] = items[child];
        }
        items[at] = moving;
}

/* Heapsort: qsort() may allocate, and may take n^2. */
static void sort(struct cedar_value *items, uint32_t n)
{
        for (uint32_t i = n / 2; i-- > 0;)
                sift(items, i, n);
        while (n-- > 1) {
                struct cedar_value largest = items[0];

                items[0] = items[n];
                items[n] = largest;
                sift(items, 0, n);
        }
}

struct cedar_value cedar_set_of(struct cedar_value *items, uint32_t n)
{
        uint32_t kept = 0;

        sort(items, n);
        for (uint32_t i = 0; i < n; i++)
                if (kept == 0 || !cedar_value_eq(&items[kept - 1], &items[i]))
                        items[kept++] = items[i];
        return (struct cedar_value){ .kind = CEDAR_SET, .n = kept, .items = items };
}

static int cmp_fields(const void *a, const void *b)
{
        const struct cedar_field *x = a, *y = b;

        return span_cmp(x->key, y->key);
}

bool cedar_record_of(struct cedar_field *fields, uint32_t n, struct cedar_value *ret)
{
        if (n > 1)
                qsort(fields, n, sizeof *fields, cmp_fields);
        for (uint32_t i = 1; i < n; i++)
                if (span_eq(fields[i - 1].key, fields[i].key))
                        return false;
        *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = n, .fields = fields };
        return true;
}

bool cedar_set_has(const struct cedar_value *set, const struct cedar_value *item)
{
        uint32_t from = 0, to = set->n;

        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                int c = cedar_value_cmp(&set->items[middle], item);

                if (c == 0)
                        return true;
                if (c < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return false;
}

bool cedar_set_has_all(const struct cedar_value *a, const struct cedar_value *b)
{
        if (b->n > a->n)
                return false;
        for (uint32_t i = 0; i < b->n; i++)
                if (!cedar_set_has(a, &b->items[i]))
                        return false;
        return true;
}

bool cedar_set_has_any(const struct cedar_value *a, const struct cedar_value *b)
{
        if (a->n < b->n)
                return cedar_set_has_any(b, a);
        for (uint32_t i = 0; i < b->n; i++)
                if (cedar_set_has(a, &b->items[i]))
                        return true;
        return false;
}

const struct cedar_value *cedar_record_get(const struct cedar_value *record, struct span key)
{
        uint32_t from = 0, to = record->n;

        while (from < to) {
                uint32_t middle = from + (to - from) / 2;
                int c = span_cmp(record->fields[middle].key, key);

                if (c == 0)
                        return &record->fields[middle].value;
                if (c < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return NULL;
}

static bool items_ordered(const struct cedar_value *v)
{
        for (uint32_t i = 0; i < v->n; i++)
                if (!cedar_value_ordered(&v->items[i]) ||
                    (i > 0 && cedar_value_cmp(&v->items[i - 1], &v->items[i]) >= 0))
                        return false;
        return true;
}

bool cedar_value_ordered(const struct cedar_value *v)
{
        if (v->kind == CEDAR_SET)
                return items_ordered(v);
        for (uint32_t i = 0; v->kind == CEDAR_RECORD && i < v->n; i++)
                if (!cedar_value_ordered(&v->fields[i].value) ||
                    (i > 0 && span_cmp(v->fields[i - 1].key, v->fields[i].key) >= 0))
                        return false;
        return true;
}

int cedar_value_make_in(enum cedar_fn fn, struct span text, struct cedar_ip *room,
                        struct cedar_value *ret, struct err *err)
{
        static int (*const parsers[])(struct span, int64_t *, struct err *) = {
                [FN_DECIMAL] = cedar_decimal_parse,
                [FN_DATETIME] = cedar_datetime_parse,
                [FN_DURATION] = cedar_duration_parse,
        };
        int64_t number;
        int r;

        assert(fn <= FN_DURATION);
        if (fn == FN_IP) {
                r = cedar_ip_parse(text, room, err);
                if (r == 0)
                        *ret = (struct cedar_value){ .kind = CEDAR_IP, .ip = room };
                return r;
        }
        r = parsers[fn](text, &number, err);
        if (r == 0)
                *ret = cedar_number(cedar_fn_shape(fn)->ret, number);
        return r;
}

int cedar_value_make(enum cedar_fn fn, struct span text, struct arena *arena,
                     struct cedar_value *ret, struct err *err)
{
        struct cedar_ip ip, *copy;
        struct cedar_value v;
        int r = cedar_value_make_in(fn, text, &ip, &v, err);

        if (r == 0 && v.kind == CEDAR_IP) {
                copy = arena_alloc(arena, sizeof *copy);
                if (!copy)
                        return err_set(err, -ENOMEM, "no memory for an ipaddr");
                *copy = ip;
                v.ip = copy;
        }
        if (r == 0)
                *ret = v;
        return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* model_file_get.c - JSON as the model, by the tables of shapes.  Floor 2, pure.
 *
 * The text is checked to be canonical first; what is left to see to is that each member is one that
 * the writer writes.  Recursion is as deep as shapes nest.  SECURITY: reads hostile bytes. */
#include "package/model/model_file_shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "wire/json.h"

/* ---- faults ---- */

static void put_place(struct buf *out, const struct model_at *at)
{
        if (!at)
                return;
        put_place(out, at->up);
        if (!at->key)
                buf_printf(out, "[%u]", at->item);
        else
                buf_printf(out, "%s%s", out->n ? "." : "", at->key);
}

static void put_text(const struct model_get *g, const struct model_at *at, const char *fmt,
                     va_list ap) PRINTF_LIKE(3, 0);
static void put_text(const struct model_get *g, const struct model_at *at, const char *fmt,
                     va_list ap)
{
        CLEANUP(buf_done) struct buf place = BUF_INIT(ERR_TEXT_MAX);
        char text[ERR_TEXT_MAX];

        vsnprintf(text, sizeof text, fmt, ap);
        put_place(&place, at);
        err_set(g->err, -EINVAL, "%s%s%s", buf_cstr(&place), at ? ": " : "", text);
}

int(model_fail)(const struct model_get *g, const struct model_at *at, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        put_text(g, at, fmt, ap);
        va_end(ap);
        return -EINVAL;
}

int(model_fail_member)(const struct model_get *g, const struct model_at *at, const char *key,
                       const char *text)
{
        struct model_at member = { .up = at, .key = key };

        return model_fail(g, &member, "%s", text);
}

static void *take(const struct model_get *g, size_t n, int *ret_r)
{
        void *p = arena_alloc(g->arena, n);

        *ret_r = 0;
        if (!p && n > g->arena->max - g->arena->used)
                *ret_r = err_set(g->err, -E2BIG, "the model takes more than %d MiB",
                                 MODEL_MEMORY_MAX >> 20);
        else if (!p)
                *ret_r = err_set(g->err, -ENOMEM, "no memory for the model");
        return p;
}

/* ---- single values ---- */

/* Borrowed where no escape is. */
static int read_text(const struct model_get *g, const struct model_at *at, struct json_value v,
                     struct span *ret)
{
        struct buf out = { 0 };
        int r;

        if (json_value_plain(v, ret))
                return 0;
        if (v.type != JSON_STRING)
                return model_fail(g, at, "no string");
        out.cap = out.max = v.raw.n; /* no escape is shorter than what it means */
        out.p = take(g, out.max, &r);
        if (r < 0)
                return r;
        r = json_value_text(v, &out) ? buf_status(&out) : -EINVAL;
        assert(r == 0);
        *ret = buf_span(&out);
        return 0;
}

static int get_text(const struct model_get *g, const struct model_at *at,
                    const struct model_field *f, struct json_value v, struct span *ret)
{
        struct span s;
        int r = read_text(g, at, v, &s);

        if (r < 0)
                return r;
        if (f->max && s.n > f->max)
                return model_fail(g, at, "longer than %llu bytes", (unsigned long long)f->max);
        if (f->text && !f->text->ok(s))
                return model_fail(g, at, "%s", f->text->wanted);
        *ret = s;
        return 0;
}

/* As json_put_u64() spells it. */
static bool value_u64(struct json_value v, uint64_t *ret)
{
        struct span s;
        int64_t number;

        if (json_value_int(v, &number)) {
                *ret = (uint64_t)number;
                return number >= 0;
        }
        return json_value_plain(v, &s) && text_to_u64(s, ret) == 0 && *ret > JSON_INT_MAX;
}

static int get_number(const struct model_get *g, const struct model_at *at,
                      const struct model_field *f, struct json_value v, void *ret)
{
        uint64_t number;

        if (!value_u64(v, &number))
                return model_fail(g, at, "no whole number from 0 on");
        if (number > f->max)
                return model_fail(g, at, "more than %llu", (unsigned long long)f->max);
        switch (f->size) {
        case 2:
                *(uint16_t *)ret = (uint16_t)number;
                break;
        case 4:
                *(uint32_t *)ret = (uint32_t)number;
                break;
        default:
                *(uint64_t *)ret = number;
                break;
        }
        return 0;
}

static bool name_to_number(const struct model_field *f, struct json_value v, unsigned *ret)
{
        struct span s;

        if (!json_value_plain(v, &s))
                return false;
        for (unsigned i = 0; f->name(i); i++)
                if (span_eq_str(s, f->name(i))) {
                        *ret = i;
                        return true;
                }
        return false;
}

static int get_flags(const struct model_get *g, const struct model_at *at,
                     const struct model_field *f, struct json_value v, uint32_t *ret)
{
        struct json_iter it;
        uint32_t flags = 0;
        unsigned bit;

        if (v.type != JSON_ARRAY)
                return model_fail(g, at, "no list");
        for (it = json_iter_of(v); json_next(&it, NULL, &v);) {
                if (!name_to_number(f, v, &bit))
                        return model_fail(g, at, "none of the names that may stand here");
                if (flags >> bit)
                        return model_fail(g, at, "not in order");
                flags |= 1u << bit;
        }
        *ret = flags;
        return 0;
}

static int get_place(const struct model_get *g, const struct model_at *at,
                     const struct model_field *f, struct json_value v, uint32_t *ret)
{
        int64_t place;

        if (!json_value_int(v, &place) || place < 0)
                return model_fail(g, at, "no place in a list");
        if (place >= g->n[f->place])
                return model_fail(g, at, "%lld, of %u there are", (long long)place, g->n[f->place]);
        *ret = (uint32_t)place;
        return 0;
}

/* JSON in a string, as tree_print() spells it. */
static int get_value(const struct model_get *g, const struct model_at *at, struct json_value v,
                     struct tree *ret)
{
        struct buf again;
        struct err err = { 0 };
        struct span s;
        bool same;
        int r = read_text(g, at, v, &s);

        if (r < 0)
                return r;
        r = tree_read_real(s, TREE_DEPTH_MAX, g->arena, ret, &err);
        if (r == -EINVAL)
                return model_fail(g, at, "%s", err.text);
        if (r < 0)
                return err_set(g->err, r, "no memory for the model");
        again = BUF_INIT(s.n + 1);
        tree_print(ret, &again);
        r = buf_status(&again);
        same = span_eq(s, buf_span(&again));
        buf_done(&again);
        if (r == -ENOMEM)
                return err_set(g->err, r, "no memory for the model");
        return same ? 0 : model_fail(g, at, "JSON that is not in its one spelling");
}

/* ---- records and lists ---- */

static int get_record(const struct model_get *g, const struct model_at *at,
                      const struct model_shape *s, struct json_value v, void *ret);

static int get_item(const struct model_get *g, const struct model_at *at,
                    const struct model_field *f, struct json_value v, void *ret)
{
        switch (f->kind) {
        case MODEL_LIST:
                return get_record(g, at, f->shape, v, ret);
        case MODEL_TEXTS: {
                struct model_field of = *f;

                of.max = 0; /* that of the list is of its items */
                return get_text(g, at, &of, v, ret);
        }
        case MODEL_PLACES:
                return get_place(g, at, f, v, ret);
        default:
                return get_value(g, at, v, ret);
        }
}

static size_t item_size(const struct model_field *f)
{
        switch (f->kind) {
        case MODEL_LIST:
                return f->shape->size;
        case MODEL_TEXTS:
                return sizeof(struct span);
        case MODEL_PLACES:
                return sizeof(uint32_t);
        default:
                return sizeof(struct tree);
        }
}

static int compare_texts(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static int compare_places(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

static int (*order_of(const struct model_field *f))(const void *, const void *)
{
        if (!f->ascending)
                return f->order;
        return f->kind == MODEL_TEXTS ? compare_texts : compare_places;
}

static uint64_t count(struct json_value list)
{
        struct json_iter it = json_iter_of(list);
        struct json_value v;
        uint64_t n = 0;

        while (json_next(&it, NULL, &v))
                n++;
        return n;
}

static int get_items(const struct model_get *g, const struct model_at *at,
                     const struct model_field *f, struct json_value v, uint8_t *items)
{
        int (*order)(const void *, const void *) = order_of(f);
        struct model_at item = { .up = at };
        struct json_iter it = json_iter_of(v);
        size_t size = item_size(f);
        int r = 0;

        for (; r == 0 && json_next(&it, NULL, &v); item.item++, items += size) {
                r = get_item(g, &item, f, v, items);
                if (r == 0 && order && item.item > 0 && order(items - size, items) >= 0)
                        r = model_fail(g, &item, "not in order, or twice");
        }
        return r;
}

static int get_list(const struct model_get *g, const struct model_at *at,
                    const struct model_field *f, struct json_value v, uint8_t *record)
{
        uint8_t *items;
        uint64_t n;
        int r;

        if (v.type != JSON_ARRAY)
                return model_fail(g, at, "no list");
        n = count(v);
        if (n > f->max)
                return model_fail(g, at, "more than %llu", (unsigned long long)f->max);
        if (n == 0 && !f->always)
                return model_fail(g, at, "empty lists are not written");
        items = take(g, (size_t)n * item_size(f), &r);
        if (r == 0)
                r = get_items(g, at, f, v, items);
        if (r < 0)
                return r;
        *(const void **)(record + f->at) = n ? items : NULL;
        *(uint32_t *)(record + f->count_at) = (uint32_t)n;
        return 0;
}

static int get_option(const struct model_get *g, const struct model_at *at,
                      const struct model_field *f, struct json_value v, const void **ret)
{
        int r;
        void *p = take(g, f->shape->size, &r);

        if (r == 0)
                r = get_record(g, at, f->shape, v, p);
        if (r == 0)
                *ret = p;
        return r;
}

static int get_enum(const struct model_get *g, const struct model_at *at,
                    const struct model_field *f, struct json_value v, uint32_t *ret)
{
        unsigned number;

        if (!name_to_number(f, v, &number))
                return model_fail(g, at, "none of the names that may stand here");
        *ret = number;
        return 0;
}

static int get_bool(const struct model_get *g, const struct model_at *at, struct json_value v,
                    bool *ret)
{
        if (v.type != JSON_TRUE && v.type != JSON_FALSE)
                return model_fail(g, at, "neither true nor false");
        *ret = v.type == JSON_TRUE;
        return 0;
}

static int get_member(const struct model_get *g, const struct model_at *at,
                      const struct model_field *f, struct json_value v, void *record)
{
        void *member = (uint8_t *)record + f->at;

        switch (f->kind) {
        case MODEL_TEXT:
                return get_text(g, at, f, v, member);
        case MODEL_BOOL:
                return get_bool(g, at, v, member);
        case MODEL_NUMBER:
                return get_number(g, at, f, v, member);
        case MODEL_ENUM:
                return get_enum(g, at, f, v, member);
        case MODEL_FLAGS:
                return get_flags(g, at, f, v, member);
        case MODEL_PLACE:
                return get_place(g, at, f, v, member);
        case MODEL_RECORD:
                return get_record(g, at, f->shape, v, member);
        case MODEL_OPTION:
                return get_option(g, at, f, v, member);
        default:
                return get_list(g, at, f, v, record);
        }
}

/* Members and fields both ascend. */
static int get_members(const struct model_get *g, const struct model_at *at,
                       const struct model_shape *s, struct json_value object, void *record)
{
        struct json_iter it = json_iter_of(object);
        struct json_value v;
        struct span key;
        bool more = json_next(&it, &key, &v);
        int r;

        for (size_t i = 0; i < s->n; i++) {
                const struct model_field *f = &s->fields[i];
                struct model_at member = { .up = at, .key = f->key };

                if (!more || !span_eq_str(key, f->key)) {
                        if (more && span_cmp(key, span_str(f->key)) < 0)
                                break;
                        if (f->always)
                                return model_fail(g, &member, "missing");
                        continue;
                }
                r = get_member(g, &member, f, v, record);
                if (r < 0)
                        return r;
                if (!f->always && model_is_default(f, record, s->defaults))
                        return model_fail(g, &member, "what it is without being said");
                more = json_next(&it, &key, &v);
        }
        if (more)
                return model_fail(g, at, "no member is called %.*s", (int)MIN_OF(key.n, 64u),
                                  (const char *)key.p);
        return 0;
}

static int get_record(const struct model_get *g, const struct model_at *at,
                      const struct model_shape *s, struct json_value v, void *ret)
{
        int r;

        if (v.type != JSON_OBJECT)
                return model_fail(g, at, "no object");
        memcpy(ret, s->defaults, s->size);
        r = get_members(g, at, s, v, ret);
        if (r == 0 && s->check)
                r = s->check(g, at, ret);
        return r;
}

/* ---- the whole ---- */

/* How long a list of the api's is, before it is read. */
static uint32_t length(struct json_value api, const char *key)
{
        struct json_value list;

        if (!json_get(api, key, &list) || list.type != JSON_ARRAY)
                return 0;
        return (uint32_t)MIN_OF(count(list), (uint64_t)UINT32_MAX);
}

static int get_both(struct model_get *g, struct json_value root, struct api *api,
                    struct config *config)
{
        static const char *const keys[] = { "api", "config" };
        struct json_value v[ARRAY_LEN(keys)], more;
        struct json_iter it = json_iter_of(root);
        struct span key;
        int r;

        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                if (!json_next(&it, &key, &v[i]) || !span_eq_str(key, keys[i]))
                        return model_fail(g, NULL, "its members are not api and config");
        if (json_next(&it, &key, &more))
                return model_fail(g, NULL, "its members are not api and config");
        g->n[MODEL_OF_SCHEMAS] = length(v[0], "schemas");
        g->n[MODEL_OF_IDENTITIES] = length(v[0], "identities");
        g->n[MODEL_OF_CLASSES] = length(v[0], "classes");
        g->n[MODEL_OF_PARAMETERS] = API_PARAMETERS_MAX;
        r = get_record(g, NULL, &model_api_shape, v[0], api);
        return r < 0 ? r
                     : get_record(g, &(struct model_at){ .key = "config" }, &model_config_shape,
                                  v[1], config);
}

int model_get(struct span text, struct api **ret_api, struct config *ret_config, struct err *err)
{
        CLEANUP(api_freep) struct api *api = calloc(1, sizeof *api);
        struct model_root root = { 0 };
        struct arena arena = ARENA_INIT(MODEL_MEMORY_MAX);
        struct model_get g = { .arena = &arena, .err = err, .api = &root.api };
        int r;

        if (!api)
                return err_set(err, -ENOMEM, "no memory for the model");
        r = json_check(text, err);
        if (r == 0)
                r = get_both(&g, json_value_of(text), &root.api, &root.config);
        *api = root.api;
        api->arena = arena;
        if (r < 0)
                return r;
        *ret_api = api;
        *ret_config = root.config;
        api = NULL;
        return 0;
}

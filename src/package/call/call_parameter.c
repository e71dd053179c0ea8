/* SPDX-License-Identifier: Apache-2.0 */
/* call_parameter.c - parameters of a request, from their text; see call.h.  Floor 2, pure.
 * SECURITY: reads hostile bytes. */
#include "base/text.h"
#include "package/call/call.h"
#include "package/call/call_value.h"

/* ---- which kinds a schema lets be ---- */

enum { STEPS_MAX = 1000 };

struct kinds {
        const struct api_schemas *schemas;
        uint32_t steps; /* places looked at; too many: any kind */
};

/* What is asked of a schema: kinds of its values, or of the items of its arrays. */
enum of { OF_VALUE, OF_ITEMS };

static uint32_t kinds_at(struct kinds *k, uint32_t place, enum of of);

static uint32_t kind_of(const struct tree *value)
{
        switch (value->kind) {
        case TREE_BOOL:
                return API_BOOL;
        case TREE_NUMBER:
                return API_INTEGER;
        case TREE_REAL:
                return API_INTEGER | API_NUMBER;
        case TREE_STRING:
                return API_STRING;
        case TREE_ARRAY:
                return API_ARRAY;
        default:
                return 0; /* no text is null or an object */
        }
}

static uint32_t own_kinds(const struct api_schema *s)
{
        uint32_t kinds = s->never ? 0 : s->types, values = 0;

        if (kinds & API_NUMBER)
                kinds |= API_INTEGER;
        for (uint32_t i = 0; i < s->n_values; i++)
                values |= kind_of(&s->values[i]);
        return s->values ? kinds & values : kinds;
}

static uint32_t item_kinds(struct kinds *k, const struct api_schema *s)
{
        uint32_t kinds = kinds_at(k, s->items, OF_VALUE);

        for (uint32_t i = 0; i < s->prefix_items.n; i++)
                kinds |= kinds_at(k, s->prefix_items.at[i], OF_VALUE);
        return kinds;
}

static uint32_t either(struct kinds *k, const struct api_places *list, enum of of)
{
        uint32_t kinds = list->n ? 0 : API_ANY;

        for (uint32_t i = 0; i < list->n; i++)
                kinds |= kinds_at(k, list->at[i], of);
        return kinds;
}

/* As derive_shape.c has it.  The steps bound the recursion. */
static uint32_t kinds_at(struct kinds *k, uint32_t place, enum of of)
{
        const struct api_schema *s;
        uint32_t kinds;

        if (place == API_NONE || ++k->steps > STEPS_MAX)
                return API_ANY;
        s = &k->schemas->at[place];
        kinds = of == OF_VALUE ? own_kinds(s) : item_kinds(k, s);
        if (s->ref != API_NONE)
                kinds &= kinds_at(k, s->ref, of);
        for (uint32_t i = 0; i < s->all_of.n; i++)
                kinds &= kinds_at(k, s->all_of.at[i], of);
        return kinds & either(k, &s->any_of, of) & either(k, &s->one_of, of);
}

static uint32_t kinds_of(const struct package *p, uint32_t place, enum of of)
{
        struct kinds k = { .schemas = &p->api->schemas };

        return kinds_at(&k, place, of) & ~(uint32_t)API_NULL;
}

/* ---- one text ---- */

struct parameter_reader {
        const struct api_parameter *parameter;
        struct arena *arena;
        struct err *err;
};

static int refuse(const struct parameter_reader *r, const char *text)
{
        struct call_path up = { .name = span_str(api_place_name(r->parameter->in)) };
        struct call_path path = { .up = &up, .name = r->parameter->name };

        return call_refuse(r->err, &path, text);
}

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

/* As JSON spells it, and no blanks: the reader of JSON would pass over those.  An integer has
 * digits only: who reads the digits of "1e3" and stops there reads 1. */
static int read_number(const struct parameter_reader *r, struct span text, uint32_t kinds,
                       struct tree *ret)
{
        struct tree t;
        int rc;

        if (text.n == 0 || !(is_digit(text.p[0]) || text.p[0] == '-') ||
            !is_digit(text.p[text.n - 1]))
                return -EINVAL;
        for (size_t i = 1; !(kinds & API_NUMBER) && i < text.n; i++)
                if (!is_digit(text.p[i]))
                        return -EINVAL;
        rc = tree_read_real(text, 1, r->arena, &t, NULL);
        if (rc == 0)
                *ret = t;
        return rc;
}

static bool read_bool(struct span text, struct tree *ret)
{
        bool yes = span_eq_str(text, "true");

        if (!yes && !span_eq_str(text, "false"))
                return false;
        *ret = (struct tree){ .kind = TREE_BOOL, .boolean = yes };
        return true;
}

/* Where it can be a number as well as a string, a text that is a number is one. */
static int read_scalar(const struct parameter_reader *r, struct span text, uint32_t kinds,
                       struct tree *ret)
{
        const uint32_t any = API_ANY & ~(uint32_t)API_NULL;
        bool plain = kinds == any;
        int rc;

        if (!plain && (kinds & API_INTEGER)) {
                rc = read_number(r, text, kinds, ret);
                if (rc != -EINVAL)
                        return rc < 0 ? err_set(r->err, rc, "no memory for a parameter") : 0;
        }
        if (!plain && (kinds & API_BOOL) && read_bool(text, ret))
                return 0;
        if (!(kinds & API_STRING))
                return refuse(r, kinds & API_NUMBER    ? "no number"
                                 : kinds & API_INTEGER ? "no integer"
                                 : kinds & API_BOOL    ? "neither true nor false"
                                                       : "no value fits");
        if (!text_is_utf8(text, NULL))
                return refuse(r, "no UTF-8");
        *ret = (struct tree){ .kind = TREE_STRING, .n = 0, .text = text };
        return 0;
}

/* ---- lists ---- */

/* Between the items of a header there may be blanks. */
static struct span trim(const struct parameter_reader *r, struct span s)
{
        if (r->parameter->in != API_IN_HEADER)
                return s;
        while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
                s = span_from(s, 1);
        while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
                s.n--;
        return s;
}

static uint32_t count_items(struct span text)
{
        uint32_t n = 1;

        for (size_t i = 0; i < text.n; i++)
                n += text.p[i] == ',';
        return n;
}

static struct span cut_item(struct span *rest)
{
        const uint8_t *comma = rest->n ? memchr(rest->p, ',', rest->n) : NULL;
        struct span item = span_of(rest->p, comma ? (size_t)(comma - rest->p) : rest->n);

        *rest = span_from(*rest, item.n + 1);
        return item;
}

/* Items that are parted by commas, or one in each text. */
static int read_list(const struct parameter_reader *r, const struct span *texts, uint32_t n,
                     uint32_t kinds, struct tree *ret)
{
        bool parted = r->parameter->in == API_IN_PATH || r->parameter->in == API_IN_HEADER ||
                      !r->parameter->explode;
        struct span rest = texts[0];
        struct tree *items;
        int rc = 0;

        if (parted && n > 1)
                return refuse(r, "given more than once");
        if (parted)
                n = count_items(rest);
        items = arena_alloc(r->arena, n * sizeof *items);
        if (!items)
                return err_set(r->err, -ENOMEM, "no memory for a parameter");
        for (uint32_t i = 0; i < n && rc == 0; i++)
                rc = read_scalar(r, parted ? trim(r, cut_item(&rest)) : texts[i], kinds, &items[i]);
        if (rc == 0)
                *ret = (struct tree){ .kind = TREE_ARRAY, .n = n, .items = items };
        return rc;
}

int call_parameter(const struct package *p, const struct api_parameter *parameter,
                   const struct span *texts, uint32_t n, struct arena *arena, struct tree *ret,
                   struct err *err)
{
        struct parameter_reader r = { parameter, arena, err };
        uint32_t kinds = kinds_of(p, parameter->schema, OF_VALUE);

        assert(n > 0);
        if (kinds == API_ARRAY)
                return read_list(&r, texts, n, kinds_of(p, parameter->schema, OF_ITEMS), ret);
        if (n > 1)
                return refuse(&r, "given more than once");
        return read_scalar(&r, texts[0], kinds, ret);
}

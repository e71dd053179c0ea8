/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/parameters.h"

#include "base/text.h"

struct reader {
        const struct package *package;
        const struct api_operation *operation;
        const struct route *route;
        const struct request *q;
        struct arena *arena;
        struct refusal *refusal;
        struct span *texts; /* room for TEXTS_MAX */
};

enum { TEXTS_MAX = TARGET_PAIRS_MAX, NAME_SHOWN = 64 };

/* "query.limit: given more than once" */
static int refuse_name(const struct reader *r, enum api_place in, struct span name,
                       const char *text)
{
        char shown[NAME_SHOWN];
        struct buf safe = BUF_OVER(shown, sizeof shown);

        text_put_safe(&safe, name);
        return refuse(r->refusal, REFUSED_PARAMETER, "%s.%.*s: %s", api_place_name(in), (int)safe.n,
                      shown, text);
}

/* ---- where the texts are ---- */

static uint32_t path_texts(const struct reader *r, struct span name)
{
        const struct api_operation *o = r->operation;
        uint32_t k = 0;

        for (uint32_t i = 0; i < o->n_segments; i++) {
                if (!o->segments[i].parameter)
                        continue;
                if (span_eq(o->segments[i].text, name)) {
                        assert(k < r->route->n_values);
                        r->texts[0] = r->route->values[k];
                        return 1;
                }
                k++;
        }
        return 0;
}

static uint32_t query_texts(const struct reader *r, struct span name)
{
        const struct target *t = &r->q->target;
        uint32_t n = 0;

        for (uint32_t i = 0; i < t->n_pairs; i++)
                if (span_eq(t->pairs[i].name, name))
                        r->texts[n++] = t->pairs[i].value;
        return n;
}

static uint32_t header_texts(const struct reader *r, struct span name)
{
        uint32_t n;
        const struct http_header *h = request_headers_of(r->q, name, &n);

        for (uint32_t i = 0; i < n; i++)
                r->texts[i] = h[i].value;
        return n;
}

/* ---- cookies ---- */

/* RFC 6265, 4.1.1: cookie-octet; a comma where a list is. */
static bool is_cookie_value(struct span s, bool list)
{
        for (size_t i = 0; i < s.n; i++) {
                uint8_t c = s.p[i];

                if (c <= ' ' || c >= 0x7f || memchr("\";\\", c, 3) || (c == ',' && !list))
                        return false;
        }
        return true;
}

static struct span cut_cookie(struct span *rest)
{
        const uint8_t *end = rest->n ? memchr(rest->p, ';', rest->n) : NULL;
        struct span one = span_of(rest->p, end ? (size_t)(end - rest->p) : rest->n);

        *rest = span_from(*rest, one.n + 1);
        if (one.n > 0 && one.p[0] == ' ')
                one = span_from(one, 1);
        return one;
}

/* Those of this name, two at most: more are refused as two are. */
static uint32_t cookie_texts(const struct reader *r, struct span name)
{
        uint32_t n, found = 0;
        const struct http_header *h = request_headers(r->q, "cookie", &n);
        struct span rest = n > 0 ? h->value : SPAN_NONE;

        while (rest.n > 0 && found < 2) {
                struct span one = cut_cookie(&rest);

                if (span_starts(one, name) && one.n > name.n && one.p[name.n] == '=')
                        r->texts[found++] = span_from(one, name.n + 1);
        }
        return found;
}

/* ---- one parameter ---- */

static int check_cookie(const struct reader *r, const struct api_parameter *p, uint32_t n,
                        const struct tree *value)
{
        for (uint32_t i = 0; i < n; i++)
                if (!is_cookie_value(r->texts[i], value->kind == TREE_ARRAY))
                        return refuse_name(r, p->in, p->name, "no value of a cookie");
        return 0;
}

/* `"a,b"` in a header is one item to servers that know quotes, two here. */
static int check_quotes(const struct reader *r, const struct api_parameter *p,
                        const struct tree *value)
{
        for (uint32_t i = 0; value->kind == TREE_ARRAY && i < value->n; i++) {
                const struct tree *item = &value->items[i];
                unsigned quotes = 0;

                for (size_t k = 0; item->kind == TREE_STRING && k < item->text.n; k++)
                        quotes += item->text.p[k] == '"';
                if (quotes % 2)
                        return refuse_name(r, p->in, p->name, "a comma within quotes");
        }
        return 0;
}

static int check_value(const struct reader *r, const struct api_parameter *p, uint32_t n,
                       const struct tree *value)
{
        switch (p->in) {
        case API_IN_HEADER:
                return check_quotes(r, p, value);
        case API_IN_COOKIE:
                return check_cookie(r, p, n, value);
        default:
                return 0;
        }
}

static int read_parameter(const struct reader *r, const struct api_parameter *p,
                          struct call_value *ret)
{
        static uint32_t (*const texts[])(const struct reader *, struct span) = {
                [API_IN_PATH] = path_texts,
                [API_IN_QUERY] = query_texts,
                [API_IN_HEADER] = header_texts,
                [API_IN_COOKIE] = cookie_texts,
        };
        uint32_t n = texts[p->in](r, p->name);
        struct err err = { 0 };
        int rc;

        if (n == 0)
                return 0;
        rc = call_parameter(r->package, p, r->texts, n, r->arena, &ret->value, &err);
        if (rc == -ENOMEM)
                return rc;
        if (rc < 0)
                return refuse(r->refusal, REFUSED_PARAMETER, "%s", err.text);
        ret->present = true;
        return check_value(r, p, n, &ret->value);
}

/* ---- all of them ---- */

/* Ascending by place, name. */
static bool has_query(const struct api_operation *o, struct span name)
{
        uint32_t low = 0, high = o->n_parameters;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                const struct api_parameter *p = &o->parameters[middle];
                int c = p->in == API_IN_QUERY ? span_cmp(name, p->name)
                                              : (p->in < API_IN_QUERY ? 1 : -1);

                if (c == 0)
                        return true;
                if (c < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return false;
}

/* A name that the operation does not have is the caller's own text ("?ada@mail.example"): it is not
 * told. */
static int check_names(const struct reader *r)
{
        const struct target *t = &r->q->target;

        for (uint32_t i = 0; i < t->n_pairs; i++)
                if (!has_query(r->operation, t->pairs[i].name))
                        return refuse(r->refusal, REFUSED_PARAMETER,
                                      "query.*: not a parameter of this operation");
        return 0;
}

int parameters_read(const struct package *p, const struct api_operation *operation,
                    const struct route *route, const struct request *q, struct arena *arena,
                    const struct call_value **ret, struct refusal *refusal)
{
        struct span texts[TEXTS_MAX];
        struct reader r = { p, operation, route, q, arena, refusal, texts };
        struct call_value *values = arena_alloc(arena, operation->n_parameters * sizeof *values);
        int rc = values ? check_names(&r) : -ENOMEM;

        for (uint32_t i = 0; rc == 0 && i < operation->n_parameters; i++)
                rc = read_parameter(&r, &operation->parameters[i], &values[i]);
        if (rc == 0)
                *ret = values;
        return rc;
}

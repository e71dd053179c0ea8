/* SPDX-License-Identifier: Apache-2.0 */
/* answer_header.c - headers of the document, checked, masked and passed on.  Floor 3.  SECURITY:
 * hostile bytes. */
#include "gateway/answer/answer_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "gateway/request/request_priv.h"

enum { NUMBER_TEXT = 21, JOINED_MAX = ANSWER_HEADERS_BYTES_MAX };

/* Of the connection and of the body's form: ours to say, whatever a document has. */
static bool is_ours(struct span name)
{
        static const char *const ours[] = {
                "connection",   "content-encoding", "content-length",     "content-range",
                "content-type", "keep-alive",       "proxy-authenticate", "proxy-connection",
                "te",           "trailer",          "transfer-encoding",  "upgrade",
        };

        for (size_t i = 0; i < ARRAY_LEN(ours); i++)
                if (span_eq_str(name, ours[i]))
                        return true;
        return false;
}

/* name: in lower case. */
static bool same_name(struct span any_case, struct span name)
{
        bool same = any_case.n == name.n;

        for (size_t i = 0; same && i < name.n; i++)
                same = request_token[any_case.p[i]] == name.p[i];
        return same;
}

/* Its first value; how many there are. */
static uint32_t find(const struct answer_raw *raw, struct span name, struct span *ret)
{
        uint32_t n = 0;

        for (uint32_t i = raw->n_headers; i-- > 0;) {
                if (!same_name(raw->headers[i].name, name))
                        continue;
                *ret = raw->headers[i].value.p ? raw->headers[i].value : SPAN("");
                n++;
        }
        return n;
}

/* ---- masks ---- */

static void put_scalar(struct buf *out, const struct tree *t)
{
        if (t->kind == TREE_NUMBER)
                buf_printf(out, "%" PRId64, t->number);
        else if (t->kind == TREE_BOOL)
                buf_put_str(out, t->boolean ? "true" : "false");
        else
                buf_put(out, t->text);
}

/* Of a list that has changed; items that are gone are left out. */
static int join(struct answering *a, const struct tree *t, struct span *ret)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(JOINED_MAX);
        const char *copy;

        for (uint32_t i = 0; i < t->n; i++) {
                if (t->items[i].kind == TREE_NULL)
                        continue;
                buf_put_str(&out, out.n > 0 ? ", " : "");
                put_scalar(&out, &t->items[i]);
        }
        if (buf_status(&out) == -E2BIG)
                return refuse(a->refusal, REFUSED_RESPONSE_HEADER, "a list that is too long");
        copy = buf_status(&out) == 0 ? arena_copy(a->arena, buf_span(&out)) : NULL;
        if (!copy)
                return answer_no_memory(a);
        *ret = span_of(copy, out.n);
        return 0;
}

/* value: what is to be passed on; p NULL: nothing. */
static int mask_value(struct answering *a, const struct api_parameter *p, const struct tree *t,
                      struct span *value)
{
        struct tree masked;
        uint32_t n = 0;
        int rc = answer_mask(a, p->schema, t, &masked, &n);

        if (rc < 0 || n == 0)
                return rc;
        if (masked.kind == TREE_ARRAY)
                return join(a, &masked, value);
        *value = masked.kind == TREE_STRING ? masked.text : SPAN_NONE;
        return 0;
}

/* ---- one header ---- */

static int name_place(struct answering *a, struct span name)
{
        size_t n = sizeof "header " - 1 + name.n;
        char *text = arena_alloc(a->arena, n + 1);

        if (!text)
                return answer_no_memory(a);
        (void)snprintf(text, n + 1, "header %.*s", (int)name.n, (const char *)name.p);
        a->findings.where = span_of(text, n);
        return 0;
}

static int check_header(struct answering *a, const struct api_parameter *p, struct span *value)
{
        struct err err = { 0 };
        struct tree t;
        int rc = call_parameter(a->package, p, value, 1, a->arena, &t, &err);

        if (rc == 0 && p->schema != API_NONE)
                rc = api_schema_check(a->package->checker, p->schema, &t, "header", &err);
        if (rc == -ENOMEM)
                return answer_no_memory(a);
        if (rc < 0)
                return refuse(a->refusal, REFUSED_RESPONSE_HEADER, "%.*s: %s", (int)p->name.n,
                              (const char *)p->name.p, err_text(&err));
        rc = name_place(a, p->name);
        return rc < 0 ? rc : mask_value(a, p, &t, value);
}

static int put_header(struct answering *a, const struct api_parameter *p, struct http_header *to,
                      uint32_t *n)
{
        struct span value = SPAN_NONE;
        uint32_t there = is_ours(p->name) ? 0 : find(a->raw, p->name, &value);
        int rc;

        if (there > 1)
                return refuse(a->refusal, REFUSED_RESPONSE_HEADER, "%.*s twice", (int)p->name.n,
                              (const char *)p->name.p);
        if (there == 0 && p->required && !is_ours(p->name))
                return refuse(a->refusal, REFUSED_RESPONSE_HEADER, "%.*s is missing",
                              (int)p->name.n, (const char *)p->name.p);
        if (there == 0)
                return 0;
        rc = check_header(a, p, &value);
        if (rc == 0 && value.p)
                to[(*n)++] = (struct http_header){ p->name, value };
        return rc;
}

int answer_put_headers(struct answering *a, struct span content_type)
{
        const struct api_response *r = a->response;
        struct http_header *to = arena_alloc(a->arena, (r->n_headers + 1) * sizeof *to);
        uint32_t n = 0;
        int rc = 0;

        if (!to)
                return answer_no_memory(a);
        if (content_type.n > 0)
                to[n++] = (struct http_header){ SPAN("content-type"), content_type };
        for (uint32_t i = 0; rc == 0 && i < r->n_headers; i++)
                rc = put_header(a, &r->headers[i], to, &n);
        a->ret->headers = to;
        a->ret->n_headers = n;
        return rc;
}

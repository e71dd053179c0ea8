/* SPDX-License-Identifier: Apache-2.0 */
/* answer_body.c - JSON of an answer: read, checked, masked, printed.  Floor 3.  SECURITY: hostile
 * bytes.
 *
 * Recursion is bounded by the depth of a tree. */
#include "gateway/answer/answer_priv.h"

/* ---- is it printed already? ---- */

/* Strings of a tree lie in its text where they have no escape, and those are printed as they lie
 * there: places are compared, no bytes.  What stands there in another way - blanks, another order,
 * an escape - is not where it is looked for. */
struct reading {
        const uint8_t *p, *end;
};

static bool takes_byte(struct reading *r, uint8_t c)
{
        if (r->p == r->end || *r->p != c)
                return false;
        r->p++;
        return true;
}

static bool takes_span(struct reading *r, struct span s)
{
        if (s.p != r->p)
                return false;
        r->p += s.n;
        return true;
}

static bool takes_word(struct reading *r, struct span word)
{
        if ((size_t)(r->end - r->p) < word.n || memcmp(r->p, word.p, word.n) != 0)
                return false;
        r->p += word.n;
        return true;
}

static bool takes_string(struct reading *r, struct span s)
{
        return takes_byte(r, '"') && takes_span(r, s) && takes_byte(r, '"');
}

/* -0 is printed as 0; there is no other number of 64 bits with two spellings. */
static bool takes_number(struct reading *r, int64_t number)
{
        const uint8_t *start = r->p;

        if (takes_byte(r, '-') && number == 0)
                return false;
        while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
                r->p++;
        return r->p > start;
}

static bool takes(struct reading *r, const struct tree *t);

static bool takes_parts(struct reading *r, const struct tree *t)
{
        bool object = t->kind == TREE_OBJECT, good = takes_byte(r, object ? '{' : '[');

        for (uint32_t i = 0; good && i < t->n; i++) {
                good = i == 0 || takes_byte(r, ',');
                if (good && object)
                        good = takes_string(r, t->members[i].key) && takes_byte(r, ':');
                good = good && takes(r, object ? &t->members[i].value : &t->items[i]);
        }
        return good && takes_byte(r, object ? '}' : ']');
}

static bool takes(struct reading *r, const struct tree *t)
{
        switch (t->kind) {
        case TREE_NULL:
                return takes_word(r, SPAN("null"));
        case TREE_BOOL:
                return takes_word(r, t->boolean ? SPAN("true") : SPAN("false"));
        case TREE_NUMBER:
                return takes_number(r, t->number);
        case TREE_REAL:
                return takes_span(r, t->text);
        case TREE_STRING:
                return takes_string(r, t->text);
        default:
                return takes_parts(r, t);
        }
}

static bool is_printed(struct span text, const struct tree *t)
{
        struct reading r = { text.p, text.p + text.n };

        return takes(&r, t) && r.p == r.end;
}

/* ---- print ---- */

/* What a mask may add to what it replaces: a hash in place of a digit. */
enum { MASK_ADDS = 17 };

/* No value is printed longer than it was spelled. */
static int print(struct answering *a, const struct tree *t, uint32_t masked)
{
        size_t max = a->raw->body.n + (size_t)masked * MASK_ADDS + sizeof "null";
        uint8_t *room = arena_alloc(a->arena, max);
        struct buf out = BUF_OVER(room, max);

        if (!room)
                return answer_no_memory(a);
        tree_print(t, &out);
        assert(buf_status(&out) == 0);
        a->ret->body = buf_span(&out);
        return 0;
}

static int read_json(struct answering *a, uint32_t schema, struct tree *ret)
{
        const struct package *p = a->package;
        struct err err = { 0 };
        int rc = tree_read_real(a->raw->body, p->config.depth_max, a->arena, ret, &err);

        if (rc == -ENOMEM)
                return answer_no_memory(a);
        if (rc < 0)
                return refuse(a->refusal, REFUSED_RESPONSE_JSON, "%s", err_text(&err));
        if (schema == API_NONE)
                return 0;
        rc = api_schema_check(p->checker, schema, ret, "body", &err);
        if (rc == -ENOMEM)
                return rc;
        return rc < 0 ? refuse(a->refusal, REFUSED_RESPONSE_SCHEMA, "%s", err_text(&err)) : 0;
}

int answer_put_json(struct answering *a, uint32_t schema)
{
        struct tree *whole = arena_alloc(a->arena, sizeof *whole); /* what was found points at it */
        struct tree masked;
        uint32_t n = 0;
        int rc;

        if (!whole)
                return answer_no_memory(a);
        rc = read_json(a, schema, whole);
        if (rc == 0)
                rc = answer_mask(a, schema, whole, &masked, &n);
        if (rc < 0)
                return rc;
        if (n > 0 || !is_printed(a->raw->body, whole))
                return print(a, &masked, n);
        a->ret->body = a->raw->body;
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* findings.c - places of an answer whose values look personal.  Floor 3, pure.  SECURITY: hostile
 * values; none of them, and no name that could be one, is in a place. */
#include "gateway/answer/findings.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

enum { NUMBER_TEXT = 21 };
#define CARD_LEAST 1000000000000 /* 13 digits */

/* ---- places ---- */

/* RFC 6901: "~" and "/" in names are escaped. */
static void put_name(struct buf *out, struct span name)
{
        while (name.n > 0) {
                size_t n = 0;

                while (n < name.n && name.p[n] != '~' && name.p[n] != '/')
                        n++;
                text_put_safe(out, span_of(name.p, n));
                if (n < name.n)
                        buf_put_str(out, name.p[n] == '~' ? "~0" : "~1");
                name = span_from(name, n + 1);
        }
}

/* The place, or in it the name of a member that may be a value. */
static void put_place(const struct findings *f, const struct mask_place *at, bool name,
                      struct buf *out)
{
        const struct mask_place *way[TREE_DEPTH_MAX + 1];
        size_t n = 0;

        for (; at->above && n < ARRAY_LEN(way); at = at->above)
                way[n++] = at;
        buf_put(out, f->where);
        if (n == 0 && !name)
                buf_put_str(out, f->where.n ? "" : "/");
        while (n-- > 0) {
                const struct mask_place *one = way[n];

                buf_put_byte(out, '/');
                if (one->name.p && api_classes_named(f->package->classes, one->name))
                        put_name(out, one->name);
                else
                        buf_put_byte(out, '*');
        }
        buf_put_str(out, name ? "/*" : "");
}

/* In room of ANSWER_PLACE_MAX bytes.  What does not fit is cut off; names go in piece by piece, so
 * that is no half character. */
static struct span place_of(const struct findings *f, const struct mask_place *at, bool name,
                            uint8_t *room)
{
        struct buf out = BUF_OVER(room, ANSWER_PLACE_MAX);

        put_place(f, at, name, &out);
        return buf_span(&out);
}

/* ---- what was found ---- */

static void count(struct answer_finding *a)
{
        a->n += a->n < UINT32_MAX;
}

static int make(struct findings *f, struct answer_finding *to, enum find_kind kind,
                struct span place)
{
        const char *copy = arena_copy(f->arena, place);

        if (!copy)
                return -ENOMEM;
        *to = (struct answer_finding){ .kind = kind, .place = span_of(copy, place.n), .n = 1 };
        return 0;
}

static int add(struct findings *f, enum find_kind kind, struct span place)
{
        for (uint32_t i = 0; i < f->n; i++) {
                if (f->list[i].kind != kind || !span_eq(f->list[i].place, place))
                        continue;
                count(&f->list[i]);
                return 0;
        }
        if (f->n == ANSWER_FINDINGS_MAX) {
                f->lost = true;
                return 0;
        }
        return make(f, &f->list[f->n++], kind, place);
}

/* kind: FIND_NONE: a text of a place where there may be weak ones. */
static int add_weak(struct findings *f, enum find_kind kind, struct span place)
{
        for (uint32_t i = 0; i < f->n_weak; i++) {
                struct findings_weak *w = &f->weak[i];

                if (!span_eq(w->f.place, place))
                        continue;
                if (w->f.kind == kind)
                        count(&w->f);
                else
                        w->other = true;
                return 0;
        }
        if (kind == FIND_NONE)
                return 0;
        if (f->n_weak == FINDINGS_WEAK_MAX) {
                f->lost = true;
                return 0;
        }
        return make(f, &f->weak[f->n_weak++].f, kind, place);
}

static int look_at_text(struct findings *f, const struct mask_place *at, struct span text,
                        bool name)
{
        uint8_t room[ANSWER_PLACE_MAX];
        bool weak;
        enum find_kind kind = find_personal(text, &weak);

        if (kind != FIND_NONE && !weak)
                return add(f, kind, place_of(f, at, name, room));
        if (kind == FIND_NONE && f->n_weak == 0)
                return 0;
        return add_weak(f, kind, place_of(f, at, name, room));
}

/* A whole number; one of 64 bits, or as it is spelled. */
static int look_at_number(struct findings *f, const struct mask_place *at, struct span digits)
{
        uint8_t room[ANSWER_PLACE_MAX];
        bool weak;

        if (find_personal(digits, &weak) != FIND_CARD)
                return 0;
        return add(f, FIND_CARD, place_of(f, at, false, room));
}

/* Names that the document has are no values. */
static int look_at_names(struct findings *f, const struct mask_place *at, const struct tree *v)
{
        int rc = 0;

        for (uint32_t i = 0; rc == 0 && i < v->n; i++) {
                struct span name = v->members[i].key;
                bool weak;

                if (find_personal(name, &weak) != FIND_NONE &&
                    !api_classes_named(f->package->classes, name))
                        rc = look_at_text(f, at, name, true);
        }
        return rc;
}

int findings_look(struct findings *f, const struct mask_place *at, const struct tree *v)
{
        char digits[NUMBER_TEXT];

        switch (v->kind) {
        case TREE_STRING:
                return look_at_text(f, at, v->text, false);
        case TREE_REAL:
                return look_at_number(f, at, v->text);
        case TREE_NUMBER:
                if (v->number < CARD_LEAST)
                        return 0;
                (void)snprintf(digits, sizeof digits, "%" PRId64, v->number);
                return look_at_number(f, at, span_str(digits));
        case TREE_OBJECT:
                return look_at_names(f, at, v);
        default:
                return 0;
        }
}

int findings_end(struct findings *f, struct answer *ret)
{
        for (uint32_t i = 0; i < f->n_weak; i++) {
                const struct findings_weak *w = &f->weak[i];

                if (w->other || w->f.n < FINDINGS_WEAK_ENOUGH)
                        continue;
                if (f->n < ANSWER_FINDINGS_MAX)
                        f->list[f->n++] = w->f;
                else
                        f->lost = true;
        }
        ret->findings_lost = f->lost;
        ret->n_findings = f->n;
        if (f->n == 0)
                return 0;
        ret->findings = arena_alloc(f->arena, f->n * sizeof *ret->findings);
        if (!ret->findings)
                return -ENOMEM;
        memcpy(ret->findings, f->list, f->n * sizeof *ret->findings);
        return 0;
}

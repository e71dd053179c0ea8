/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/attempt.h"
#include "sys/attempt_calls.h"
#include "sys/audit.h"

#include <linux/types.h>

#include "bpf/attempt.h"

/* A call at a refused path:
 *
 *   0  EPERM: what a flag refuses; all calls (who opens to read is seldom told so)
 *   1  EACCES of calls that only change
 *   2  EACCES of open(2) to write */
enum { PERMITTED, CHANGES, OPENS };

struct put {
        struct span text[2]; /* of fields that have some, in their order */
        size_t n_text;
        struct audit_rule_data r;
};

static void put_field(struct put *p, uint32_t what, uint32_t op, uint32_t value)
{
        const uint32_t i = p->r.field_count++;

        assert(i < AUDIT_MAX_FIELDS);
        p->r.fields[i] = what;
        p->r.fieldflags[i] = op;
        p->r.values[i] = value;
}

static void put_text(struct put *p, uint32_t what, struct span text)
{
        put_field(p, what, AUDIT_EQUAL, (uint32_t)text.n);
        p->r.buflen += (uint32_t)text.n;
        p->text[p->n_text++] = text;
}

/* Calls of open files alone come without the file, so no rule of a place ever fits them. */
static bool wanted(const struct attempt_call *c, unsigned which)
{
        const bool opens = c->op == ATTEMPT_OPEN && c->mask_arg != ATTEMPT_NO_ARG;

        if (c->op == ATTEMPT_WRITE || (c->op == ATTEMPT_FLAGS && c->path == ATTEMPT_NO_ARG))
                return false;
        return which == PERMITTED || opens == (which == OPENS);
}

void audit_put_rule(struct buf *b, unsigned which, struct span place, bool is_dir, uint32_t without)
{
        struct put p = { .r = { .flags = AUDIT_FILTER_EXIT, .action = AUDIT_ALWAYS } };
        const struct attempt_call *c;
        uint32_t nr;

        assert(which < AUDIT_RULES_A_PLACE);
        for (size_t i = 0; (c = attempt_call_at(i, &nr)); i++) {
                assert(AUDIT_WORD(nr) < AUDIT_BITMASK_SIZE);
                if (wanted(c, which))
                        p.r.mask[AUDIT_WORD(nr)] |= AUDIT_BIT(nr);
        }
        put_field(&p, AUDIT_ARCH, AUDIT_EQUAL, AUDIT_NATIVE_ARCH);
        put_field(&p, AUDIT_EXIT, AUDIT_EQUAL, (uint32_t)(which == PERMITTED ? -EPERM : -EACCES));
        put_field(&p, AUDIT_PID, AUDIT_NOT_EQUAL, without);
        if (which == OPENS)
                put_field(&p, AUDIT_PERM, AUDIT_EQUAL, AUDIT_PERM_WRITE);
        if (place.n)
                put_text(&p, is_dir ? AUDIT_DIR : AUDIT_WATCH, place);
        put_text(&p, AUDIT_FILTERKEY, SPAN(AUDIT_OUR_KEY));
        buf_put(b, span_of(&p.r, sizeof p.r));
        for (size_t i = 0; i < p.n_text; i++)
                buf_put(b, p.text[i]);
}

bool audit_is_ours(struct span rule)
{
        struct audit_rule_data r;
        size_t at = sizeof r;

        if (rule.n < sizeof r)
                return false;
        memcpy(&r, rule.p, sizeof r);
        for (uint32_t i = 0; i < r.field_count && i < AUDIT_MAX_FIELDS; i++) {
                const uint32_t f = r.fields[i];

                if (f == AUDIT_FILTERKEY)
                        return span_eq_str(
                                span_of(rule.p + at, MIN_OF((size_t)r.values[i], rule.n - at)),
                                AUDIT_OUR_KEY);
                if (f == AUDIT_WATCH || f == AUDIT_DIR || f == AUDIT_EXE ||
                    (f >= AUDIT_SUBJ_USER && f <= AUDIT_SUBJ_CLR) ||
                    (f >= AUDIT_OBJ_USER && f <= AUDIT_OBJ_LEV_HIGH)) {
                        if (r.values[i] > rule.n - at)
                                return false;
                        at += r.values[i];
                }
        }
        return false;
}

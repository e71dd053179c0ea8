/* SPDX-License-Identifier: Apache-2.0 */
/* record_values.c - api.values: what a call writes or reads, by class, over as many entries as it
 * takes.
 *
 * Each sensitive field is a list of values of one class (and one answer, of a response), so a class
 * can be disclosed without the others; an entry has RECORD_FIELDS_MAX of them and RECORD_VALUES_MAX
 * bytes at most.  Values of one class keep the order in which they were met. */
#include "gateway/record/record_priv.h"

#include "wire/json.h"
#include "wire/msg.h"

static const struct span field_names[RECORD_FIELDS_MAX] = {
        SPAN_INIT("what.values_1"), SPAN_INIT("what.values_2"), SPAN_INIT("what.values_3"),
        SPAN_INIT("what.values_4"), SPAN_INIT("what.values_5"), SPAN_INIT("what.values_6"),
        SPAN_INIT("what.values_7"), SPAN_INIT("what.values_8"),
};

/* One api.values: values from..to in the order, each field up to its end. */
struct part {
        uint32_t from, to;
        uint32_t end[RECORD_FIELDS_MAX];
        uint32_t n;
        uint64_t number; /* from 1 */
        const struct record_parts *of;
};

static const struct mask_value *value_at(const struct record_parts *p, uint32_t i)
{
        return &p->found->values[p->order[i]];
}

static bool is_same(const struct record_parts *p, uint32_t i, uint32_t k)
{
        const struct mask_value *a = value_at(p, i), *b = value_at(p, k);

        return a->class == b->class && (!p->response || a->answer == b->answer);
}

/* What fits behind `from`: every value is far below the ceiling, so it is one at least. */
static struct part part_from(const struct record_parts *p, uint32_t from)
{
        struct part part = { .from = from, .to = from, .of = p };
        size_t bytes = 0;

        for (; part.to < p->found->n_values; part.to++) {
                size_t more = p->values[part.to].n + 1; /* its comma or bracket */

                if (part.to == from || !is_same(p, part.to - 1, part.to)) {
                        if (part.n == RECORD_FIELDS_MAX)
                                break;
                        more++; /* the other bracket */
                        if (bytes + more > RECORD_VALUES_MAX)
                                break;
                        part.n++;
                } else if (bytes + more > RECORD_VALUES_MAX) {
                        break;
                }
                bytes += more;
                part.end[part.n - 1] = part.to + 1;
        }
        assert(part.to > from);
        return part;
}

/* ---- the order ---- */

static uint32_t key_of(const struct mask_value *v)
{
        return v->class * 3 + (uint32_t)v->answer;
}
STATIC_ASSERT(MASK_CLEAR == 0 && MASK_WITHHELD == 2, "three answers");

/* By class and answer, as they came within one: counted, then placed. */
static int sort_values(const struct record_parts *p, uint32_t n_classes, struct arena *arena)
{
        uint32_t *at = arena_alloc(arena, (3 * (size_t)n_classes + 1) * sizeof *at);
        const struct mask_found *found = p->found;

        if (!at)
                return -ENOMEM;
        for (uint32_t i = 0; i < found->n_values; i++) {
                assert(found->values[i].class < n_classes);
                at[key_of(&found->values[i]) + 1]++;
        }
        for (uint32_t i = 1; i <= 3 * n_classes; i++)
                at[i] += at[i - 1];
        for (uint32_t i = 0; i < found->n_values; i++)
                p->order[at[key_of(&found->values[i])]++] = i;
        return 0;
}

int record_parts(const struct record_call *c, const struct mask_found *found, bool response,
                 struct arena *arena, struct record_parts *ret)
{
        struct record_parts p = { .c = c, .found = found, .response = response };

        p.order = arena_alloc(arena, found->n_values * sizeof *p.order);
        p.values = arena_alloc(arena, found->n_values * sizeof *p.values);
        if (!p.order || !p.values || sort_values(&p, c->package->api->n_classes, arena) < 0)
                return -ENOMEM;
        for (uint32_t i = 0; i < found->n_values; i++) {
                p.values[i] = record_value(value_at(&p, i)->value, arena);
                if (!p.values[i].p)
                        return -ENOMEM;
        }
        for (uint32_t at = 0; at < found->n_values; p.n++)
                at = part_from(&p, at).to;
        *ret = p;
        return 0;
}

/* ---- entries ---- */

static void put_values(struct json_writer *w, const void *ctx)
{
        const struct part *part = ctx;
        const struct record_parts *p = part->of;
        uint32_t from = part->from;

        record_member_name(w, "api", p->c->package->config.name);
        json_member_text(w, "call", p->c->id);
        json_put_key(w, "classes");
        json_begin_array(w);
        for (uint32_t i = 0; i < part->n; from = part->end[i++]) {
                const struct mask_value *v = value_at(p, from);

                json_begin_array(w);
                record_put_name(w, p->c->package->api->classes[v->class]);
                json_put_u64(w, part->end[i] - from);
                if (p->response)
                        json_put_string(w, span_str(record_answer_name(v->answer)));
                json_end_array(w);
        }
        json_end_array(w);
        json_member_text(w, "direction", p->response ? "response" : "request");
        record_member_name(w, "operation", p->c->operation->id);
        json_member_u64(w, "part", part->number);
}

/* [value,...] of values from..to. */
static struct span join(const struct record_parts *p, uint32_t from, uint32_t to,
                        struct arena *arena)
{
        size_t n = 1;
        uint8_t *list, *at;

        for (uint32_t i = from; i < to; i++)
                n += p->values[i].n + 1;
        list = at = arena_alloc(arena, n);
        if (!list)
                return SPAN_NONE;
        for (uint32_t i = from; i < to; i++) {
                *at++ = i == from ? '[' : ',';
                memcpy(at, p->values[i].p, p->values[i].n);
                at += p->values[i].n;
        }
        *at = ']';
        return span_of(list, n);
}

static int add_values(const struct part *part, struct span subject, struct arena *arena,
                      struct record *r)
{
        uint32_t from = part->from;
        int rc = 0;

        for (uint32_t i = 0; i < part->n && rc == 0; from = part->end[i++])
                rc = record_field(r, field_names[i], subject,
                                  join(part->of, from, part->end[i], arena));
        return rc;
}

/* As the intent will say: who is named there is named here. */
static int add_for_whom(const struct record_call *c, struct arena *arena, struct record *r)
{
        if (!c->credential || !c->credential->proof.id.n)
                return 0;
        return record_field(r, SPAN(MSG_FOR_WHOM), record_subject_of_caller(c, arena), SPAN(""));
}

int record_parts_make(const struct record_parts *p, struct arena *arena, struct record *r,
                      struct err *err)
{
        struct span subject = record_subject_of(p->c, arena);
        struct part part = { 0 };
        int rc = 0;

        for (uint32_t i = 0; i < p->n && rc == 0; i++) {
                part = part_from(p, part.to);
                part.number = i + 1;
                rc = add_values(&part, subject, arena, &r[i]);
                if (rc == 0 && !p->response)
                        rc = add_for_whom(p->c, arena, &r[i]);
                if (rc < 0)
                        return err_sys(err, rc, "api.values");
                rc = record_make("api.values", p->c->now_ns, put_values, &part, arena, &r[i], err);
        }
        return rc;
}

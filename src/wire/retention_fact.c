/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/retention_fact.h"

#include "wire/fact.h"

enum { TIME_MAX_S = INT32_MAX * 4LL, CLASS_MAX = 1000000 };

static const char *const kinds[] = {
        [RETENTION_POLICY] = "policy",
        [RETENTION_KIND] = "kind",
        [RETENTION_CLASS] = "class",
        [RETENTION_HOLD] = "hold",
};

/* ---- names ---- */

static bool is_letter(uint8_t c)
{
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool retention_name_ok(struct span name)
{
        size_t part = 0, dots = 0;

        if (name.n > RETENTION_NAME_MAX)
                return false;
        for (size_t i = 0; i < name.n; i++) {
                if (name.p[i] == '*')
                        return i + 1 == name.n && part == 0 && dots > 0;
                if (name.p[i] != '.' && !is_letter(name.p[i]))
                        return false;
                if (name.p[i] == '.' && part == 0)
                        return false;
                dots += name.p[i] == '.';
                part = name.p[i] == '.' ? 0 : part + 1;
        }
        return part > 0 && dots > 0;
}

size_t retention_name_fits(const char *name, struct span kind)
{
        size_t n = strlen(name);

        if (n && name[n - 1] == '*')
                return span_starts(kind, span_of(name, n - 1)) ? n : 0;
        return span_eq_str(kind, name) ? SIZE_MAX : 0;
}

/* ---- writing ---- */

static void put_time(struct json_writer *w, const char *key, int64_t s)
{
        if (s != RETENTION_OPEN)
                json_member_int(w, key, s);
}

static void put_hold(struct json_writer *w, const struct retention_fact *f)
{
        json_member_text(w, "fact", kinds[f->kind]);
        put_time(w, "from", f->from_s);
        if (f->n_kinds) {
                json_put_key(w, "kinds");
                json_begin_array(w);
                for (size_t i = 0; i < f->n_kinds; i++)
                        json_put_string(w, span_str(f->kinds[i]));
                json_end_array(w);
        }
        json_member_u64(w, "line", f->line);
        json_member_text(w, "reason", f->reason);
        put_time(w, "to", f->to_s);
        put_time(w, "until", f->until_s);
}

void retention_fact_put(struct json_writer *w, const struct retention_fact *f)
{
        if (f->kind == RETENTION_HOLD) {
                put_hold(w, f);
                return;
        }
        if (f->kind == RETENTION_POLICY)
                json_member_u64(w, "audit_period", f->audit_period_s);
        if (f->kind == RETENTION_CLASS)
                json_member_u64(w, "class", f->class_uid);
        json_member_text(w, "fact", kinds[f->kind]);
        json_member_u64(w, "keep", f->keep_s);
        if (f->kind != RETENTION_POLICY)
                json_member_u64(w, "line", f->line);
        if (f->kind == RETENTION_KIND)
                json_member_text(w, "name", f->name);
}

/* ---- reading ---- */

static uint64_t get_keep(struct fact *f, const char *key)
{
        uint64_t keep = fact_number(f, key, RETENTION_KEEP_MAX_S);

        if (keep == 0)
                fact_miss(f, key);
        return keep;
}

static int64_t get_time(struct fact *f, const char *key)
{
        return fact_has(f, key) ? (int64_t)fact_number(f, key, TIME_MAX_S) : RETENTION_OPEN;
}

static void check_name(struct fact *f, const char *key, const char *name)
{
        if (!f->missing && !retention_name_ok(span_str(name)))
                fact_miss(f, key);
}

static void get_kinds(struct fact *f, struct retention_fact *r)
{
        struct json_value list, item;
        struct json_iter it;

        if (!json_get(f->object, "kinds", &list))
                return;
        if (list.type != JSON_ARRAY) {
                fact_miss(f, "kinds");
                return;
        }
        for (it = json_iter_of(list); json_next(&it, NULL, &item) && !f->missing;) {
                if (r->n_kinds == RETENTION_KINDS_MAX ||
                    !fact_copy(item, r->kinds[r->n_kinds], RETENTION_NAME_MAX)) {
                        fact_miss(f, "kinds");
                        return;
                }
                check_name(f, "kinds", r->kinds[r->n_kinds++]);
        }
        if (r->n_kinds == 0)
                fact_miss(f, "kinds");
}

static void get(struct fact *f, struct retention_fact *r)
{
        if (r->kind == RETENTION_POLICY)
                r->audit_period_s = get_keep(f, "audit_period");
        else
                r->line = (uint32_t)fact_number(f, "line", UINT32_MAX);
        if (r->kind != RETENTION_HOLD)
                r->keep_s = get_keep(f, "keep");
        if (r->kind == RETENTION_CLASS)
                r->class_uid = (uint32_t)fact_number(f, "class", CLASS_MAX);
        if (r->kind == RETENTION_KIND) {
                fact_text(f, "name", r->name, RETENTION_NAME_MAX);
                check_name(f, "name", r->name);
        }
        if (r->kind == RETENTION_HOLD) {
                fact_text(f, "reason", r->reason, RETENTION_REASON_MAX);
                get_kinds(f, r);
                r->from_s = get_time(f, "from");
                r->to_s = get_time(f, "to");
                r->until_s = get_time(f, "until");
        }
}

int retention_fact_parse(struct span fact, struct retention_fact *ret, struct err *err)
{
        struct fact f = fact_of(fact);
        struct retention_fact r = { .kind = (enum retention_fact_kind)fact_enum(&f, "fact", kinds,
                                                                                ARRAY_LEN(kinds)) };
        int status;

        if (!f.missing)
                get(&f, &r);
        status = fact_status(&f, err);
        if (status == 0)
                *ret = r;
        return status;
}

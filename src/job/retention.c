/* SPDX-License-Identifier: Apache-2.0 */
/* retention.yaml(5): a written retention policy.  Told are its faults (faults.h), or the facts of
 * wire/retention_fact.h. */
#include "job/faults.h"

#include "base/clock.h"
#include "base/text.h"
#include "wire/kind.h"
#include "wire/retention_fact.h"

#include <stdio.h>

enum { ARENA_BYTES = 64 << 20, DAY_S = 86400, DATE_LEN = 10, ABOUT_MAX = 1024 };

struct retention_file {
        struct arena arena;
        struct faults faults;
        int rc; /* -ENOMEM, for what gives none back */
        struct retention_fact policy, *rule[RETENTION_RULES_MAX], *hold[RETENTION_HOLDS_MAX];
        struct yaml_mark keep_mark, audit_mark, rule_mark[RETENTION_RULES_MAX];
        size_t n_rules, n_holds;
        /* of the hold that is read */
        struct yaml_mark to_mark;
};

/* ---- values ---- */

static bool get_time(struct retention_file *r, const struct yaml_node *n, uint64_t *ret_s)
{
        static const struct yaml_unit units[] = { { "h", 3600 },
                                                  { "d", DAY_S },
                                                  { "w", 7 * DAY_S } };
        uint64_t s;

        if (!yaml_get_number(&r->faults, n, "a time, as 36h, 400d or 57w,", units, ARRAY_LEN(units),
                             &s))
                return false;
        if (s == 0 || s > RETENTION_KEEP_MAX_S) {
                faults_add(&r->faults, n->mark, "a time is between 1h and 54900d");
                return false;
        }
        *ret_s = s;
        return true;
}

/* The day's first second, or with `end` the one behind its last. */
static bool get_day(struct retention_file *r, const struct yaml_node *n, bool end, int64_t *ret_s)
{
        char time[TEXT_TIME_LEN + 1];
        int64_t ns = -1;
        struct span s;

        if (!yaml_get_text(&r->faults, n, "a day, as 2026-12-31,", &s))
                return false;
        if (s.n == DATE_LEN) {
                snprintf(time, sizeof time, "%.*sT00:00:00.000000000Z", DATE_LEN,
                         (const char *)s.p);
                if (text_to_time(span_str(time), &ns) < 0)
                        ns = -1;
        }
        if (ns < 0) {
                faults_add(&r->faults, n->mark,
                           "a day from 1970 on, as 2026-12-31, should stand here, not \"%.*s\"",
                           SHOWN(s));
                return false;
        }
        *ret_s = ns / NS_PER_S + (end ? DAY_S : 0);
        return true;
}

static void copy(char *out, size_t size, struct span s)
{
        snprintf(out, size, "%.*s", (int)s.n, (const char *)s.p);
}

/* ---- how long ---- */

static void take_version(void *ctx, const struct yaml_node *n)
{
        struct retention_file *r = ctx;
        struct span s;

        if (yaml_get_text(&r->faults, n, "the version, 1,", &s) &&
            !(n->plain && span_eq_str(s, "1")))
                faults_add(&r->faults, n->mark, "this is version 1, not \"%.*s\"", SHOWN(s));
}

static void take_description(void *ctx, const struct yaml_node *n)
{
        struct retention_file *r = ctx;
        struct span s;

        if (yaml_get_text(&r->faults, n, "a text", &s) && s.n > ABOUT_MAX)
                faults_add(&r->faults, n->mark, "a description is at most %d bytes long",
                           ABOUT_MAX);
}

static void take_audit_period(void *ctx, const struct yaml_node *n)
{
        struct retention_file *r = ctx;

        if (get_time(r, n, &r->policy.audit_period_s))
                r->audit_mark = n->mark;
}

static void take_keep(void *ctx, const struct yaml_node *n)
{
        struct retention_file *r = ctx;

        if (get_time(r, n, &r->policy.keep_s))
                r->keep_mark = n->mark;
}

/* A rule for it, with its time and place; NULL after a fault. */
static struct retention_fact *add_rule(struct retention_file *r, const struct yaml_node *key)
{
        struct retention_fact *rule;

        if (r->n_rules == RETENTION_RULES_MAX) {
                faults_add(&r->faults, key->mark, "more than %d kinds and classes",
                           RETENTION_RULES_MAX);
                return NULL;
        }
        rule = arena_alloc(&r->arena, sizeof *rule);
        if (!rule)
                r->rc = -ENOMEM;
        if (!rule || !get_time(r, key->value, &rule->keep_s))
                return NULL;
        rule->line = key->mark.line;
        r->rule[r->n_rules] = rule;
        r->rule_mark[r->n_rules++] = key->value->mark;
        return rule;
}

static void take_kind(void *ctx, const struct yaml_node *k)
{
        struct retention_file *r = ctx;
        struct retention_fact *rule =
                yaml_check_kind(&r->faults, k->mark, k->text) ? add_rule(r, k) : NULL;

        if (!rule)
                return;
        rule->kind = RETENTION_KIND;
        copy(rule->name, sizeof rule->name, k->text);
}

static void take_class(void *ctx, const struct yaml_node *k)
{
        struct retention_file *r = ctx;
        struct retention_fact *rule;
        uint64_t uid;
        size_t i = 0;

        while (i < kind_count && !(text_to_u64(k->text, &uid) == 0 && kind_table[i].ocsf &&
                                   kind_table[i].ocsf == uid))
                i++;
        if (i == kind_count) {
                faults_add(&r->faults, k->mark, "no kind is of an OCSF class \"%.*s\"",
                           SHOWN(k->text));
                return;
        }
        rule = add_rule(r, k);
        if (!rule)
                return;
        rule->kind = RETENTION_CLASS;
        rule->class_uid = kind_table[i].ocsf;
}

static void take_map(struct retention_file *r, const struct yaml_node *n, const char *what,
                     void (*take)(void *ctx, const struct yaml_node *))
{
        if (n->type != YAML_MAP || !n->child) {
                faults_add(&r->faults, n->mark, "%s with their times should stand here", what);
                return;
        }
        yaml_take_each(&r->faults, n, take, r);
}

static void take_kinds(void *ctx, const struct yaml_node *n)
{
        take_map(ctx, n, "kinds", take_kind);
}

static void take_classes(void *ctx, const struct yaml_node *n)
{
        take_map(ctx, n, "OCSF classes", take_class);
}

/* ---- holds ---- */

static struct retention_fact *this_hold(struct retention_file *r)
{
        return r->hold[r->n_holds];
}

static void take_reason(void *ctx, const struct yaml_node *n)
{
        struct retention_file *r = ctx;
        struct span s;

        if (!yaml_get_text(&r->faults, n, "a text", &s))
                return;
        if (s.n == 0 || s.n > RETENTION_REASON_MAX || memchr(s.p, 0, s.n))
                faults_add(&r->faults, n->mark, "a reason is 1 to %d bytes long, without NUL",
                           RETENTION_REASON_MAX);
        else
                copy(this_hold(r)->reason, RETENTION_REASON_MAX + 1, s);
}

static void take_from(void *ctx, const struct yaml_node *n)
{
        bool good = get_day(ctx, n, false, &this_hold(ctx)->from_s);

        (void)good; /* else there is a fault */
}

static void take_to(void *ctx, const struct yaml_node *n)
{
        struct retention_file *r = ctx;

        if (get_day(r, n, true, &this_hold(r)->to_s))
                r->to_mark = n->mark;
}

static void take_until(void *ctx, const struct yaml_node *n)
{
        bool good = get_day(ctx, n, true, &this_hold(ctx)->until_s);

        (void)good; /* else there is a fault */
}

static void take_held_kind(struct retention_file *r, const struct yaml_node *n)
{
        struct retention_fact *hold = this_hold(r);
        struct span s;

        if (!yaml_get_text(&r->faults, n, "a kind", &s) || !yaml_check_kind(&r->faults, n->mark, s))
                return;
        if (hold->n_kinds == RETENTION_KINDS_MAX)
                faults_add(&r->faults, n->mark, "more than %d kinds", RETENTION_KINDS_MAX);
        else
                copy(hold->kinds[hold->n_kinds++], RETENTION_NAME_MAX + 1, s);
}

static void take_held_kinds(void *ctx, const struct yaml_node *n)
{
        if (n->type != YAML_LIST) {
                take_held_kind(ctx, n);
                return;
        }
        if (!n->child)
                faults_add(&((struct retention_file *)ctx)->faults, n->mark,
                           "an empty list says nothing: leave the key out");
        for (const struct yaml_node *i = n->child; i; i = i->next)
                take_held_kind(ctx, i);
}

static const struct yaml_key hold_keys[] = {
        { "reason", take_reason, true },
        { "from", take_from, false },
        { "to", take_to, false },
        { "until", take_until, false },
        { "kinds", take_held_kinds, false },
};

static void take_hold(struct retention_file *r, const struct yaml_node *n)
{
        struct retention_fact *hold;

        if (n->type != YAML_MAP) {
                faults_add(&r->faults, n->mark, "the keys of a hold should stand here");
                return;
        }
        if (r->n_holds == RETENTION_HOLDS_MAX) {
                faults_add(&r->faults, n->mark, "more than %d holds", RETENTION_HOLDS_MAX);
                return;
        }
        hold = r->hold[r->n_holds] = arena_alloc(&r->arena, sizeof *hold);
        if (!hold) {
                r->rc = -ENOMEM;
                return;
        }
        *hold = (struct retention_fact){ .kind = RETENTION_HOLD,
                                         .line = n->mark.line,
                                         .from_s = RETENTION_OPEN,
                                         .to_s = RETENTION_OPEN,
                                         .until_s = RETENTION_OPEN };
        yaml_take_keys(&r->faults, n, hold_keys, ARRAY_LEN(hold_keys), r, "the hold", n->mark);
        if (hold->from_s != RETENTION_OPEN && hold->from_s >= hold->to_s)
                faults_add(&r->faults, r->to_mark, "the hold ends before it begins");
        r->n_holds++;
}

static void take_holds(void *ctx, const struct yaml_node *n)
{
        if (n->type != YAML_LIST || !n->child) {
                faults_add(&((struct retention_file *)ctx)->faults, n->mark,
                           "a list of holds should stand here");
                return;
        }
        for (const struct yaml_node *i = n->child; i; i = i->next)
                take_hold(ctx, i);
}

/* ---- the file ---- */

static const struct yaml_key keys[] = {
        { "version", take_version, true }, { "description", take_description, false },
        { "keep", take_keep, true },       { "audit_period", take_audit_period, true },
        { "kinds", take_kinds, false },    { "classes", take_classes, false },
        { "holds", take_holds, false },
};

/* What an audit looks back at must be there: else its samples cannot be drawn again. */
static void check_floor(struct retention_file *r, uint64_t keep_s, struct yaml_mark at)
{
        if (keep_s < r->policy.audit_period_s)
                faults_add(&r->faults, at, "is shorter than the audit period in line %u",
                           (unsigned)r->audit_mark.line);
}

static void read_file(struct retention_file *r, const struct yaml_node *root)
{
        static const struct yaml_mark top = { 1, 1 };

        if (!root || root->type != YAML_MAP) {
                faults_add(&r->faults, root ? root->mark : top,
                           "the keys version, keep and audit_period should stand here");
                return;
        }
        yaml_take_keys(&r->faults, root, keys, ARRAY_LEN(keys), r, "the policy", root->mark);
        if (r->policy.keep_s)
                check_floor(r, r->policy.keep_s, r->keep_mark);
        for (size_t i = 0; i < r->n_rules; i++)
                check_floor(r, r->rule[i]->keep_s, r->rule_mark[i]);
}

static int tell(struct job_out *out, const struct retention_fact *f)
{
        retention_fact_put(job_out_begin(out), f);
        return job_out_end(out);
}

static int tell_all(struct job_out *out, const struct retention_file *r)
{
        int rc = tell(out, &r->policy);

        for (size_t i = 0; i < r->n_rules && rc == 0; i++)
                rc = tell(out, r->rule[i]);
        for (size_t i = 0; i < r->n_holds && rc == 0; i++)
                rc = tell(out, r->hold[i]);
        return rc;
}

static int read_and_tell(struct job_out *out, struct retention_file *r, struct span input)
{
        struct yaml_node *root = NULL;
        int rc = faults_read(&r->faults, input, &r->arena, &root);

        if (rc < 0)
                return rc;
        if (rc > 0)
                read_file(r, root);
        if (r->rc < 0)
                return r->rc;
        return r->faults.n ? faults_tell(&r->faults, out) : tell_all(out, r);
}

int job_retention(struct job_out *out, struct span input, struct err *err)
{
        struct arena arena = ARENA_INIT(ARENA_BYTES);
        struct retention_file *r = arena_alloc(&arena, sizeof *r);
        int rc = -ENOMEM;

        if (r) {
                r->arena = ARENA_INIT(ARENA_BYTES);
                rc = read_and_tell(out, r, input);
                arena_done(&r->arena);
        }
        arena_done(&arena);
        return rc < 0 ? err_sys(err, rc, "retention.yaml") : 0;
}

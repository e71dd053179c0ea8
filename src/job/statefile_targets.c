/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of state.yaml(5): what is looked at beyond the host. */
#include "job/statefile_priv.h"

#include "base/text.h"

#include <stdio.h>

static void take_timeout(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;

        state_file_seconds(f, n, STATE_TIMEOUT_MAX_S, "1s and 10m", &f->timeout_s);
}

static void tell_target(struct state_file *f)
{
        struct json_writer *w = job_out_begin(f->out);

        json_member_u64(w, "every", f->every_s);
        json_member_text(w, "fact", "target");
        json_member_u64(w, "line", f->name_mark.line);
        json_member_string(w, "name", f->name);
        json_put_key(w, "settings");
        json_begin_array(w);
        for (size_t i = 0; i < f->n_pairs; i++) {
                json_begin_array(w);
                json_put_string(w, span_str(f->pair[i].setting->name));
                json_put_string(w, f->pair[i].value);
                json_end_array(w);
        }
        json_end_array(w);
        json_member_text(w, "table", f->table->name);
        json_member_u64(w, "timeout", f->timeout_s);
        state_file_tell(f);
}

static void take_target_name(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;
        struct span s;

        f->name_mark = n->mark;
        if (!yaml_get_text(&f->faults, n, "a name", &s))
                return;
        if (state_target_name_ok(s))
                f->name = s;
        else
                faults_add(&f->faults, n->mark,
                           "a target's name is up to %d of a-z, 0-9, - and _, not \"%.*s\"",
                           STATE_TARGET_NAME_MAX, SHOWN(s));
}

static void take_target_table(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;
        const struct state_table *t;
        struct span s;

        if (!yaml_get_text(&f->faults, n, "a table", &s))
                return;
        t = state_table_by_name(s);
        if (!t || !t->n_settings)
                faults_add(&f->faults, n->mark, "\"%.*s\" is no table of targets", SHOWN(s));
        else
                f->table = t;
}

static const struct yaml_key target_keys[] = {
        { "name", take_target_name, true },
        { "table", take_target_table, true },
        { "every", state_file_every, false },
        { "timeout", take_timeout, false },
};

static const struct yaml_key *target_key(struct span name)
{
        for (size_t i = 0; i < ARRAY_LEN(target_keys); i++)
                if (span_eq_str(name, target_keys[i].name))
                        return &target_keys[i];
        return NULL;
}

static void take_pair(struct state_file *f, const struct state_setting *s,
                      const struct yaml_node *n)
{
        const char *wrong;
        struct span value;

        if (!yaml_get_text(&f->faults, n, s->about, &value))
                return;
        wrong = state_setting_wrong(s, value);
        if (wrong)
                faults_add(&f->faults, n->mark, "%s should stand here, not \"%.*s\"", wrong,
                           SHOWN(value));
        else if (f->n_pairs == STATE_SETTINGS_MAX)
                f->pairs_full = true;
        else {
                f->pair_mark[f->n_pairs] = n->mark;
                f->pair[f->n_pairs++] = (struct state_value){ s, value };
        }
}

static void take_setting(struct state_file *f, const struct state_setting *s,
                         const struct yaml_node *n)
{
        size_t items = 0;

        if (n->type != YAML_LIST || s->type != SETTING_TEXTS) {
                take_pair(f, s, n);
                return;
        }
        for (const struct yaml_node *i = n->child; i; i = i->next) {
                if (++items > STATE_SETTING_ITEMS_MAX) {
                        faults_add(&f->faults, i->mark, "more than %d of %s",
                                   STATE_SETTING_ITEMS_MAX, s->name);
                        return;
                }
                take_pair(f, s, i);
        }
}

/* The keys that every target has first, for they say which others there are. */
static void take_common(struct state_file *f, const struct yaml_node *n)
{
        uint32_t seen = 0;

        for (const struct yaml_node *k = n->child; k; k = k->next) {
                const struct yaml_key *key = target_key(k->text);

                if (!key || yaml_same_key(n, k))
                        continue;
                seen |= 1u << (key - target_keys);
                key->take(f, k->value);
        }
        for (size_t i = 0; i < ARRAY_LEN(target_keys); i++)
                if (target_keys[i].required && !(seen >> i & 1))
                        faults_add(&f->faults, n->mark, "the target has no %s",
                                   target_keys[i].name);
}

static void unknown_setting(struct state_file *f, const struct yaml_node *k)
{
        char known[YAML_FAULT_MAX / 2];
        struct buf b = BUF_INIT(4096);

        for (size_t i = 0; i < f->table->n_settings; i++)
                buf_printf(&b, "%s%s", i ? ", " : "", f->table->settings[i].name);
        snprintf(known, sizeof known, "%s", buf_cstr(&b));
        buf_done(&b);
        faults_add(&f->faults, k->mark, "unknown key \"%.*s\" of %s: there are %s", SHOWN(k->text),
                   f->table->name, known);
}

static void take_settings(struct state_file *f, const struct yaml_node *n)
{
        for (const struct yaml_node *k = n->child; k; k = k->next) {
                const struct yaml_node *same = yaml_same_key(n, k);
                const struct state_setting *s;

                if (same) {
                        faults_add(&f->faults, k->mark,
                                   "key \"%.*s\" is there twice, first in line %u", SHOWN(k->text),
                                   (unsigned)same->mark.line);
                        continue;
                }
                if (target_key(k->text) || !f->table)
                        continue;
                s = state_setting_by_name(f->table, k->text);
                if (s)
                        take_setting(f, s, k->value);
                else
                        unknown_setting(f, k);
        }
}

static size_t bytes_of_pairs(const struct state_file *f)
{
        size_t n = 0;

        for (size_t i = 0; i < f->n_pairs; i++)
                n += strlen(f->pair[i].setting->name) + f->pair[i].value.n;
        return n;
}

/* What a target must have and may not exceed, when it could be read so far. */
static void check_required(struct state_file *f, struct yaml_mark at, size_t faults)
{
        const struct state_value *blamed;
        const char *wrong;

        if (!f->table || faults_count(&f->faults) != faults)
                return;
        for (size_t i = 0; i < f->table->n_settings; i++)
                if (f->table->settings[i].required &&
                    !state_value_of(f->pair, f->n_pairs, f->table->settings[i].name))
                        faults_add(&f->faults, at, "the target has no %s",
                                   f->table->settings[i].name);
        if (f->pairs_full || bytes_of_pairs(f) > STATE_SETTINGS_BYTES_MAX)
                faults_add(&f->faults, at, "more than %d settings or %d bytes of them",
                           STATE_SETTINGS_MAX, STATE_SETTINGS_BYTES_MAX);
        if (faults_count(&f->faults) != faults)
                return;
        wrong = state_settings_wrong(f->table, f->pair, f->n_pairs, &blamed);
        if (wrong)
                faults_add(&f->faults, f->pair_mark[blamed - f->pair], "%s", wrong);
}

static void take_target(struct state_file *f, const struct yaml_node *n)
{
        size_t faults = faults_count(&f->faults);

        f->table = NULL;
        f->every_s = f->timeout_s = 0;
        f->name = SPAN_NONE;
        f->n_pairs = 0;
        f->pairs_full = false;
        if (n->type != YAML_MAP) {
                faults_add(&f->faults, n->mark, "the keys of a target should stand here");
                return;
        }
        take_common(f, n);
        take_settings(f, n);
        check_required(f, n->mark, faults);
        if (f->telling)
                tell_target(f);
}

/* Names of targets are their own in each table. */
static const struct yaml_node *of_key(const struct yaml_node *n, const char *key)
{
        for (const struct yaml_node *k = n->type == YAML_MAP ? n->child : NULL; k; k = k->next)
                if (span_eq_str(k->text, key))
                        return k->value;
        return NULL;
}

static void check_twice(struct state_file *f, const struct yaml_node *list,
                        const struct yaml_node *n)
{
        const struct yaml_node *name = of_key(n, "name"), *table = of_key(n, "table");

        for (const struct yaml_node *i = list->child; i != n && name && table; i = i->next) {
                const struct yaml_node *a = of_key(i, "name"), *b = of_key(i, "table");

                if (a && b && span_eq(a->text, name->text) && span_eq(b->text, table->text)) {
                        faults_add(&f->faults, name->mark,
                                   "%.*s has a target \"%.*s\" already, in line %u",
                                   SHOWN(table->text), SHOWN(name->text), (unsigned)a->mark.line);
                        return;
                }
        }
}

void state_file_targets(struct state_file *f)
{
        const struct yaml_node *n = f->targets;
        size_t targets = 0;

        if (n->type != YAML_LIST) {
                faults_add(&f->faults, n->mark, "a list of targets should stand here");
                return;
        }
        for (const struct yaml_node *i = n->child; i; i = i->next) {
                if (++targets > STATE_TARGETS_MAX) {
                        faults_add(&f->faults, i->mark, "more than %d targets", STATE_TARGETS_MAX);
                        return;
                }
                check_twice(f, n, i);
                take_target(f, i);
        }
}

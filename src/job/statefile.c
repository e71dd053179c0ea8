/* SPDX-License-Identifier: Apache-2.0 */
/* state.yaml(5): tables of the host's state and targets beyond it.  Told are its faults (faults.h),
 * or the facts of state/settings.h. */
#include "job/faults.h"

#include "base/text.h"
#include "state/settings.h"

#include <stdio.h>

enum { ARENA_BYTES = 64 << 20 };

static const struct yaml_unit times[] = {
        { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 }
};

struct files_item {
        struct span name;
        uint64_t max_age_s;
        struct span path[STATE_PATHS_MAX];
        size_t n_paths;
};

struct pair {
        const struct state_setting *setting;
        struct span value;
};

struct state_file {
        struct arena arena;
        struct faults faults;
        struct job_out *out;
        int rc; /* of telling */
        bool telling;
        const struct yaml_node *tables, *targets; /* NULL: not given */
        /* what is being read */
        const struct state_table *table;
        uint64_t every_s, timeout_s;
        bool off, pairs_full;
        struct span name;
        struct yaml_mark name_mark;
        const struct yaml_node *files;
        struct files_item item;
        struct pair pair[STATE_SETTINGS_MAX];
        size_t n_pairs;
};

/* ---- values ---- */

static void take_seconds(struct state_file *f, const struct yaml_node *n, uint64_t max_s,
                         const char *limits, uint64_t *ret_s)
{
        uint64_t s;

        if (!yaml_get_number(&f->faults, n, "a time, as 30s, 10m or 1d,", times, ARRAY_LEN(times),
                             &s))
                return;
        if (s < 1 || s > max_s)
                faults_add(&f->faults, n->mark, "a time is between %s", limits);
        else
                *ret_s = s;
}

static void take_version(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;
        struct span s;

        if (yaml_get_text(&f->faults, n, "the version, 1,", &s) &&
            !(n->plain && span_eq_str(s, "1")))
                faults_add(&f->faults, n->mark, "this is version 1, not \"%.*s\"", SHOWN(s));
}

static void take_every(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;

        take_seconds(f, n, STATE_EVERY_MAX_S, "1s and 366d", &f->every_s);
}

static void take_timeout(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;

        take_seconds(f, n, STATE_TIMEOUT_MAX_S, "1s and 10m", &f->timeout_s);
}

static void take_off(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;
        struct span s;

        if (!yaml_get_text(&f->faults, n, "true or false", &s))
                return;
        if (!n->plain || !(span_eq_str(s, "true") || span_eq_str(s, "false")))
                faults_add(&f->faults, n->mark, "true or false should stand here, not \"%.*s\"",
                           SHOWN(s));
        f->off = span_eq_str(s, "true");
}

static bool get_given_text(struct state_file *f, const struct yaml_node *n, const char *wanted,
                           struct span *ret)
{
        if (!yaml_get_text(&f->faults, n, wanted, ret))
                return false;
        if (state_given_text_ok(*ret))
                return true;
        faults_add(&f->faults, n->mark, "%s of 1 to %d bytes without control characters", wanted,
                   STATE_SETTING_MAX);
        return false;
}

/* ---- telling ---- */

static void tell(struct state_file *f)
{
        int rc = job_out_end(f->out);

        if (rc < 0 && f->rc == 0)
                f->rc = rc;
}

static void tell_table(struct state_file *f)
{
        struct json_writer *w = job_out_begin(f->out);

        json_member_u64(w, "every", f->every_s);
        json_member_text(w, "fact", "table");
        json_member_u64(w, "line", f->name_mark.line);
        json_member_bool(w, "off", f->off);
        json_member_text(w, "table", f->table->name);
        tell(f);
}

static void tell_files(struct state_file *f, uint32_t line)
{
        struct json_writer *w = job_out_begin(f->out);

        json_member_text(w, "fact", "files");
        json_member_u64(w, "line", line);
        json_member_u64(w, "max_age", f->item.max_age_s);
        json_member_string(w, "name", f->item.name);
        json_put_key(w, "paths");
        json_begin_array(w);
        for (size_t i = 0; i < f->item.n_paths; i++)
                json_put_string(w, f->item.path[i]);
        json_end_array(w);
        json_member_text(w, "table", f->table->name);
        tell(f);
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
        tell(f);
}

/* ---- files of a table ---- */

static void take_path(struct state_file *f, const struct yaml_node *n)
{
        struct files_item *item = &f->item;
        struct span s;

        if (!get_given_text(f, n, "a path", &s))
                return;
        if (s.p[0] != '/')
                faults_add(&f->faults, n->mark, "an absolute path should stand here, not \"%.*s\"",
                           SHOWN(s));
        else if (item->n_paths == STATE_PATHS_MAX)
                faults_add(&f->faults, n->mark, "more than %d paths", STATE_PATHS_MAX);
        else
                item->path[item->n_paths++] = s;
}

static void take_paths(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;

        if (n->type != YAML_LIST)
                take_path(f, n);
        else if (!n->child)
                faults_add(&f->faults, n->mark, "a path should stand here, not an empty list");
        for (const struct yaml_node *i = n->child; n->type == YAML_LIST && i; i = i->next)
                take_path(f, i);
}

static void take_item_name(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;
        struct span s;

        if (get_given_text(f, n, "a name", &s))
                f->item.name = s;
}

static void take_max_age(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;

        take_seconds(f, n, STATE_MAX_AGE_S, "1s and 54900d", &f->item.max_age_s);
}

static const struct yaml_key item_keys[] = {
        { "name", take_item_name, true },
        { "paths", take_paths, true },
        { "max_age", take_max_age, false },
};

/* The item's name before it in the list; NULL: none has it. */
static const struct yaml_node *same_name(const struct yaml_node *list, const struct yaml_node *end,
                                         struct span name)
{
        for (const struct yaml_node *i = list->child; i && i != end; i = i->next)
                for (const struct yaml_node *k = i->type == YAML_MAP ? i->child : NULL; k;
                     k = k->next)
                        if (span_eq_str(k->text, "name") && span_eq(k->value->text, name))
                                return k->value;
        return NULL;
}

static void take_item(struct state_file *f, const struct yaml_node *list, const struct yaml_node *n)
{
        const struct yaml_node *same;

        f->item = (struct files_item){ 0 };
        if (n->type != YAML_MAP) {
                faults_add(&f->faults, n->mark, "the keys name and paths should stand here");
                return;
        }
        yaml_take_keys(&f->faults, n, item_keys, ARRAY_LEN(item_keys), f, "the item", n->mark);
        same = f->item.name.n ? same_name(list, n, f->item.name) : NULL;
        if (same)
                faults_add(&f->faults, n->mark, "\"%.*s\" is there twice, first in line %u",
                           SHOWN(f->item.name), (unsigned)same->mark.line);
        if (f->telling)
                tell_files(f, n->mark.line);
}

static void read_files(struct state_file *f)
{
        const struct yaml_node *n = f->files;
        size_t items = 0;

        if (!(f->table->flags & STATE_TAKES_FILES)) {
                faults_add(&f->faults, n->mark, "table %s takes no files", f->table->name);
                return;
        }
        if (n->type != YAML_LIST || !n->child) {
                faults_add(&f->faults, n->mark, "a list of items should stand here");
                return;
        }
        for (const struct yaml_node *i = n->child; i; i = i->next) {
                if (++items > STATE_FILES_MAX) {
                        faults_add(&f->faults, i->mark, "more than %d items", STATE_FILES_MAX);
                        return;
                }
                take_item(f, n, i);
        }
}

/* ---- tables ---- */

static void take_files(void *ctx, const struct yaml_node *n)
{
        ((struct state_file *)ctx)->files = n;
}

static const struct yaml_key table_keys[] = {
        { "every", take_every, false },
        { "off", take_off, false },
        { "files", take_files, false },
};

static void take_table(struct state_file *f, const struct yaml_node *k)
{
        const struct state_table *t = state_table_by_name(k->text);

        f->table = t;
        f->every_s = 0;
        f->off = false;
        f->files = NULL;
        f->name_mark = k->mark;
        if (!t || t->n_settings) {
                faults_add(&f->faults, k->mark,
                           t ? "%.*s is looked at for the targets that name it"
                             : "there is no table \"%.*s\"",
                           SHOWN(k->text));
                return;
        }
        if (k->value->type != YAML_MAP) {
                faults_add(&f->faults, k->value->mark,
                           "the keys every, off or files should stand "
                           "here");
                return;
        }
        yaml_take_keys(&f->faults, k->value, table_keys, ARRAY_LEN(table_keys), f, "the table",
                       k->mark);
        if (f->telling)
                tell_table(f);
        if (f->files)
                read_files(f);
}

static void read_tables(struct state_file *f)
{
        const struct yaml_node *n = f->tables, *same;

        if (n->type != YAML_MAP) {
                faults_add(&f->faults, n->mark,
                           "names of tables with their keys should stand here");
                return;
        }
        for (const struct yaml_node *k = n->child; k; k = k->next) {
                same = yaml_same_key(n, k);
                if (same)
                        faults_add(&f->faults, k->mark, "%.*s is there twice, first in line %u",
                                   SHOWN(k->text), (unsigned)same->mark.line);
                else
                        take_table(f, k);
        }
}

/* ---- targets ---- */

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
        { "every", take_every, false },
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
        else
                f->pair[f->n_pairs++] = (struct pair){ s, value };
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

static bool has(const struct state_file *f, const struct state_setting *s)
{
        for (size_t i = 0; i < f->n_pairs; i++)
                if (f->pair[i].setting == s)
                        return true;
        return false;
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
        if (!f->table || faults_count(&f->faults) != faults)
                return;
        for (size_t i = 0; i < f->table->n_settings; i++)
                if (f->table->settings[i].required && !has(f, &f->table->settings[i]))
                        faults_add(&f->faults, at, "the target has no %s",
                                   f->table->settings[i].name);
        if (f->pairs_full || bytes_of_pairs(f) > STATE_SETTINGS_BYTES_MAX)
                faults_add(&f->faults, at, "more than %d settings or %d bytes of them",
                           STATE_SETTINGS_MAX, STATE_SETTINGS_BYTES_MAX);
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

static void read_targets(struct state_file *f)
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

/* ---- the file ---- */

static void take_tables(void *ctx, const struct yaml_node *n)
{
        ((struct state_file *)ctx)->tables = n;
}

static void take_targets(void *ctx, const struct yaml_node *n)
{
        ((struct state_file *)ctx)->targets = n;
}

static const struct yaml_key keys[] = {
        { "version", take_version, true },
        { "tables", take_tables, false },
        { "targets", take_targets, false },
};

static void read_both(struct state_file *f)
{
        if (f->tables)
                read_tables(f);
        if (f->targets)
                read_targets(f);
}

static void read_file(struct state_file *f, const struct yaml_node *root)
{
        static const struct yaml_mark top = { 1, 1 };

        if (!root || root->type != YAML_MAP) {
                faults_add(&f->faults, root ? root->mark : top,
                           "the key version should stand here");
                return;
        }
        yaml_take_keys(&f->faults, root, keys, ARRAY_LEN(keys), f, "the file", root->mark);
        read_both(f);
        if (f->faults.n)
                return;
        f->telling = true; /* once more, now that all of it is good */
        read_both(f);
}

static int read_and_tell(struct job_out *out, struct state_file *f, struct span input)
{
        struct yaml_node *root = NULL;
        struct yaml_fault fault;
        int rc = yaml_read(input, &f->arena, &root, &fault);

        f->out = out;
        if (rc == -EBADMSG)
                faults_add(&f->faults, fault.mark, "%s", fault.text);
        else if (rc < 0)
                return rc;
        else
                read_file(f, root);
        return f->faults.n ? faults_tell(&f->faults, out) : f->rc;
}

int job_statefile(struct job_out *out, struct span input, struct err *err)
{
        struct arena arena = ARENA_INIT(ARENA_BYTES);
        struct state_file *f = arena_alloc(&arena, sizeof *f);
        int rc = -ENOMEM;

        if (f) {
                f->arena = ARENA_INIT(ARENA_BYTES);
                rc = read_and_tell(out, f, input);
                arena_done(&f->arena);
        }
        arena_done(&arena);
        return rc < 0 ? err_sys(err, rc, "state.yaml") : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* state.yaml(5): tables of the host's state and targets beyond it.  Told are its faults (faults.h),
 * or the facts of state/reading/settings.h. */
#include "job/statefile_priv.h"

#include "base/text.h"

enum { ARENA_BYTES = 64 << 20 };

/* ---- values ---- */

static void take_version(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;
        struct span s;

        if (yaml_get_text(&f->faults, n, "the version, 1,", &s) &&
            !(n->plain && span_eq_str(s, "1")))
                faults_add(&f->faults, n->mark, "this is version 1, not \"%.*s\"", SHOWN(s));
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

/* yes, no, or what alerts; f->table is known. */
static void take_alert_word(struct state_file *f, const struct yaml_node *n, bool alone)
{
        struct span s;

        if (!yaml_get_text(&f->faults, n, "yes, no or a list of columns", &s))
                return;
        if (!(alone && (span_eq_str(s, "yes") || span_eq_str(s, "no"))) &&
            !state_alert_word_ok(f->table, s)) {
                faults_add(&f->faults, n->mark, "%s should stand here, not \"%.*s\"",
                           alone ? "yes, no or a list of added, removed and columns"
                                 : "added, removed or a column of this table",
                           SHOWN(s));
                return;
        }
        if (f->alert.n)
                buf_put_byte(&f->alert, ' ');
        buf_put(&f->alert, s);
        if (buf_status(&f->alert) == -ENOMEM)
                f->rc = -ENOMEM;
        else if (buf_status(&f->alert) < 0)
                faults_add(&f->faults, n->mark, "more columns than a table has");
}

static void take_alert(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;

        if (n->type != YAML_LIST) {
                take_alert_word(f, n, true);
                return;
        }
        for (const struct yaml_node *i = n->child; i; i = i->next)
                take_alert_word(f, i, false);
}

/* ---- telling ---- */

static void tell_table(struct state_file *f)
{
        struct json_writer *w = job_out_begin(f->out);

        if (f->alert.n)
                json_member_string(w, "alert", buf_span(&f->alert));
        json_member_u64(w, "every", f->every_s);
        json_member_text(w, "fact", "table");
        json_member_u64(w, "line", f->name_mark.line);
        json_member_bool(w, "off", f->off);
        json_member_text(w, "table", f->table->name);
        state_file_tell(f);
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
        state_file_tell(f);
}

/* ---- files of a table ---- */

static void take_path(struct state_file *f, const struct yaml_node *n)
{
        struct files_item *item = &f->item;
        struct span s;

        if (!state_file_text(f, n, "a path", &s))
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

        if (state_file_text(f, n, "a name", &s))
                f->item.name = s;
}

static void take_max_age(void *ctx, const struct yaml_node *n)
{
        struct state_file *f = ctx;

        state_file_seconds(f, n, STATE_MAX_AGE_S, "1s and 54900d", &f->item.max_age_s);
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
        { "every", state_file_every, false },
        { "off", take_off, false },
        { "alert", take_alert, false },
        { "files", take_files, false },
};

static void take_table(void *ctx, const struct yaml_node *k)
{
        struct state_file *f = ctx;
        const struct state_table *t = state_table_by_name(k->text);

        f->table = t;
        f->every_s = 0;
        f->off = false;
        f->files = NULL;
        buf_done(&f->alert);
        f->alert = BUF_INIT(STATE_ALERT_MAX);
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
                           "the keys every, alert, off or files should stand "
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
        const struct yaml_node *n = f->tables;

        if (n->type != YAML_MAP) {
                faults_add(&f->faults, n->mark,
                           "names of tables with their keys should stand here");
                return;
        }
        yaml_take_each(&f->faults, n, take_table, f);
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
                state_file_targets(f);
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
        int rc = faults_read(&f->faults, input, &f->arena, &root);

        f->out = out;
        if (rc < 0)
                return rc;
        if (rc > 0)
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
                buf_done(&f->alert);
                arena_done(&f->arena);
        }
        arena_done(&arena);
        return rc < 0 ? err_sys(err, rc, "state.yaml") : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/config.h"

#include "base/text.h"
#include "monitor/target.h"
#include "sys/io.h"
#include "wire/fact.h"

#include <stdio.h>

enum { JOB_S = 30, ARENA_BYTES = 32 << 20 };

struct files_told {
        struct files_told *next;
        const char *given; /* what the reader gets of it */
        const char *path[STATE_PATHS_MAX];
        size_t n_paths;
};

/* Of one table of this host, by its place in state_tables. */
struct table_told {
        unsigned every_s;  /* 0: as the table has */
        const char *alert; /* NULL: as the table has */
        bool off;
        struct files_told *first, *last;
        size_t n_files, n_sources;
};

struct target_told {
        const struct state_table *table;
        char name[STATE_TARGET_NAME_MAX + 1];
        unsigned every_s, timeout_s;
        struct json_value settings;
};

struct config_told {
        struct table_told table[STATE_TABLES_MAX];
        struct target_told target[STATE_TARGETS_MAX];
        size_t n_targets;
};

/* ---- the file ---- */

int monitor_config_open(const char *path, struct monitor_config *c, int *ret_fd, struct err *err)
{
        CLEANUP(buf_done) struct buf b = CONFFILE_BUF;
        struct span text = SPAN_NONE;
        int rc = path ? conffile_read(path, 0, &b, err) : -ENOENT;

        if (rc < 0 && rc != -ENOENT)
                return rc;
        text = rc < 0 ? state_file_shipped() : buf_span(&b);
        snprintf(c->from, sizeof c->from, "%s", rc < 0 ? MONITOR_CONFIG_SHIPPED : path);
        sha256(text, c->digest);
        c->arena = ARENA_INIT(ARENA_BYTES);
        c->told = arena_alloc(&c->arena, sizeof *c->told);
        if (!c->told)
                return err_set(err, -ENOMEM, "out of memory");
        rc = job_input(text, err);
        if (rc < 0)
                return rc;
        *ret_fd = rc;
        return 0;
}

struct job_spec monitor_config_job(const char *program, int fd, const struct clock *clock)
{
        return (struct job_spec){ .program = program,
                                  .job = "statefile",
                                  .input = fd,
                                  .timeout_ns = JOB_S * NS_PER_S,
                                  .facts_max = STATE_FILE_FACTS_MAX + CONFFILE_FAULTS_MAX,
                                  .clock = clock };
}

void monitor_config_done(struct monitor_config *c)
{
        conffile_faults_done(&c->faults);
        arena_done(&c->arena);
        *c = (struct monitor_config){ 0 };
}

/* ---- facts: hostile, for their process has read YAML ---- */

/* The table a fact is of, and its place. */
static const struct state_table *fact_table(struct fact *f, size_t *ret_at)
{
        char name[STATE_NAME_MAX];
        size_t i = 0;

        fact_text(f, "table", name, sizeof name - 1);
        while (!f->missing && state_tables[i] && strcmp(state_tables[i]->name, name) != 0)
                i++;
        if (!f->missing && !state_tables[i])
                f->missing = "table";
        *ret_at = i;
        return f->missing ? NULL : state_tables[i];
}

static int take_table(struct monitor_config *c, struct fact *f)
{
        size_t at;
        const struct state_table *t = fact_table(f, &at);
        unsigned every_s = (unsigned)fact_number(f, "every", STATE_EVERY_MAX_S);
        bool off = fact_bool(f, "off");

        char alert[STATE_ALERT_MAX + 1] = "";
        struct json_value v;

        if (f->missing || t->n_settings)
                return -EBADMSG;
        if (json_get(f->object, "alert", &v) &&
            (!fact_copy(v, alert, STATE_ALERT_MAX) || !state_alert_rule_ok(t, span_str(alert))))
                return -EBADMSG;
        if (*alert) {
                c->told->table[at].alert = arena_copy(&c->arena, span_str(alert));
                if (!c->told->table[at].alert)
                        return -ENOMEM;
        }
        c->told->table[at].every_s = every_s;
        c->told->table[at].off = off;
        return 0;
}

static int copy_paths(struct monitor_config *c, struct json_value list, struct files_told *x)
{
        char path[STATE_SETTING_MAX + 1];
        struct json_iter it = json_iter_of(list);
        struct json_value v;

        if (list.type != JSON_ARRAY)
                return -EBADMSG;
        while (json_next(&it, NULL, &v)) {
                if (x->n_paths == STATE_PATHS_MAX || !fact_copy(v, path, STATE_SETTING_MAX) ||
                    path[0] != '/' || !state_given_text_ok(span_str(path)))
                        return -EBADMSG;
                x->path[x->n_paths] = arena_copy(&c->arena, span_str(path));
                if (!x->path[x->n_paths++])
                        return -ENOMEM;
        }
        return x->n_paths ? 0 : -EBADMSG;
}

static int take_files(struct monitor_config *c, struct fact *f)
{
        CLEANUP(buf_done) struct buf given = BUF_INIT(4 * STATE_SETTING_MAX);
        struct files_told *x = arena_alloc(&c->arena, sizeof *x);
        char name[STATE_SETTING_MAX + 1];
        uint64_t max_age_s = fact_number(f, "max_age", STATE_MAX_AGE_S);
        struct table_told *told;
        struct json_value paths;
        size_t at;
        const struct state_table *t = fact_table(f, &at);
        int rc;

        fact_text(f, "name", name, STATE_SETTING_MAX);
        if (f->missing || !(t->flags & STATE_TAKES_FILES) || !state_given_text_ok(span_str(name)) ||
            !json_get(f->object, "paths", &paths))
                return -EBADMSG;
        told = &c->told->table[at];
        if (told->n_files == STATE_FILES_MAX)
                return -EBADMSG;
        rc = x ? copy_paths(c, paths, x) : -ENOMEM;
        if (rc < 0)
                return rc;
        buf_printf(&given, "name\t%s\n", name);
        if (max_age_s)
                buf_printf(&given, "max_age\t%llu\n", (unsigned long long)max_age_s);
        x->given = buf_status(&given) == 0 ? arena_copy(&c->arena, buf_span(&given)) : NULL;
        if (!x->given)
                return -ENOMEM;
        if (told->last)
                told->last->next = x;
        else
                told->first = x;
        told->last = x;
        told->n_files++;
        told->n_sources += 1 + x->n_paths;
        return 0;
}

static int take_target(struct monitor_config *c, struct fact *f)
{
        struct target_told *x = &c->told->target[c->told->n_targets];
        struct json_value list;
        char *copy;
        size_t at;

        if (c->told->n_targets == STATE_TARGETS_MAX)
                return -EBADMSG;
        x->table = fact_table(f, &at);
        fact_text(f, "name", x->name, STATE_TARGET_NAME_MAX);
        x->every_s = (unsigned)fact_number(f, "every", STATE_EVERY_MAX_S);
        x->timeout_s = (unsigned)fact_number(f, "timeout", STATE_TIMEOUT_MAX_S);
        if (f->missing || !x->table->n_settings || !state_target_name_ok(span_str(x->name)) ||
            !json_get(f->object, "settings", &list) || list.type != JSON_ARRAY)
                return -EBADMSG;
        copy = arena_copy(&c->arena, list.raw);
        if (!copy)
                return -ENOMEM;
        x->settings = json_value_of(span_of(copy, list.raw.n));
        c->told->n_targets++;
        return 0;
}

int monitor_config_fact(void *ctx, struct span json)
{
        struct monitor_config *c = ctx;
        struct fact f = fact_of(json);
        struct span kind = fact_kind(&f);
        struct json_value v;

        if (json_get(f.object, "fault", &v))
                return conffile_take_fault(&c->faults, f.object, v);
        if (span_eq_str(kind, "table"))
                return take_table(c, &f);
        if (span_eq_str(kind, "files"))
                return take_files(c, &f);
        return span_eq_str(kind, "target") ? take_target(c, &f) : -EBADMSG;
}

/* ---- plans ---- */

/* A directory with everything below it, or what fits a pattern.  -ENOMEM. */
static int files_source(struct monitor_config *c, const char *path, struct state_source *ret)
{
        static const char deep[] = "/**";
        size_t n = strlen(path), cut = sizeof deep - 1;

        *ret = (struct state_source){ STATE_FILES, STATE_FOLLOW | STATE_NAMES, path };
        if (n <= cut || strcmp(path + n - cut, deep) != 0 || strcspn(path, "*?[") != n - cut + 1)
                return 0;
        *ret = (struct state_source){ STATE_TREE, STATE_NAMES,
                                      arena_copy(&c->arena, span_of(path, n - cut)) };
        return ret->where ? 0 : -ENOMEM;
}

static int plan_table(struct monitor_config *c, const struct state_table *t,
                      const struct table_told *told)
{
        size_t n = t->n_sources + told->n_sources;
        struct state_source *s;
        struct plan *p;

        if (told->off || t->n_settings || n == 0)
                return 0;
        s = arena_alloc(&c->arena, n * sizeof *s);
        if (!s)
                return -ENOMEM;
        p = &c->plans[c->n++];
        *p = (struct plan){ .table = t,
                            .alert = told->alert ? told->alert : t->alert,
                            .every_s = told->every_s ? told->every_s : t->every_s,
                            .sources = s,
                            .n_sources = n };
        snprintf(p->name, sizeof p->name, "%s", t->name);
        if (t->n_sources)
                memcpy(s, t->sources, t->n_sources * sizeof *s);
        s += t->n_sources;
        for (const struct files_told *x = told->first; x; x = x->next) {
                *s++ = (struct state_source){ STATE_GIVEN, STATE_TIMED, x->given };
                for (size_t i = 0; i < x->n_paths; i++)
                        if (files_source(c, x->path[i], s++) < 0)
                                return -ENOMEM;
        }
        return 0;
}

/* {"settings":[[key,value],...]}: each a setting of the table, each value good. */
static int copy_values(struct monitor_config *c, const struct target_told *told,
                       struct state_value **ret, size_t *ret_n)
{
        struct state_value *list = arena_alloc(&c->arena, STATE_SETTINGS_MAX * sizeof(*list));
        struct json_iter it = json_iter_of(told->settings), pair;
        char key[STATE_NAME_MAX], value[STATE_SETTING_MAX + 1], *copy;
        struct json_value item, k, v;
        size_t n = 0;

        if (!list)
                return -ENOMEM;
        while (json_next(&it, NULL, &item)) {
                if (item.type != JSON_ARRAY || n == STATE_SETTINGS_MAX)
                        return -EBADMSG;
                pair = json_iter_of(item);
                if (!json_next(&pair, NULL, &k) || !json_next(&pair, NULL, &v) ||
                    !fact_copy(k, key, sizeof key - 1) || !fact_copy(v, value, STATE_SETTING_MAX))
                        return -EBADMSG;
                list[n].setting = state_setting_by_name(told->table, span_str(key));
                if (!list[n].setting || state_setting_wrong(list[n].setting, span_str(value)))
                        return -EBADMSG;
                copy = arena_copy(&c->arena, span_str(value));
                if (!copy)
                        return -ENOMEM;
                list[n++].value = span_str(copy);
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

static int check_required(const struct target *t)
{
        for (size_t i = 0; i < t->table->n_settings; i++)
                if (t->table->settings[i].required && !target_value(t, t->table->settings[i].name))
                        return -EBADMSG;
        return 0;
}

/* What its reader gets of it: all, for a path is no secret and there is nothing else. */
static const char *given_of(struct monitor_config *c, const struct target *t)
{
        struct buf b = BUF_INIT(4 * STATE_SETTINGS_BYTES_MAX);
        const char *s;

        for (size_t i = 0; i < t->n; i++)
                buf_printf(&b, "%s\t%s\n", t->values[i].setting->name,
                           (const char *)t->values[i].value.p);
        s = buf_status(&b) == 0 ? arena_copy(&c->arena, buf_span(&b)) : NULL;
        buf_done(&b);
        return s;
}

static int plan_target(struct monitor_config *c, const struct target_told *told, struct err *err)
{
        struct state_source *s = arena_alloc(&c->arena, sizeof *s);
        struct target t = { .table = told->table,
                            .timeout_s = told->timeout_s ? told->timeout_s : STATE_TIMEOUT_S,
                            .arena = &c->arena };
        struct state_value *values = NULL;
        const struct state_value *at;
        const char *wrong;
        struct command *command = NULL;
        struct plan *p = &c->plans[c->n];
        int rc = s ? copy_values(c, told, &values, &t.n) : -ENOMEM;

        t.values = values;
        if (rc == 0)
                rc = check_required(&t);
        if (rc < 0)
                return err_sys(err, rc, "target %s", told->name);
        wrong = state_settings_wrong(t.table, values, t.n, &at);
        if (wrong)
                return err_set(err, -EBADMSG, "target %s: %s: %s", told->name, at->setting->name,
                               wrong);
        rc = target_command(&t, &command, err);
        if (rc < 0)
                return err_wrap(err, "target %s", told->name);
        *s = (struct state_source){ STATE_GIVEN, 0, given_of(c, &t) };
        if (!s->where)
                return err_set(err, -ENOMEM, "out of memory");
        *p = (struct plan){ .table = t.table,
                            .alert = t.table->alert,
                            .every_s = told->every_s ? told->every_s : t.table->every_s,
                            .sources = s,
                            .n_sources = 1,
                            .command = command };
        snprintf(p->name, sizeof p->name, "%s.%s", t.table->name, told->name);
        c->n++;
        return 0;
}

static int make_plans(struct monitor_config *c, struct err *err)
{
        int rc = 0;

        c->plans = arena_alloc(&c->arena, PLANS_MAX * sizeof *c->plans);
        if (!c->plans)
                return err_set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; state_tables[i] && rc == 0; i++)
                if ((rc = plan_table(c, state_tables[i], &c->told->table[i])) < 0)
                        err_sys(err, rc, "tables");
        for (size_t i = 0; i < c->told->n_targets && rc == 0; i++)
                rc = plan_target(c, &c->told->target[i], err);
        return rc;
}

int monitor_config_end(struct monitor_config *c, int job_result, const struct err *job_err,
                       struct err *err)
{
        int rc = conffile_end(c->from, &c->faults, job_result, job_err, err);

        if (rc == 0 && (rc = make_plans(c, err)) < 0)
                err_wrap(err, "%s", c->from);
        c->told = NULL;
        return rc;
}

int monitor_config_load(const char *path, const char *program, const struct clock *clock,
                        struct monitor_config *c, struct err *err)
{
        struct err job_err = { 0 };
        CLEANUP_FD int fd = -1;
        struct job_spec spec;
        int rc = monitor_config_open(path, c, &fd, err);

        if (rc < 0)
                return rc;
        spec = monitor_config_job(program, fd, clock);
        rc = job_run_wait(&spec, monitor_config_fact, c, &job_err);
        return monitor_config_end(c, rc, &job_err, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which unit files there are and what they say.  What is enabled is in units_state.c. */
#include "state/units/units_priv.h"

#include "state/reading/fields.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { UNIT_NAME_MAX = 255 }; /* systemd.unit(5) */

/* ---- what there is ---- */

static const char *const dirs[] = {
        "/etc/systemd/system.control", "/run/systemd/system.control",
        "/run/systemd/transient",      "/run/systemd/generator.early",
        "/etc/systemd/system",         "/etc/systemd/system.attached",
        "/run/systemd/system",         "/run/systemd/system.attached",
        "/run/systemd/generator",      "/usr/local/lib/systemd/system",
        "/usr/lib/systemd/system",     "/run/systemd/generator.late",
};

static bool ends_with(struct span s, const char *suffix)
{
        size_t n = strlen(suffix);

        return s.n > n && memcmp(s.p + s.n - n, suffix, n) == 0;
}

/* What is behind one of the directories; empty: it is elsewhere. */
static struct span below_dirs(struct span path)
{
        for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
                size_t n = strlen(dirs[i]);

                if (path.n > n && span_starts(path, span_str(dirs[i])) && path.p[n] == '/')
                        return span_from(path, n + 1);
        }
        return SPAN_NONE;
}

/* A part as an index' value. */
static struct span ref_of(const struct state_part *p)
{
        return span_of(p, sizeof(*p));
}

const struct state_part *unit_part(struct span ref)
{
        return ref.n ? (const struct state_part *)(const void *)ref.p : NULL;
}

static void note_below(struct units *u, const struct state_part *p, struct span rest)
{
        struct span dir = SPAN_NONE, name = rest;

        if (memchr(rest.p, '/', rest.n)) {
                (void)!field_cut(&rest, '/', &dir);
                name = rest;
        }
        if (memchr(name.p, '/', name.n) || S_ISDIR(p->mode))
                return;
        if (dir.n == 0) {
                index_add(&u->files, name, ref_of(p));
                if (S_ISLNK(p->mode) && !span_eq(field_base(p->bytes), name))
                        index_add(&u->names, field_base(p->bytes), ref_of(p));
        } else if (ends_with(dir, ".wants") || ends_with(dir, ".requires") ||
                   ends_with(dir, ".upholds")) {
                index_add(&u->wants, name, ref_of(p));
        } else if (ends_with(dir, ".d") && ends_with(name, ".conf")) {
                index_add(&u->drop_ins, span_of(dir.p, dir.n - 2), ref_of(p));
        }
}

static void note(struct units *u, const struct state_part *p)
{
        const struct span events = SPAN("/cgroup.events");
        struct span below = below_dirs(p->name), group = p->name;

        if (group.n > events.n && span_eq(span_from(group, group.n - events.n), events)) {
                group.n -= events.n;
                index_add(&u->groups, field_base(group), ref_of(p));
        } else if (below.n) {
                note_below(u, p, below);
        }
}

/* What cannot be read is one unit less, not a table less; what is not there is none. */
static int take_part(struct state_out *out, struct units *u, const struct state_part *p)
{
        struct buf why = BUF_INIT(256);
        int rc = 0;

        if (p->status == 0) {
                u->parts[u->n++] = *p;
        } else if (p->status != ENOENT) {
                state_put_status(&why, p->status);
                rc = state_fault(out, p, 0, "%s", buf_cstr(&why));
        }
        buf_done(&why);
        return rc;
}

static int load_parts(struct state_in *in, struct state_out *out, struct units *u)
{
        struct state_part p;
        size_t max = 0;
        int rc = 0;

        while (state_next(in, &p))
                max++;
        state_again(in);
        u->parts = calloc(max + 1, sizeof(*u->parts));
        if (!u->parts)
                return -ENOMEM;
        while (rc == 0 && state_next(in, &p))
                rc = take_part(out, u, &p);
        for (size_t i = 0; i < u->n && rc == 0; i++)
                note(u, &u->parts[i]);
        return rc;
}

int units_load(struct state_in *in, struct state_out *out, struct units *ret)
{
        struct index *all[] = { &ret->files, &ret->wants, &ret->names, &ret->drop_ins,
                                &ret->groups };
        int rc;

        *ret = (struct units){ 0 };
        rc = load_parts(in, out, ret);
        for (size_t i = 0; i < ARRAY_LEN(all) && rc == 0; i++)
                rc = index_sort(all[i]);
        if (rc < 0)
                units_done(ret);
        return rc;
}

void units_done(struct units *u)
{
        index_done(&u->files);
        index_done(&u->wants);
        index_done(&u->names);
        index_done(&u->drop_ins);
        index_done(&u->groups);
        free(u->parts);
        *u = (struct units){ 0 };
}

/* ---- what a file says ---- */

void unit_read_file(const struct state_part *p, struct unit *ret)
{
        ret->name = field_base(p->name);
        ret->path = p->name;
        ret->state = NULL;
        ret->alias_of = SPAN_NONE;
        ret->n = ret->n_drop_ins = ret->n_joined = 0;
        ret->cut = false;
        unit_read_settings(p, ret);
}

static bool is_key(const struct unit_setting *s, const char *section, const char *key)
{
        return span_eq_str(s->section, section) && span_eq_str(s->key, key);
}

struct span unit_value(const struct unit *x, const char *section, const char *key)
{
        struct span value = SPAN_NONE;

        for (size_t i = 0; i < x->n; i++)
                if (is_key(&x->setting[i], section, key))
                        value = x->setting[i].value;
        return value;
}

bool unit_says_yes(const struct unit *x, const char *section, const char *key)
{
        static const char *const yes[] = { "yes", "true", "on", "1" };
        struct span v = unit_value(x, section, key);

        for (size_t i = 0; i < ARRAY_LEN(yes); i++)
                if (span_eq_str(v, yes[i]))
                        return true;
        return false;
}

/* ---- drop-ins ---- */

/* Sorted by their file's name; of two of one name the first one found counts. */
static void add_drop_in(struct unit *x, const struct state_part *p)
{
        struct span name = field_base(p->name);
        size_t at = x->n_drop_ins;

        while (at > 0 && span_cmp(field_base(x->drop_in[at - 1]->name), name) > 0)
                at--;
        if (at > 0 && span_eq(field_base(x->drop_in[at - 1]->name), name))
                return;
        if (x->n_drop_ins == UNITS_DROP_INS_MAX) {
                x->cut = true;
                return;
        }
        for (size_t k = x->n_drop_ins; k > at; k--)
                x->drop_in[k] = x->drop_in[k - 1];
        x->drop_in[at] = p;
        x->n_drop_ins++;
}

static void add_drop_ins(const struct units *u, struct span key, struct unit *x)
{
        for (size_t i = index_find(&u->drop_ins, key);
             i < u->drop_ins.n && span_eq(u->drop_ins.at[i].key, key); i++)
                add_drop_in(x, unit_part(u->drop_ins.at[i].value));
}

/* foo-bar.service: of itself, of "foo-.service", of every "service". */
static void find_drop_ins(const struct units *u, struct span name, struct unit *x)
{
        struct span stem = name, suffix, key;
        struct buf text = BUF_INIT(UNIT_NAME_MAX + 64);
        size_t dot = stem.n;

        while (dot > 0 && stem.p[dot - 1] != '.')
                dot--;
        suffix = span_from(name, dot);
        stem.n = dot ? dot - 1 : 0;
        add_drop_ins(u, name, x);
        while (stem.n > 1 && stem.n <= UNIT_NAME_MAX) {
                do
                        stem.n--;
                while (stem.n > 0 && stem.p[stem.n - 1] != '-');
                if (stem.n == 0)
                        break;
                buf_clear(&text);
                buf_put(&text, stem);
                buf_put_byte(&text, '.');
                buf_put(&text, suffix);
                key = buf_span(&text);
                add_drop_ins(u, key, x);
        }
        add_drop_ins(u, suffix, x);
        buf_done(&text);
}

/* ---- one unit ---- */

bool unit_is_masked(const struct state_part *p)
{
        return S_ISLNK(p->mode) ? span_eq_str(p->bytes, "/dev/null") : p->bytes.n == 0;
}

/* The file that it leads to, for a link; [i, ...) are all of its name. */
static const struct state_part *content_of(const struct units *u, size_t i)
{
        const struct state_part *p = unit_part(u->files.at[i].value), *q;
        struct span name = u->files.at[i].key;

        if (!S_ISLNK(p->mode))
                return p;
        for (size_t k = i + 1; k < u->files.n && span_eq(u->files.at[k].key, name); k++) {
                q = unit_part(u->files.at[k].value);
                if (!S_ISLNK(q->mode) && (span_eq(q->name, p->name) || span_eq(q->name, p->bytes)))
                        return q;
        }
        return p;
}

/* The unit of that name, by files.at[i], which may be its template's. */
static void read_unit(const struct units *u, size_t i, struct span name, struct unit *x)
{
        const struct state_part *file = unit_part(u->files.at[i].value);
        const struct state_part *content = content_of(u, i);
        struct span own = u->files.at[i].key;

        x->name = name;
        x->path = file->name;
        x->n = x->n_drop_ins = x->n_joined = 0;
        x->cut = false;
        x->alias_of = SPAN_NONE;
        if (!unit_is_masked(file)) {
                if (!S_ISLNK(content->mode))
                        unit_read_settings(content, x);
                find_drop_ins(u, name, x);
                if (!span_eq(name, own))
                        find_drop_ins(u, own, x);
                for (size_t k = 0; k < x->n_drop_ins; k++)
                        if (!S_ISLNK(x->drop_in[k]->mode))
                                unit_read_settings(x->drop_in[k], x);
        }
        unit_find_state(u, file, x);
}

/* Its file or its template's; u->files.n: there is none. */
static size_t find_file(const struct units *u, struct span name)
{
        struct buf template = BUF_INIT(UNIT_NAME_MAX + 1);
        size_t i = index_find(&u->files, name);
        struct span front, suffix;

        if (i == u->files.n && unit_template_of(name, &front, &suffix)) {
                buf_put(&template, front);
                buf_put(&template, suffix);
                i = index_find(&u->files, buf_span(&template));
        }
        buf_done(&template);
        return i;
}

/* Instances that have drop-ins and no file. */
static bool next_instance(struct units *u, const char *suffix, struct unit *ret)
{
        while (u->at_instance < u->drop_ins.n) {
                size_t k = u->at_instance++;
                struct span name = u->drop_ins.at[k].key;
                bool first = k == 0 || !span_eq(u->drop_ins.at[k - 1].key, name);
                size_t i = first && ends_with(name, suffix) ? find_file(u, name) : u->files.n;

                if (i < u->files.n && !span_eq(u->files.at[i].key, name)) {
                        read_unit(u, i, name, ret);
                        return true;
                }
        }
        return false;
}

bool units_next(struct units *u, const char *suffix, struct unit *ret)
{
        while (u->at < u->files.n) {
                size_t i = u->at++;
                bool first = i == 0 || !span_eq(u->files.at[i - 1].key, u->files.at[i].key);

                if (first && ends_with(u->files.at[i].key, suffix)) {
                        read_unit(u, i, u->files.at[i].key, ret);
                        return true;
                }
        }
        if (next_instance(u, suffix, ret))
                return true;
        u->at = u->at_instance = 0;
        return false;
}

bool units_named(const struct units *u, struct span name, struct unit *ret)
{
        size_t i = find_file(u, name);

        if (i == u->files.n)
                return false;
        read_unit(u, i, name, ret);
        return true;
}

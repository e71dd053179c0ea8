/* SPDX-License-Identifier: Apache-2.0 */
/* What a unit is enabled by, as systemctl(1) is-enabled says it, and what tables tell of it. */
#include "state/reading/fields.h"
#include "state/reading/mask.h"
#include "state/units/units_priv.h"

#include <sys/stat.h>

static const char etc[] = "/etc/systemd/", run[] = "/run/systemd/";

static bool is_below(struct span path, const char *dir)
{
        return span_starts(path, span_str(dir));
}

bool unit_template_of(struct span name, struct span *ret_front, struct span *ret_suffix)
{
        const uint8_t *at = name.n ? memchr(name.p, '@', name.n) : NULL;
        size_t dot = name.n;

        while (dot > 0 && name.p[dot - 1] != '.')
                dot--;
        if (!at || dot == 0 || name.p + dot - 1 <= at + 1)
                return false;
        *ret_front = span_of(name.p, (size_t)(at - name.p) + 1);
        *ret_suffix = span_from(name, dot - 1);
        return true;
}

/* Links in *.wants and *.requires that name it or an instance of it: from *i on; NULL: no more. */
static const struct state_part *next_want(const struct units *u, const struct unit *x, size_t *i)
{
        struct span front = x->name, instance_of, suffix;
        const uint8_t *at = memchr(x->name.p, '@', x->name.n);
        bool template = at && at[1] == '.';

        if (template)
                front.n = (size_t)(at - x->name.p) + 1;
        for (; *i < u->wants.n && span_starts(u->wants.at[*i].key, front); (*i)++) {
                struct span key = u->wants.at[*i].key;

                if (span_eq(key, x->name) ||
                    (template && unit_template_of(key, &instance_of, &suffix) &&
                     span_eq(instance_of, front) && span_eq(suffix, span_from(x->name, front.n))))
                        return unit_part(u->wants.at[(*i)++].value);
        }
        return NULL;
}

static size_t first_want(const struct units *u, const struct unit *x)
{
        struct span front = x->name;
        const uint8_t *at = memchr(front.p, '@', front.n);

        if (at && at[1] == '.')
                front.n = (size_t)(at - front.p) + 1;
        return index_lower(&u->wants, front);
}

/* Is that one of the names that [Install] Alias= gives it? */
static bool has_alias(const struct unit *x, struct span name)
{
        struct span words, word;

        for (size_t i = 0; i < x->n; i++) {
                if (!span_eq_str(x->setting[i].section, "Install") ||
                    !span_eq_str(x->setting[i].key, "Alias"))
                        continue;
                words = x->setting[i].value;
                while (field_word(&words, &word))
                        if (span_eq(word, name))
                                return true;
        }
        return false;
}

/* Of a template only the instance counts that [Install] names. */
static bool is_default(const struct unit *x, struct span name)
{
        struct span front, suffix, instance = unit_value(x, "Install", "DefaultInstance");

        if (span_eq(name, x->name))
                return true;
        return unit_template_of(name, &front, &suffix) &&
               span_eq(span_of(name.p + front.n, name.n - front.n - suffix.n), instance);
}

/* By links below etc or run: 1 by what [Install] says, 2 by another name. */
static int linked_below(const struct units *u, const struct unit *x, const char *dir)
{
        const struct state_part *p;
        int found = 0;

        for (size_t i = first_want(u, x); (p = next_want(u, x, &i));)
                if (is_below(p->name, dir)) {
                        if (is_default(x, field_base(p->name)))
                                return 1;
                        found = 2;
                }
        for (size_t i = index_find(&u->names, x->name);
             i < u->names.n && span_eq(u->names.at[i].key, x->name); i++) {
                p = unit_part(u->names.at[i].value);
                if (!is_below(p->name, dir))
                        continue;
                if (has_alias(x, field_base(p->name)))
                        return 1;
                found = 2;
        }
        return found;
}

static bool has_install(const struct unit *x, const char *const *keys)
{
        for (; *keys; keys++)
                if (unit_value(x, "Install", *keys).n)
                        return true;
        return false;
}

static const char *installed(const struct units *u, const struct unit *x)
{
        static const char *const rules[] = { "WantedBy", "RequiredBy", "UpheldBy", "Alias", NULL };
        static const char *const also[] = { "Also", NULL };
        int by_etc = linked_below(u, x, etc), by_run = linked_below(u, x, run);

        if (by_etc == 1)
                return "enabled";
        if (by_run == 1)
                return "enabled-runtime";
        if (by_etc || by_run)
                return "indirect";
        if (has_install(x, rules))
                return "disabled";
        return has_install(x, also) ? "indirect" : "static";
}

static bool is_in_dirs(const struct units *u, struct span name, struct span path)
{
        for (size_t i = index_find(&u->files, name);
             i < u->files.n && span_eq(u->files.at[i].key, name); i++)
                if (span_eq(unit_part(u->files.at[i].value)->name, path))
                        return true;
        return false;
}

void unit_find_state(const struct units *u, const struct state_part *file, struct unit *x)
{
        struct span target = S_ISLNK(file->mode) ? file->bytes : SPAN_NONE;

        if (unit_is_masked(file)) {
                x->state = is_below(file->name, run) ? "masked-runtime" : "masked";
        } else if (target.n && !span_eq(field_base(target), x->name)) {
                x->state = "alias";
                x->alias_of = field_base(target);
        } else if (is_below(file->name, "/run/systemd/generator")) {
                x->state = "generated";
        } else if (is_below(file->name, "/run/systemd/transient")) {
                x->state = "transient";
        } else {
                x->state = installed(u, x);
                if (target.n && !is_in_dirs(u, x->name, target) && strcmp(x->state, "enabled") &&
                    strcmp(x->state, "enabled-runtime"))
                        x->state = is_below(file->name, run) ? "linked-runtime" : "linked";
        }
}

/* ---- for tables ---- */

static bool is_one_of(struct span key, const char *const *keys)
{
        for (; *keys; keys++)
                if (span_eq_str(key, *keys))
                        return true;
        return false;
}

/* An empty value forgets those before. */
static bool is_forgotten(const struct unit *x, size_t i)
{
        for (size_t k = i + 1; k < x->n; k++)
                if (x->setting[k].value.n == 0 && span_eq(x->setting[k].key, x->setting[i].key) &&
                    span_eq(x->setting[k].section, x->setting[i].section))
                        return true;
        return false;
}

void unit_put_list(struct state_out *out, const char *column, const struct unit *x,
                   const char *section, const char *const *keys)
{
        struct buf text = BUF_INIT(STATE_ROW_MAX);

        for (size_t i = 0; i < x->n; i++) {
                const struct unit_setting *s = &x->setting[i];

                if (s->value.n == 0 || !span_eq_str(s->section, section) ||
                    !is_one_of(s->key, keys) || is_forgotten(x, i))
                        continue;
                buf_clear(&text);
                buf_put(&text, s->key);
                buf_put_byte(&text, '=');
                buf_put(&text, s->value);
                state_memory(out, &text);
                mask_item(out, column, buf_span(&text));
        }
        buf_done(&text);
}

/* The target that wants it: of /etc/systemd/system/TARGET.wants/NAME. */
static void put_wanted_by(struct state_out *out, const struct units *u, const struct unit *x)
{
        const struct state_part *p;
        struct span dir, last = SPAN_NONE;

        for (size_t i = first_want(u, x); (p = next_want(u, x, &i));) {
                dir = p->name;
                dir.n -= field_base(dir).n + 1;
                dir = field_base(dir);
                while (dir.n && dir.p[dir.n - 1] != '.')
                        dir.n--;
                dir.n -= dir.n > 0;
                if (!span_eq(dir, last))
                        state_item(out, "wanted_by", dir);
                last = dir;
        }
}

void unit_put_common(struct state_out *out, const struct units *u, const struct unit *x)
{
        state_text(out, "name", x->name);
        state_str(out, "state", x->state);
        state_text(out, "path", x->path);
        if (x->alias_of.n)
                state_text(out, "alias_of", x->alias_of);
        for (size_t i = 0; i < x->n_drop_ins; i++)
                state_item(out, "drop_ins", x->drop_in[i]->name);
        put_wanted_by(out, u, x);
}

void unit_put_started(struct buf *out, const struct unit *x, const char *section, const char *key,
                      const char *otherwise)
{
        struct span said = unit_value(x, section, key), stem = x->name;

        if (said.n) {
                buf_put(out, said);
                return;
        }
        while (stem.n && stem.p[stem.n - 1] != '.')
                stem.n--;
        stem.n -= stem.n > 0;
        buf_put(out, stem);
        buf_put_str(out, otherwise);
}

void unit_put_instances(struct state_out *out, const char *column, const struct units *u,
                        const struct unit *x)
{
        struct span front, suffix, name, last = SPAN_NONE;
        const struct state_part *p;

        for (size_t i = first_want(u, x); (p = next_want(u, x, &i));) {
                name = field_base(p->name);
                if (span_eq(name, x->name) || span_eq(name, last) ||
                    !unit_template_of(name, &front, &suffix))
                        continue;
                state_item(out, column, span_of(name.p + front.n, name.n - front.n - suffix.n));
                last = name;
        }
}

static bool is_populated(const struct state_part *p)
{
        return memmem(p->bytes.p, p->bytes.n, "populated 1", 11) != NULL;
}

/* Of a template: any instance. */
enum unit_running unit_running(const struct units *u, const struct unit *x)
{
        struct span front = x->name, f, s;
        const uint8_t *at = memchr(front.p, '@', front.n);
        bool template = at && at[1] == '.';

        if (u->groups.n == 0)
                return UNIT_UNKNOWN;
        if (template)
                front.n = (size_t)(at - front.p) + 1;
        for (size_t i = index_lower(&u->groups, front);
             i < u->groups.n && span_starts(u->groups.at[i].key, front); i++) {
                struct span key = u->groups.at[i].key;
                bool same = span_eq(key, x->name) || (template && unit_template_of(key, &f, &s) &&
                                                      span_eq(s, span_from(x->name, front.n)));

                if (same && is_populated(unit_part(u->groups.at[i].value)))
                        return UNIT_RUNNING;
        }
        return UNIT_STOPPED;
}

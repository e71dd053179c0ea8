/* SPDX-License-Identifier: Apache-2.0 */
#include "job/watch.h"

#include "base/text.h"
#include "wire/attribute.h"

#include <stdio.h>

#define SHOWN(s) (int)MIN_OF((s).n, (size_t)60), (const char *)(s).p

enum { DEEP_MIN_S = 60 * 60, DEEP_MAX_S = 366 * 86400 };

/* ---- values ---- */

/* The text of a node, which must be one; false after a fault. */
static bool get_text(struct watch_file *w, const struct yaml_node *n, const char *wanted,
                     struct span *ret)
{
        if (n->type != YAML_TEXT || (n->plain && n->text.n == 0)) {
                watch_fault(w, n->mark, "%s should stand here, not %s", wanted,
                            n->type == YAML_MAP    ? "keys"
                            : n->type == YAML_LIST ? "a list"
                                                   : "nothing");
                return false;
        }
        *ret = n->text;
        return true;
}

static bool get_bool(struct watch_file *w, const struct yaml_node *n, bool *ret)
{
        struct span s;

        if (!get_text(w, n, "true or false", &s))
                return false;
        if (!n->plain || !(span_eq_str(s, "true") || span_eq_str(s, "false"))) {
                watch_fault(w, n->mark, "true or false should stand here, not \"%.*s\"", SHOWN(s));
                return false;
        }
        *ret = span_eq_str(s, "true");
        return true;
}

struct unit {
        const char *name;
        uint64_t times;
};

/* A number and its unit, without a blank between them. */
static bool get_number(struct watch_file *w, const struct yaml_node *n, const char *wanted,
                       const struct unit *units, size_t n_units, uint64_t *ret)
{
        size_t digits = 0;
        uint64_t v;
        struct span s;

        if (!get_text(w, n, wanted, &s))
                return false;
        while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
                digits++;
        if (text_to_u64(span_of(s.p, digits), &v) == 0)
                for (size_t i = 0; i < n_units; i++)
                        if (span_eq_str(span_from(s, digits), units[i].name) &&
                            !__builtin_mul_overflow(v, units[i].times, &v) && v < 1ull << 53) {
                                *ret = v;
                                return true;
                        }
        watch_fault(w, n->mark, "%s should stand here, not \"%.*s\"", wanted, SHOWN(s));
        return false;
}

static bool name_ok(struct span name)
{
        for (size_t i = 0; i < name.n; i++) {
                uint8_t c = name.p[i];

                if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
                        return false;
        }
        return name.n > 0 && name.n <= WATCH_FILE_NAME;
}

/* ---- one profile ---- */

static void take_description(struct watch_file *w, struct watch_section *s,
                             const struct yaml_node *n)
{
        if (get_text(w, n, "a text", &s->about) && s->about.n > WATCH_FILE_ABOUT)
                watch_fault(w, n->mark, "a description is at most %d bytes long", WATCH_FILE_ABOUT);
}

static void take_mode(struct watch_file *w, struct watch_section *s, const struct yaml_node *n)
{
        struct span name;

        s->mode_mark = n->mark;
        if (!get_text(w, n, "a mode", &name))
                return;
        for (unsigned i = 0; i < FILE_MODES; i++)
                if (span_eq_str(name, watch_file_mode_name[i])) {
                        s->mode = (enum watch_file_mode)i;
                        return;
                }
        watch_fault(w, n->mark, "unknown mode \"%.*s\": there are log, alert, restore and deny",
                    SHOWN(name));
}

/* A pattern's byte as a place: within a text that stands in one line as it is. */
static struct yaml_mark mark_within(const struct yaml_node *n, size_t at)
{
        struct yaml_mark m = n->mark;

        for (size_t i = 0; n->plain && i < MIN_OF(at, n->text.n); i++)
                m.column += (n->text.p[i] & 0xc0) != 0x80;
        return m;
}

static size_t wild_parts(const struct pattern *p)
{
        size_t i = 0;

        while (i < p->n && p->part[i].kind == PATTERN_LITERAL)
                i++;
        return p->n - i;
}

static void take_pattern(struct watch_file *w, const struct yaml_node *n, bool exclude)
{
        struct watch_pattern *p;
        struct err err = { 0 };
        struct span text;
        size_t at;

        if (!get_text(w, n, "a path", &text))
                return;
        if (w->n_patterns == WATCH_FILE_PATTERNS) {
                watch_fault(w, n->mark, "more than %d patterns", WATCH_FILE_PATTERNS);
                return;
        }
        p = arena_alloc(&w->arena, sizeof *p);
        if (!p) {
                w->rc = -ENOMEM;
                return;
        }
        if (pattern_parse(text, &p->pattern, &at, &err) < 0) {
                watch_fault(w, mark_within(n, at), "\"%.*s\": %s", SHOWN(text), err_text(&err));
                return;
        }
        w->n_wild += wild_parts(&p->pattern);
        if (w->n_wild > WATCH_FILE_WILD) {
                watch_fault(w, n->mark, "more than %d parts behind wildcards", WATCH_FILE_WILD);
                w->n_wild = 0; /* once is enough */
        }
        p->mark = n->mark;
        p->text = text;
        p->exclude = exclude;
        p->profile = (unsigned)w->n_sections; /* the one that is being read */
        w->pattern[w->n_patterns++] = p;
}

static void take_patterns(struct watch_file *w, const struct yaml_node *n, bool exclude)
{
        if (n->type != YAML_LIST) {
                take_pattern(w, n, exclude);
                return;
        }
        if (!n->child)
                watch_fault(w, n->mark, "an empty list says nothing: leave the key out");
        for (const struct yaml_node *i = n->child; i; i = i->next)
                take_pattern(w, i, exclude);
}

static void take_paths(struct watch_file *w, struct watch_section *s, const struct yaml_node *n)
{
        (void)s;
        take_patterns(w, n, false);
}

static void take_exclude(struct watch_file *w, struct watch_section *s, const struct yaml_node *n)
{
        (void)s;
        take_patterns(w, n, true);
}

/* "mode", "content", or with a dash before it: not these. */
static void take_attribute(struct watch_file *w, const struct yaml_node *n, uint32_t *with,
                           uint32_t *without)
{
        struct span name;
        uint32_t set;
        bool less;

        if (!get_text(w, n, "an attribute", &name))
                return;
        less = name.n && name.p[0] == '-';
        set = attribute_set(span_from(name, less));
        if (!set)
                watch_fault(w, n->mark, "unknown attribute \"%.*s\"", SHOWN(name));
        *(less ? without : with) |= set;
}

static void take_attributes(struct watch_file *w, struct watch_section *s,
                            const struct yaml_node *n)
{
        uint32_t with = 0, without = 0;
        size_t faults = w->n_faults + w->more_faults;

        if (n->type != YAML_LIST)
                take_attribute(w, n, &with, &without);
        for (const struct yaml_node *i = n->child; n->type == YAML_LIST && i; i = i->next)
                take_attribute(w, i, &with, &without);
        s->attributes = (with ? with : ATTRIBUTE_ALL) & ~without;
        if (w->n_faults + w->more_faults == faults && (s->attributes == 0 || !(with | without)))
                watch_fault(w, n->mark, "no attribute is left");
}

static void take_keep(struct watch_file *w, struct watch_section *s, const struct yaml_node *n)
{
        if (get_bool(w, n, &s->keep))
                s->keep_mark = n->mark;
}

static void take_max_size(struct watch_file *w, struct watch_section *s, const struct yaml_node *n)
{
        static const struct unit units[] = {
                { "", 1 }, { "KiB", 1024 }, { "MiB", 1024 * 1024 }, { "GiB", 1024 * 1024 * 1024 }
        };

        s->max_size_mark = n->mark;
        if (get_number(w, n, "a size, as 512KiB or 16MiB,", units, ARRAY_LEN(units),
                       &s->max_size) &&
            s->max_size == 0)
                watch_fault(w, n->mark, "nothing is smaller than 1 byte");
}

static void take_volatile(struct watch_file *w, struct watch_section *s, const struct yaml_node *n)
{
        if (get_bool(w, n, &s->changes))
                s->volatile_mark = n->mark;
}

static void take_deep(struct watch_file *w, struct watch_section *s, const struct yaml_node *n)
{
        static const struct unit units[] = {
                { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 }
        };

        if (get_number(w, n, "a time, as 12h or 7d,", units, ARRAY_LEN(units), &s->deep_s) &&
            (s->deep_s < DEEP_MIN_S || s->deep_s > DEEP_MAX_S))
                watch_fault(w, n->mark, "between 1h and 366d");
}

/* A unit of systemd, or a program. */
static bool owner_ok(struct span s)
{
        static const char *const ends[] = { ".service", ".socket", ".timer", ".scope", ".slice" };
        struct pattern p;
        size_t at;

        if (s.n && s.p[0] == '/')
                return pattern_parse(s, &p, &at, NULL) == 0 && p.rank.literals == p.n && p.n;
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '/')
                        return false;
        for (size_t i = 0; i < ARRAY_LEN(ends); i++)
                if (s.n <= 255 && s.n > strlen(ends[i]) &&
                    span_eq_str(span_from(s, s.n - strlen(ends[i])), ends[i]))
                        return true;
        return false;
}

static void take_owners(struct watch_file *w, struct watch_section *s, const struct yaml_node *n)
{
        struct span text;

        if (n->type != YAML_LIST || !n->child) {
                watch_fault(w, n->mark, "a list of units and programs should stand here");
                return;
        }
        for (const struct yaml_node *i = n->child; i; i = i->next) {
                if (!get_text(w, i, "a unit or a program", &text))
                        continue;
                if (!owner_ok(text))
                        watch_fault(w, i->mark,
                                    "\"%.*s\" is neither the path of a program nor a unit "
                                    "(as cron.service)",
                                    SHOWN(text));
                else if (s->n_owners == WATCH_FILE_OWNERS)
                        watch_fault(w, i->mark, "more than %d owners", WATCH_FILE_OWNERS);
                else
                        s->owners[s->n_owners++] = text;
        }
}

/* ---- keys ---- */

typedef void take_fn(struct watch_file *w, struct watch_section *s, const struct yaml_node *n);

struct key {
        const char *name;
        take_fn *take;
        bool required;
};

static const struct key profile_keys[] = {
        { "description", take_description, false },
        { "mode", take_mode, true },
        { "paths", take_paths, true },
        { "exclude", take_exclude, false },
        { "attributes", take_attributes, false },
        { "keep", take_keep, false },
        { "max_size", take_max_size, false },
        { "volatile", take_volatile, false },
        { "owners", take_owners, false },
        { "deep", take_deep, false },
};

/* The key of the same name before this one. */
static const struct yaml_node *same_key(const struct yaml_node *map, const struct yaml_node *key)
{
        const struct yaml_node *k = map->child;

        while (k != key && !span_eq(k->text, key->text))
                k = k->next;
        return k == key ? NULL : k;
}

static void unknown_key(struct watch_file *w, const struct yaml_node *k, const struct key *keys,
                        size_t n)
{
        char known[160];
        size_t used = 0;

        for (size_t i = 0; i < n; i++)
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                         keys[i].name);
        assert(used < sizeof known);
        watch_fault(w, k->mark, "unknown key \"%.*s\": there are %s", SHOWN(k->text), known);
}

static void take_keys(struct watch_file *w, struct watch_section *s, const struct yaml_node *map,
                      const struct key *keys, size_t n, const char *what, struct yaml_mark at)
{
        uint32_t seen = 0;

        for (const struct yaml_node *k = map->child; k; k = k->next) {
                const struct yaml_node *same = same_key(map, k);
                size_t i = 0;

                if (same) {
                        watch_fault(w, k->mark, "key \"%.*s\" is there twice, first in line %u",
                                    SHOWN(k->text), (unsigned)same->mark.line);
                        continue;
                }
                while (i < n && !span_eq_str(k->text, keys[i].name))
                        i++;
                if (i == n) {
                        unknown_key(w, k, keys, n);
                        continue;
                }
                seen |= 1u << i;
                keys[i].take(w, s, k->value);
        }
        for (size_t i = 0; i < n; i++)
                if (keys[i].required && !(seen >> i & 1))
                        watch_fault(w, at, "%s has no %s", what, keys[i].name);
}

/* What only makes sense, or no sense, together. */
static void check_section(struct watch_file *w, struct watch_section *s)
{
        if (s->keep_mark.line && !s->keep && s->mode == FILE_RESTORE)
                watch_fault(w, s->keep_mark,
                            "mode restore needs the content that is not to be kept");
        s->keep = s->keep || s->mode == FILE_RESTORE;
        if (s->max_size_mark.line && !s->keep)
                watch_fault(w, s->max_size_mark, "max_size is of content, which is not kept");
        if (s->changes && (s->mode == FILE_RESTORE || s->mode == FILE_DENY))
                watch_fault(w, s->volatile_mark, "what is volatile can be logged or alerted only");
}

static void take_profile(struct watch_file *w, const struct yaml_node *k)
{
        struct watch_section *s = &w->section[w->n_sections];
        char what[WATCH_FILE_NAME + 16];

        if (!name_ok(k->text)) {
                watch_fault(w, k->mark,
                            "\"%.*s\": the name of a profile is up to %d of a-z, 0-9, - and _",
                            SHOWN(k->text), WATCH_FILE_NAME);
                return;
        }
        if (w->n_sections == WATCH_FILE_PROFILES) {
                watch_fault(w, k->mark, "more than %d profiles", WATCH_FILE_PROFILES);
                return;
        }
        if (k->value->type != YAML_MAP) {
                watch_fault(w, k->value->mark, "the keys of profile %.*s should stand here",
                            SHOWN(k->text));
                return;
        }
        *s = (struct watch_section){
                .mark = k->mark, .name = k->text, .attributes = ATTRIBUTE_ALL, .about = SPAN("")
        };
        snprintf(what, sizeof what, "profile %.*s", (int)k->text.n, (const char *)k->text.p);
        take_keys(w, s, k->value, profile_keys, ARRAY_LEN(profile_keys), what, k->mark);
        check_section(w, s);
        w->n_sections++;
}

static void take_profiles(struct watch_file *w, struct watch_section *unused,
                          const struct yaml_node *n)
{
        (void)unused;
        if (n->type != YAML_MAP || !n->child) {
                watch_fault(w, n->mark, "the profiles by their names should stand here");
                return;
        }
        for (const struct yaml_node *k = n->child; k; k = k->next) {
                const struct yaml_node *same = same_key(n, k);

                if (same)
                        watch_fault(w, k->mark, "profile %.*s is there twice, first in line %u",
                                    SHOWN(k->text), (unsigned)same->mark.line);
                else
                        take_profile(w, k);
        }
}

static void take_version(struct watch_file *w, struct watch_section *unused,
                         const struct yaml_node *n)
{
        struct span s;

        (void)unused;
        if (get_text(w, n, "the version, 1,", &s) && !(n->plain && span_eq_str(s, "1")))
                watch_fault(w, n->mark, "this is version 1, not \"%.*s\"", SHOWN(s));
}

static const struct key top_keys[] = {
        { "version", take_version, true },
        { "profiles", take_profiles, true },
};

void watch_read(struct watch_file *w, const struct yaml_node *root)
{
        static const struct yaml_mark top = { 1, 1 };

        if (!root || root->type != YAML_MAP)
                watch_fault(w, root ? root->mark : top,
                            "the keys version and profiles should "
                            "stand here");
        else
                take_keys(w, NULL, root, top_keys, ARRAY_LEN(top_keys), "the file", root->mark);
}

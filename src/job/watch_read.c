/* SPDX-License-Identifier: Apache-2.0 */
#include "job/watch.h"

#include "base/text.h"
#include "wire/attribute.h"

#include <stdio.h>

enum {
        DEEP_MIN_S = 60 * 60,
        DEEP_MAX_S = 366 * 86400,
        SCAN_BYTES_MIN = 64 * 1024,
        SCAN_FILES_MIN = 10,
};

/* ---- values ---- */

static bool get_bool(struct watch_file *w, const struct yaml_node *n, bool *ret)
{
        struct span s;

        if (!yaml_get_text(&w->faults, n, "true or false", &s))
                return false;
        if (!n->plain || !(span_eq_str(s, "true") || span_eq_str(s, "false"))) {
                watch_fault(w, n->mark, "true or false should stand here, not \"%.*s\"", SHOWN(s));
                return false;
        }
        *ret = span_eq_str(s, "true");
        return true;
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

static void take_description(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct watch_section *s = w->taking;

        if (yaml_get_text(&w->faults, n, "a text", &s->about) && s->about.n > WATCH_FILE_ABOUT)
                watch_fault(w, n->mark, "a description is at most %d bytes long", WATCH_FILE_ABOUT);
}

static void take_mode(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct watch_section *s = w->taking;
        struct span name;

        s->mode_mark = n->mark;
        if (!yaml_get_text(&w->faults, n, "a mode", &name))
                return;
        for (unsigned i = 0; i < FILE_MODES; i++)
                if (span_eq_str(name, watch_file_mode_name[i])) {
                        s->mode = (enum watch_file_mode)i;
                        return;
                }
        watch_fault(w, n->mark, "unknown mode \"%.*s\": there are log, alert, restore and deny",
                    SHOWN(name));
}

static void take_execute(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct watch_section *s = w->taking;
        struct span name;

        if (!yaml_get_text(&w->faults, n, "which programs may run", &name))
                return;
        for (unsigned i = 0; i < FILE_EXECUTES; i++)
                if (span_eq_str(name, watch_file_execute_name[i])) {
                        s->execute = (enum watch_file_execute)i;
                        return;
                }
        watch_fault(w, n->mark, "unknown \"%.*s\": there are any, known and strict", SHOWN(name));
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

        if (!yaml_get_text(&w->faults, n, "a path", &text))
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

static void take_paths(void *ctx, const struct yaml_node *n)
{
        take_patterns(ctx, n, false);
}

static void take_exclude(void *ctx, const struct yaml_node *n)
{
        take_patterns(ctx, n, true);
}

/* "mode", "content", or with a dash before it: not these. */
static void take_attribute(struct watch_file *w, const struct yaml_node *n, uint32_t *with,
                           uint32_t *without)
{
        struct span name;
        uint32_t set;
        bool less;

        if (!yaml_get_text(&w->faults, n, "an attribute", &name))
                return;
        less = name.n && name.p[0] == '-';
        set = attribute_set(span_from(name, less));
        if (!set)
                watch_fault(w, n->mark, "unknown attribute \"%.*s\"", SHOWN(name));
        *(less ? without : with) |= set;
}

static void take_attributes(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct watch_section *s = w->taking;
        uint32_t with = 0, without = 0;
        size_t faults = faults_count(&w->faults);

        if (n->type != YAML_LIST)
                take_attribute(w, n, &with, &without);
        for (const struct yaml_node *i = n->child; n->type == YAML_LIST && i; i = i->next)
                take_attribute(w, i, &with, &without);
        s->attributes = (with ? with : ATTRIBUTE_ALL) & ~without;
        if (faults_count(&w->faults) == faults && (s->attributes == 0 || !(with | without)))
                watch_fault(w, n->mark, "no attribute is left");
}

static void take_keep(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct watch_section *s = w->taking;

        if (get_bool(w, n, &s->keep))
                s->keep_mark = n->mark;
}

static const struct yaml_unit sizes[] = {
        { "", 1 }, { "KiB", 1024 }, { "MiB", 1024 * 1024 }, { "GiB", 1024 * 1024 * 1024 }
};

static void take_max_size(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct watch_section *s = w->taking;

        s->max_size_mark = n->mark;
        if (yaml_get_number(&w->faults, n, "a size, as 512KiB or 16MiB,", sizes, ARRAY_LEN(sizes),
                            &s->max_size) &&
            s->max_size == 0)
                watch_fault(w, n->mark, "nothing is smaller than 1 byte");
}

static void take_volatile(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct watch_section *s = w->taking;

        if (get_bool(w, n, &s->changes))
                s->volatile_mark = n->mark;
}

static void take_deep(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct watch_section *s = w->taking;
        static const struct yaml_unit units[] = {
                { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 }
        };

        if (yaml_get_number(&w->faults, n, "a time, as 12h or 7d,", units, ARRAY_LEN(units),
                            &s->deep_s) &&
            (s->deep_s < DEEP_MIN_S || s->deep_s > DEEP_MAX_S))
                watch_fault(w, n->mark, "between 1h and 366d");
}

static bool program_ok(struct span s)
{
        struct pattern p;
        size_t at;

        return s.n && s.p[0] == '/' && pattern_parse(s, &p, &at, NULL) == 0 &&
               p.rank.literals == p.n && p.n;
}

/* A unit of systemd, a program, or what dpkg begins: all of it, or a program. */
static bool owner_ok(struct span s)
{
        static const char *const ends[] = { ".service", ".socket", ".timer", ".scope", ".slice" };
        static const struct span packages = SPAN_INIT("packages");

        if (span_eq(s, packages))
                return true;
        if (span_starts(s, SPAN("packages:")))
                return program_ok(span_from(s, packages.n + 1));
        if (s.n && s.p[0] == '/')
                return program_ok(s);
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '/')
                        return false;
        for (size_t i = 0; i < ARRAY_LEN(ends); i++)
                if (s.n <= 255 && s.n > strlen(ends[i]) &&
                    span_eq_str(span_from(s, s.n - strlen(ends[i])), ends[i]))
                        return true;
        return false;
}

/* Programs that run what they are given: as an owner each would own what anybody does with it, for
 * those it has begun count too.  Their names may end with a version. */
static bool runs_anything(struct span path)
{
        static const char names[] =
                "anacron ash at atd awk bash busybox bwrap capsh choom chroot chrt "
                "containerd-shim cron crond csh dash doas dockerd eatmydata env expect "
                "fakeroot find firejail fish flock gawk gdb guile init ionice java ksh "
                "ld-linux-x86-64.so ld.so login ltrace lua make mawk mksh nice node "
                "nodejs nohup nsenter parallel perl php pkexec prlimit pypy python rbash "
                "ruby run-parts runcon runuser screen script setarch setpriv setsid sh "
                "sshd start-stop-daemon stdbuf strace su sudo systemd systemd-run taskset "
                "tclsh time timeout tmux unbuffer unshare watch wish xargs zsh ";
        struct span name = path, n = SPAN(names);

        for (size_t i = 0; i < path.n; i++)
                if (path.p[i] == '/')
                        name = span_from(path, i + 1);
        while (n.n) {
                const uint8_t *blank = memchr(n.p, ' ', n.n);
                struct span one = span_of(n.p, (size_t)(blank - n.p)),
                            rest = span_from(name, one.n);

                n = span_from(n, one.n + 1);
                if (!span_starts(name, one))
                        continue;
                while (rest.n && (rest.p[0] == '.' || rest.p[0] == '-' ||
                                  (rest.p[0] >= '0' && rest.p[0] <= '9')))
                        rest = span_from(rest, 1);
                if (rest.n == 0)
                        return true;
        }
        return false;
}

static void take_owners(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct watch_section *s = w->taking;
        struct span text;

        if (n->type != YAML_LIST || !n->child) {
                watch_fault(w, n->mark, "a list of units and programs should stand here");
                return;
        }
        for (const struct yaml_node *i = n->child; i; i = i->next) {
                if (!yaml_get_text(&w->faults, i, "a unit or a program", &text))
                        continue;
                if (!owner_ok(text))
                        watch_fault(w, i->mark,
                                    "\"%.*s\" is neither the path of a program nor a unit "
                                    "(as cron.service) nor \"packages\"",
                                    SHOWN(text));
                else if (text.p[0] == '/' && runs_anything(text))
                        watch_fault(w, i->mark,
                                    "\"%.*s\" runs whatever it is given, and so would own what "
                                    "anybody does: name the unit that starts it",
                                    SHOWN(text));
                else if (s->n_owners == WATCH_FILE_OWNERS)
                        watch_fault(w, i->mark, "more than %d owners", WATCH_FILE_OWNERS);
                else
                        s->owners[s->n_owners++] = text;
        }
}

/* ---- keys ---- */

static const struct yaml_key profile_keys[] = {
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
        { "execute", take_execute, false },
};

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
        w->taking = s;
        yaml_take_keys(&w->faults, k->value, profile_keys, ARRAY_LEN(profile_keys), w, what,
                       k->mark);
        check_section(w, s);
        w->n_sections++;
}

static void take_profiles(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        if (n->type != YAML_MAP || !n->child) {
                watch_fault(w, n->mark, "the profiles by their names should stand here");
                return;
        }
        for (const struct yaml_node *k = n->child; k; k = k->next) {
                const struct yaml_node *same = yaml_same_key(n, k);

                if (same)
                        watch_fault(w, k->mark, "profile %.*s is there twice, first in line %u",
                                    SHOWN(k->text), (unsigned)same->mark.line);
                else
                        take_profile(w, k);
        }
}

/* ---- scans ---- */

static void take_scan_rate(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;

        if (yaml_get_number(&w->faults, n, "bytes a second, as 20MiB,", sizes, ARRAY_LEN(sizes),
                            &w->scan_bytes) &&
            w->scan_bytes < SCAN_BYTES_MIN)
                watch_fault(w, n->mark, "at least 64KiB a second: a scan has to come to its end");
}

static void take_scan_files(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        static const struct yaml_unit units[] = { { "", 1 } };

        if (yaml_get_number(&w->faults, n, "a number of files a second", units, ARRAY_LEN(units),
                            &w->scan_files) &&
            w->scan_files < SCAN_FILES_MIN)
                watch_fault(w, n->mark, "at least 10 a second: a scan has to come to its end");
}

static const struct yaml_key scan_keys[] = {
        { "rate", take_scan_rate, false },
        { "files", take_scan_files, false },
};

static void take_scan(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;

        if (n->type != YAML_MAP || !n->child)
                watch_fault(w, n->mark, "rate or files should stand here");
        else
                yaml_take_keys(&w->faults, n, scan_keys, ARRAY_LEN(scan_keys), w, "scan", n->mark);
}

/* ---- the file ---- */

static void take_version(void *ctx, const struct yaml_node *n)
{
        struct watch_file *w = ctx;
        struct span s;

        if (yaml_get_text(&w->faults, n, "the version, 1,", &s) &&
            !(n->plain && span_eq_str(s, "1")))
                watch_fault(w, n->mark, "this is version 1, not \"%.*s\"", SHOWN(s));
}

static const struct yaml_key top_keys[] = {
        { "version", take_version, true },
        { "scan", take_scan, false },
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
                yaml_take_keys(&w->faults, root, top_keys, ARRAY_LEN(top_keys), w, "the file",
                               root->mark);
}

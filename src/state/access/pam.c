/* SPDX-License-Identifier: Apache-2.0 */
/* How each service asks who somebody is: pam.d(5), "type control module arguments" a line, with
 * what is included put where it is included.  A line that includes is no row; its lines are.
 *
 * Order is what PAM is about, and a number would change for all that comes behind.  So a row has
 * the module before it: a line that is put in, or two that change places, are a change of few rows.
 *
 * A service of /etc/pam.d takes the place of one of that name below /usr/lib/pam.d. */
#include "state/reading/fields.h"
#include "state/reading/mask.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <stdio.h>
#include <strings.h>

enum {
        DEPTH_MAX = 16,
        STACK_MAX = 200,  /* modules of one service and type */
        LINES_MAX = 5000, /* read for one of them, each as often as it is included */
};

static const struct state_column columns[] = {
        { "after", STATE_TEXT, 0, "the module before it; empty for the first" },
        { "arguments", STATE_LIST, 0, "what it is given" },
        { "control", STATE_TEXT, 0, "required, sufficient, [success=1 default=ignore], ..." },
        { "file", STATE_TEXT, 0, "where the line stands" },
        { "line", STATE_INT, STATE_LOOSE, "and its number" },
        { "may_be_missing", STATE_BOOL, 0, "nothing is said when the module is not there" },
        { "module", STATE_TEXT, STATE_KEY, "pam_unix.so, ..." },
        { "nth", STATE_INT, STATE_KEY, "which one, where a module is there several times" },
        { "position", STATE_INT, STATE_LOOSE, "from 1 on" },
        { "service", STATE_TEXT, STATE_KEY, "login, sshd, sudo, ..." },
        { "substack", STATE_TEXT, 0, "the file it is a part of, whose jumps and ends stay in it" },
        { "type", STATE_TEXT, STATE_KEY, "account, auth, password or session" },
};

static const struct state_source sources[] = {
        { STATE_FILES, STATE_FOLLOW, "/etc/pam.d/*" },
        { STATE_FILES, STATE_FOLLOW, "/usr/lib/pam.d/*" },
};

static const char *const types[] = { "account", "auth", "password", "session" };

struct stack {
        const struct state_in *in;
        struct state_out *out;
        struct span service;
        const char *type;
        struct span modules[STACK_MAX];
        unsigned n, lines;
        bool cut; /* it was told that there is more */
};

/* Where in the files a walk is. */
struct place {
        const struct state_part *part;
        struct span substack;
        unsigned depth;
};

/* ---- words ---- */

static bool is_joint(struct span s)
{
        return s.n > 1 && s.p[0] == '\\' && s.p[1] == '\n';
}

static bool is_blank(struct span s)
{
        return s.n && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\r' || s.p[0] == '\n');
}

/* The next line and those that a backslash joins to it, without a comment; what joins is still in
 * it. */
static bool cut_line(struct span *rest, uint32_t *number, struct span *ret)
{
        size_t n = 0, content;

        if (rest->n == 0)
                return false;
        while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '#') {
                bool joint = is_joint(span_from(*rest, n));

                n += joint ? 2 : 1;
                *number += joint ? 1 : 0;
        }
        content = n;
        while (n < rest->n && rest->p[n] != '\n')
                n++;
        *ret = span_of(rest->p, content);
        *rest = span_from(*rest, n + 1);
        ++*number;
        return true;
}

/* A word, or [...] with blanks in it and \] for ]. */
static bool cut_word(struct span *s, struct span *ret)
{
        size_t n = 0;

        while (is_blank(*s) || is_joint(*s))
                *s = span_from(*s, 1);
        if (s->n && s->p[0] == '[') {
                while (n < s->n && s->p[n] != ']')
                        n += s->p[n] == '\\' ? 2 : 1;
                n = MIN_OF(n + 1, s->n);
        } else {
                while (n < s->n && !is_blank(span_from(*s, n)) && !is_joint(span_from(*s, n)))
                        n++;
        }
        *ret = span_of(s->p, n);
        *s = span_from(*s, n);
        return n > 0;
}

static bool is_word(struct span s, const char *word)
{
        return s.n == strlen(word) && strncasecmp((const char *)s.p, word, s.n) == 0;
}

static bool is_type(struct span s)
{
        for (size_t i = 0; i < ARRAY_LEN(types); i++)
                if (is_word(s, types[i]))
                        return true;
        return false;
}

/* ---- rows ---- */

static int cut_off(struct stack *k, const struct place *at)
{
        if (k->cut)
                return 0;
        k->cut = true;
        return state_fault(k->out, at->part, 0, "more modules or lines than are read");
}

static int put_module(struct stack *k, const struct place *at, uint32_t number, bool may_be_missing,
                      struct span control, struct span rest)
{
        struct span module, argument;
        int64_t nth = 1;

        if (!cut_word(&rest, &module))
                return at->depth ? 0 : state_fault(k->out, at->part, number, "no module");
        if (k->n >= STACK_MAX)
                return cut_off(k, at);
        for (unsigned i = 0; i < k->n; i++)
                nth += span_eq(k->modules[i], module);
        state_begin(k->out);
        state_text(k->out, "service", k->service);
        state_str(k->out, "type", k->type);
        state_text(k->out, "module", module);
        state_int(k->out, "nth", nth);
        state_int(k->out, "position", k->n + 1);
        state_text(k->out, "after", k->n ? k->modules[k->n - 1] : SPAN(""));
        state_text(k->out, "control", control);
        state_bool(k->out, "may_be_missing", may_be_missing);
        state_text(k->out, "file", at->part->name);
        state_u64(k->out, "line", number);
        if (at->substack.n)
                state_text(k->out, "substack", at->substack);
        state_no_items(k->out, "arguments");
        while (cut_word(&rest, &argument))
                mask_item(k->out, "arguments", argument);
        k->modules[k->n++] = module;
        return state_end(k->out);
}

/* ---- files ---- */

static bool part_in(const struct state_in *in, const char *dir, struct span name,
                    struct state_part *ret)
{
        char path[BUNDLE_NAME_MAX];
        int n = snprintf(path, sizeof path, "%s%.*s", dir, (int)MIN_OF(name.n, sizeof path),
                         (const char *)name.p);

        return (size_t)n < sizeof path && state_part_named(in, span_of(path, (size_t)n), ret);
}

static bool find_part(const struct state_in *in, struct span name, struct state_part *ret)
{
        if (name.n && name.p[0] == '/')
                return state_part_named(in, name, ret);
        return part_in(in, "/etc/pam.d/", name, ret) || part_in(in, "/usr/lib/pam.d/", name, ret);
}

static int walk(struct stack *k, const struct place *at);

static int include(struct stack *k, const struct place *at, uint32_t number, struct span rest,
                   bool substack, bool tell)
{
        struct place inner = { .substack = at->substack, .depth = at->depth + 1 };
        struct state_part part;
        struct span name;

        if (!cut_word(&rest, &name) || !find_part(k->in, name, &part))
                return tell ? state_fault(
                                      k->out, at->part, number, "includes %s",
                                      name.n && name.p[0] == '/'
                                              ? "what is in no directory of PAM's, and is not read"
                                              : "what is not there")
                            : 0;
        if (inner.depth > DEPTH_MAX)
                return cut_off(k, at);
        inner.part = &part;
        if (substack)
                inner.substack = field_base(name);
        return walk(k, &inner);
}

static int put_line(struct stack *k, const struct place *at, uint32_t number, struct span line)
{
        /* what is wrong is told once: for the service of that name, with the first type */
        bool tell = at->depth == 0 && k->type == types[0], minus;
        struct span type, control;

        if (!cut_word(&line, &type))
                return 0;
        if (is_word(type, "@include"))
                return include(k, at, number, line, false, tell);
        minus = type.p[0] == '-';
        type = span_from(type, minus);
        if (!is_type(type))
                return tell ? state_fault(k->out, at->part, number, "no type of PAM's") : 0;
        if (!is_word(type, k->type))
                return 0;
        if (!cut_word(&line, &control))
                return at->depth ? 0 : state_fault(k->out, at->part, number, "no control");
        if (is_word(control, "include") || is_word(control, "substack"))
                return include(k, at, number, line, is_word(control, "substack"), at->depth == 0);
        return put_module(k, at, number, minus, control, line);
}

static int walk(struct stack *k, const struct place *at)
{
        struct span rest = at->part->bytes, line;
        uint32_t number = 0, first = 1;
        int rc = 0;

        while (rc == 0 && cut_line(&rest, &number, &line)) {
                if (++k->lines > LINES_MAX)
                        return cut_off(k, at);
                rc = put_line(k, at, first, line);
                first = number + 1;
        }
        return rc;
}

static int read_service(const struct state_in *in, struct state_out *out,
                        const struct state_part *p)
{
        struct place at = { .part = p };
        int rc = 0;

        for (size_t i = 0; i < ARRAY_LEN(types) && rc == 0; i++) {
                struct stack k = {
                        .in = in, .out = out, .service = field_base(p->name), .type = types[i]
                };

                rc = walk(&k, &at);
        }
        return rc;
}

static int read_pam(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_in all = *in;
        struct state_part p, first;
        int rc = 0;

        (void)err;
        while (rc == 0 && state_next(in, &p))
                if (state_readable(out, &p, STATE_MAY_BE_ABSENT) &&
                    find_part(&all, field_base(p.name), &first) && span_eq(first.name, p.name))
                        rc = read_service(&all, out, &p);
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_pam = {
        .name = "pam",
        .alert = "yes",
        .about = "how services ask who somebody is",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 2,
        .read = read_pam,
};

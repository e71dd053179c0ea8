/* SPDX-License-Identifier: Apache-2.0 */
/* apt_hook.c - see apt_hook.h. */
#include "command/change/apt_hook.h"

#include "base/text.h"

enum { NAME, FROM, FROM_ARCH, FROM_MULTI, DIRECTION, TO, TO_ARCH, TO_MULTI, FIELDS };

const char *apt_hook_action_name(enum apt_hook_action a)
{
        static const char *const names[APT_HOOK_ACTIONS] = {
                [APT_HOOK_INSTALL] = "install", [APT_HOOK_REINSTALL] = "reinstall",
                [APT_HOOK_UPGRADE] = "upgrade", [APT_HOOK_DOWNGRADE] = "downgrade",
                [APT_HOOK_REMOVE] = "remove",   [APT_HOOK_CONFIGURE] = "configure",
        };

        return names[a];
}

/* The part of *s up to sep, which is taken off with it; false when there is no sep. */
static bool cut(struct span *s, uint8_t sep, struct span *ret)
{
        const uint8_t *at = s->n ? memchr(s->p, sep, s->n) : NULL;

        if (!at)
                return false;
        *ret = span_of(s->p, (size_t)(at - s->p));
        *s = span_from(*s, ret->n + 1);
        return true;
}

/* Names, versions and architectures are of printable ASCII: Debian Policy 5.6. */
static bool field_ok(struct span s)
{
        if (s.n == 0 || s.n > APT_HOOK_FIELD_MAX)
                return false;
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
                        return false;
        return true;
}

static struct span or_none(struct span s)
{
        return span_eq_str(s, "-") ? SPAN_NONE : s;
}

/* Of a package that is to be unpacked. */
static int action_of(struct span from, struct span direction, enum apt_hook_action *ret)
{
        if (direction.n != 1)
                return -EBADMSG;
        switch (direction.p[0]) {
        case '<':
                *ret = from.n ? APT_HOOK_UPGRADE : APT_HOOK_INSTALL;
                return 0;
        case '=':
                *ret = APT_HOOK_REINSTALL;
                return 0;
        case '>':
                *ret = APT_HOOK_DOWNGRADE;
                return 0;
        default:
                return -EBADMSG;
        }
}

static int take_action(struct span what, struct span direction, struct apt_hook_package *p)
{
        if (span_eq_str(what, "**CONFIGURE**")) {
                p->action = APT_HOOK_CONFIGURE;
                return 0;
        }
        if (span_eq_str(what, "**REMOVE**")) {
                p->action = APT_HOOK_REMOVE;
                return 0;
        }
        if (what.n == 0 || what.n > APT_HOOK_PATH_MAX || what.p[0] != '/' ||
            memchr(what.p, '\0', what.n))
                return -EBADMSG;
        p->path = what;
        return action_of(p->from, direction, &p->action);
}

static int take_line(struct span line, struct apt_hook_package *p)
{
        struct span f[FIELDS];

        for (size_t i = 0; i < FIELDS; i++)
                if (!cut(&line, ' ', &f[i]) || !field_ok(f[i]))
                        return -EBADMSG;
        *p = (struct apt_hook_package){ .name = f[NAME],
                                        .from = or_none(f[FROM]),
                                        .to = or_none(f[TO]),
                                        .arch = or_none(f[TO_ARCH]) };
        if (p->arch.n == 0)
                p->arch = or_none(f[FROM_ARCH]);
        return take_action(line, f[DIRECTION], p);
}

int apt_hook_parse(struct span text, apt_hook_fn *fn, void *ctx, struct err *err)
{
        struct apt_hook_package p;
        struct span line;
        size_t n = 1, packages = 0;
        int rc;

        if (!cut(&text, '\n', &line) || !span_eq_str(line, "VERSION 3"))
                return err_set(err, -EBADMSG, "line 1: not \"VERSION 3\"");
        do {
                n++;
                if (!cut(&text, '\n', &line))
                        return err_set(err, -EBADMSG, "line %zu: the configuration has no end", n);
        } while (line.n);
        while (text.n) {
                n++;
                if (!cut(&text, '\n', &line) || take_line(line, &p) < 0)
                        return err_set(err, -EBADMSG, "line %zu: no package's", n);
                if (packages++ == APT_HOOK_PACKAGES_MAX)
                        return err_set(err, -E2BIG, "more than %d packages", APT_HOOK_PACKAGES_MAX);
                rc = fn(ctx, &p);
                if (rc < 0)
                        return err_sys(err, rc, "line %zu", n);
        }
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watchset.h"

#include <stdlib.h>

bool path_within(struct span path, struct span top)
{
        if (top.n == 1)
                return path.n > 0 && path.p[0] == '/';
        return span_starts(path, top) && (path.n == top.n || path.p[top.n] == '/');
}

/* Absolute, no empty, "." or ".." part, no slash at the end but for "/" itself, no NUL. */
static bool path_clean(struct span p)
{
        size_t at = 0;

        if (p.n == 0 || p.n > WATCH_PATH_MAX || p.p[0] != '/' || memchr(p.p, 0, p.n))
                return false;
        if (p.n == 1)
                return true;
        while (at < p.n) {
                const uint8_t *slash = memchr(p.p + at + 1, '/', p.n - at - 1);
                size_t end = slash ? (size_t)(slash - p.p) : p.n;
                struct span part = span_of(p.p + at + 1, end - at - 1);

                if (part.n == 0 || span_eq_str(part, ".") || span_eq_str(part, ".."))
                        return false;
                at = end;
        }
        return true;
}

static size_t lower_bound(const struct watchset *w, struct span path)
{
        size_t lo = 0, hi = w->n;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (span_cmp(w->rules[mid].path, path) < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo;
}

int watchset_add(struct watchset *w, struct span path, bool exclude, struct err *err)
{
        size_t at = lower_bound(w, path);
        struct watch_rule *rules;
        uint8_t *copy;

        if (!path_clean(path))
                return err_set(err, -EINVAL, "%.*s: not a clean absolute path",
                               (int)MIN_OF(path.n, (size_t)200), (const char *)path.p);
        if (at < w->n && span_eq(w->rules[at].path, path)) {
                if (w->rules[at].exclude == exclude)
                        return 0;
                return err_set(err, -EEXIST, "%.*s: both watched and left out",
                               (int)MIN_OF(path.n, (size_t)200), (const char *)path.p);
        }
        if (w->n == WATCH_RULES_MAX)
                return err_set(err, -E2BIG, "more than %d paths to watch", WATCH_RULES_MAX);
        rules = realloc(w->rules, (w->n + 1) * sizeof *rules);
        if (!rules)
                return err_set(err, -ENOMEM, "out of memory for a watched path");
        w->rules = rules;
        copy = malloc(path.n);
        if (!copy)
                return err_set(err, -ENOMEM, "out of memory for a watched path");
        memcpy(copy, path.p, path.n);
        memmove(rules + at + 1, rules + at, (w->n - at) * sizeof *rules);
        rules[at] = (struct watch_rule){ .path = span_of(copy, path.n), .exclude = exclude };
        w->n++;
        return 0;
}

int watchset_parse(struct watchset *w, const char *name, struct span text, struct err *err)
{
        unsigned line = 0;

        if (text.n > WATCH_TEXT_MAX)
                return err_set(err, -E2BIG, "%s: longer than %d bytes", name, WATCH_TEXT_MAX);
        while (text.n) {
                const uint8_t *nl = memchr(text.p, '\n', text.n);
                struct span s = span_of(text.p, nl ? (size_t)(nl - text.p) : text.n);
                bool exclude;

                line++;
                text = span_from(text, s.n + 1);
                if (s.n == 0 || s.p[0] == '#')
                        continue;
                exclude = s.p[0] == '!';
                if (watchset_add(w, exclude ? span_from(s, 1) : s, exclude, err) < 0)
                        return err_wrap(err, "%s: line %u", name, line);
        }
        return 0;
}

int watchset_add_defaults(struct watchset *w, struct err *err)
{
        static const char *const paths[] = {
                "/boot", "/etc", "/usr/bin", "/usr/sbin", "/var/spool/cron",
        };

        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
                int rc = watchset_add(w, span_str(paths[i]), false, err);

                if (rc)
                        return rc;
        }
        return 0;
}

void watchset_done(struct watchset *w)
{
        for (size_t i = 0; i < w->n; i++)
                free((void *)w->rules[i].path.p);
        free(w->rules);
        *w = (struct watchset){ 0 };
}

void watchset_print(const struct watchset *w, struct buf *out)
{
        for (size_t i = 0; i < w->n; i++) {
                if (w->rules[i].exclude)
                        buf_put_byte(out, '!');
                buf_put(out, w->rules[i].path);
                buf_put_byte(out, '\n');
        }
}

static struct span parent_of(struct span path)
{
        while (path.n > 1 && path.p[path.n - 1] != '/')
                path.n--;
        if (path.n > 1)
                path.n--;
        return path;
}

bool watchset_divides(const struct watchset *w, struct span dir)
{
        for (size_t i = lower_bound(w, dir); i < w->n; i++) {
                if (!span_starts(w->rules[i].path, dir))
                        return false;
                if (w->rules[i].path.n > dir.n && path_within(w->rules[i].path, dir))
                        return true;
        }
        return false;
}

bool watchset_begins(const struct watchset *w, size_t i)
{
        struct span path = w->rules[i].path;

        return !w->rules[i].exclude && (path.n == 1 || !watchset_covers(w, parent_of(path)));
}

/* A rule's path is a prefix of path, so try path and each of its parents. */
bool watchset_covers(const struct watchset *w, struct span path)
{
        while (path.n) {
                size_t at = lower_bound(w, path);

                if (at < w->n && span_eq(w->rules[at].path, path))
                        return !w->rules[at].exclude;
                if (path.n == 1)
                        return false;
                path = parent_of(path);
        }
        return false;
}

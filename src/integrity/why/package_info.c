/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/package_info.h"

#include "integrity/trusted/change.h"
#include "integrity/who/who.h"
#include "integrity/why/package_priv.h"

#include <stdio.h>

static const struct span info_dir = SPAN_INIT(PACKAGE_INFO_DIR),
                         next_dir = SPAN_INIT(PACKAGE_NEXT_DIR);

/* ---- names ---- */

static struct span cut_last(struct span *s, uint8_t sep)
{
        const uint8_t *at = s->n ? memrchr(s->p, sep, s->n) : NULL;
        struct span rest = SPAN_NONE;

        if (at) {
                rest = span_from(*s, (size_t)(at - s->p) + 1);
                s->n = (size_t)(at - s->p);
        }
        return rest;
}

bool package_info_parse(struct span path, struct package_info *ret)
{
        struct span name = span_starts(path, info_dir) ? span_from(path, info_dir.n) : SPAN_NONE;
        struct span what = cut_last(&name, '.'), arch = cut_last(&name, ':');
        size_t n = info_dir.n;

        if (name.n == 0 || what.n == 0 || memchr(path.p + n, '/', path.n - n) ||
            memchr(path.p + n, '\0', path.n - n) || path.n >= PACKAGE_INFO_MAX)
                return false;
        ret->name = name;
        ret->arch = arch;
        ret->what = what;
        memcpy(ret->path, info_dir.p, n);
        memcpy(ret->path + n, name.p, name.n);
        n += name.n;
        ret->path[n++] = '.';
        memcpy(ret->path + n, what.p, what.n);
        ret->path[n + what.n] = '\0';
        return true;
}

static bool is_of(const struct package_info *n, const struct package *x)
{
        return span_eq_str(n->name, x->name) && (n->arch.n == 0 || span_eq_str(n->arch, x->arch));
}

static const struct package_path *find(const struct packages *p, const char *path, size_t i)
{
        const struct package_path *e = NULL;

        while ((e = package_path_find(p, span_str(path), e)))
                if (e->kind == PATH_CONTROL && e->package == i)
                        return e;
        return NULL;
}

/* ---- what is there ---- */

/* dpkg-deb leaves the modes of control.tar, as far as nobody else may write, and dpkg makes a
 * script executable. */
static const char *misfit(const struct package_path *e, const struct change *c)
{
        const struct record *is = c->is;

        if (is->type != RECORD_FILE)
                return "type";
        if (e &&
            (is->hash != RECORD_HASH_KNOWN || memcmp(is->sha256, e->sha256, sizeof e->sha256) != 0))
                return "content";
        if (is->mode & ~0755u)
                return "mode";
        if (is->uid || is->gid)
                return "owner";
        return package_has_attributes(is) ? "attributes" : NULL;
}

static bool is_own(struct span what)
{
        static const char *const names[] = { "list", "list-new", "md5sums", "md5sums-new" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq_str(what, names[i]))
                        return true;
        return false;
}

/* No package file has this one, or nothing is left of it. */
static bool by_dpkg_itself(const struct package_info *n, const struct package *x,
                           const struct change *c, struct why *ret)
{
        if (!c->is && c->was)
                return x->action != PACKAGE_CONFIGURE &&
                       package_why_weaker(ret, x,
                                          "dpkg removed what it kept of the package; no package "
                                          "file proves that");
        return is_own(n->what) && !(c->is && misfit(NULL, c)) &&
               package_why_weaker(ret, x,
                                  "what dpkg itself keeps of the package; no package file has it");
}

static bool explain_of(const struct packages *p, size_t i, const struct package_info *n,
                       enum package_actor actor, const struct change *c, struct why *ret)
{
        const struct package *x = &p->at[i];
        const struct package_path *e = find(p, n->path, i);
        const char *differs;

        if (!package_why_counts(x, ret))
                return false;
        if (actor == PACKAGE_BY_DPKG && !(e && c->is) && by_dpkg_itself(n, x, c, ret))
                return true;
        if (!e || !c->is) {
                package_why_nearest(ret, x,
                                    c->is ? "has no such file"
                                          : "had it, but it was not dpkg that "
                                            "removed it",
                                    "");
                return false;
        }
        differs = misfit(e, c);
        if (differs)
                package_why_nearest(ret, x, "has it with another ", differs);
        else if (actor == PACKAGE_BY_OTHER)
                package_why_nearest(ret, x, "has it as it is, but others touched it as well", "");
        else
                package_why_proof(ret, x);
        return ret->content;
}

bool package_info_explain(const struct packages *p, const struct package_info *n,
                          const struct change *c, struct why *ret)
{
        enum package_actor actor = packages_actors(p, c);

        for (size_t i = 0; i < p->n; i++) {
                struct why w = { .state = ret->state };

                if (!is_of(n, &p->at[i]))
                        continue;
                if (explain_of(p, i, n, actor, c, &w)) {
                        *ret = w;
                        return true;
                }
                if (!ret->detail[0])
                        memcpy(ret->detail, w.detail, sizeof ret->detail);
        }
        return false;
}

/* "format" says in which form dpkg keeps what it keeps. */
bool package_info_format(const struct packages *p, const struct change *c, struct why *ret)
{
        struct span name =
                span_starts(c->path, info_dir) ? span_from(c->path, info_dir.n) : SPAN_NONE;

        return (span_eq_str(name, "format") || span_eq_str(name, "format-new")) &&
               packages_actors(p, c) == PACKAGE_BY_DPKG && packages_all_signed(p) &&
               !(c->is && misfit(NULL, c)) &&
               package_why_weaker(ret, &p->at[0], "the form of dpkg's database, by dpkg itself");
}

void package_info_doubt(struct packages *p, const struct package_info *n, const struct change *c)
{
        for (size_t i = 0; i < p->n; i++) {
                const struct package_path *e = is_of(n, &p->at[i]) ? find(p, n->path, i) : NULL;
                const char *differs = e ? misfit(e, c) : NULL;

                if (differs && (strcmp(differs, "type") == 0 || strcmp(differs, "content") == 0))
                        p->at[i].doubted = true;
        }
}

bool package_info_is_of(const struct packages *p, const struct package_info *n)
{
        for (size_t i = 0; i < p->n; i++)
                if (is_of(n, &p->at[i]) && (!p->at[i].has_file || p->at[i].trust == PACKAGE_SIGNED))
                        return true;
        return false;
}

/* ---- scripts and lists ---- */

/* One that is about to be kept: its package is not named, but unpacked right now. */
static bool is_next(const struct packages *p, struct span what)
{
        char path[PACKAGE_INFO_MAX];

        for (size_t i = 0; i < p->n; i++) {
                int n = snprintf(path, sizeof path, PACKAGE_INFO_DIR "%s.%.*s", p->at[i].name,
                                 (int)what.n, (const char *)what.p);

                if (n > 0 && (size_t)n < sizeof path && find(p, path, i))
                        return true;
        }
        return false;
}

static bool is_changed(const struct packages *p, struct span path)
{
        return p->is_changed && p->is_changed(p->is_changed_ctx, path);
}

bool package_script_counts(const struct packages *p, const struct who *w)
{
        struct span script = package_script_of(p, w);

        if (script.n > PACKAGE_INFO_MAX)
                return false;
        if (span_starts(script, next_dir))
                return is_next(p, span_from(script, next_dir.n));
        return script.n && !is_changed(p, script);
}

bool package_list_counts(const struct packages *p, const struct package *x)
{
        char path[PACKAGE_INFO_MAX];
        bool changed;

        snprintf(path, sizeof path, PACKAGE_INFO_DIR "%s.list", x->name);
        changed = is_changed(p, span_str(path));
        snprintf(path, sizeof path, PACKAGE_INFO_DIR "%s:%s.list", x->name, x->arch);
        return !changed && !is_changed(p, span_str(path));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/package_info.h"
#include "integrity/why/package_priv.h"

#include "base/text.h"
#include "integrity/trusted/change.h"
#include "integrity/trusted/record.h"
#include "integrity/who/who.h"
#include "integrity/why/actor.h"

#include <stdio.h>
#include <sys/stat.h>

static const char dpkg_exe[] = "/usr/bin/dpkg";

/* ---- who ---- */

static bool is_dpkg(struct span exe)
{
        return span_eq_str(exe, dpkg_exe);
}

static bool kin_is_dpkg(const struct who *w, const struct who_kin *k)
{
        return k->has_exe && is_dpkg(who_kin_name(w, k));
}

/* It is dpkg, and was nothing else in the moment of the change. */
static bool itself_dpkg(const struct who *w)
{
        struct who_exe file = actor_file(w);

        if (!is_dpkg(buf_span(&w->exe)) || actor_is_plain(&file) != ACTOR_FITS)
                return false;
        for (size_t i = 0; i < w->n_earlier; i++)
                if (!kin_is_dpkg(w, &w->earlier[i]))
                        return false;
        return true;
}

/* The maintainer script that the process just below the transaction's first dpkg is, if it is one.
 * n parents lie below apt.  What dpkg's options and its configuration begin lies there too, and is
 * anybody's. */
static struct span script_below(const struct who *w, size_t n, enum actor_fit *ret)
{
        struct who_exe file;

        *ret = w->has & WHO_HAS_MOUNT_NS ? ACTOR_ELSEWHERE : ACTOR_FITS;
        while (n > 0 && !kin_is_dpkg(w, &w->parents[n - 1]))
                n--;
        if (n == 0)
                return SPAN_NONE;
        for (; n > 0 && kin_is_dpkg(w, &w->parents[n - 1]); n--) {
                enum actor_fit f = actor_is_plain(&w->parents[n - 1].file);

                *ret = MIN_OF(*ret, f);
        }
        file = n ? w->parents[n - 1].file : actor_file(w);
        if (*ret == ACTOR_FITS)
                *ret = actor_is_plain(&file);
        if (*ret == ACTOR_FITS && file.strays)
                *ret = ACTOR_STRAYS;
        return n ? who_kin_script(w, &w->parents[n - 1]) : buf_span(&w->script);
}

static bool is_of_run(const struct packages *p, const struct who *w, size_t *ret_below)
{
        for (size_t i = 0; p->root && i < w->n_parents; i++)
                if (w->parents[i].pid == p->root) {
                        *ret_below = i;
                        return true;
                }
        return false;
}

/* The script that it is of, or nothing, and how near it comes. */
static struct span script_of(const struct packages *p, const struct who *w, enum actor_fit *ret)
{
        struct span script;
        size_t below;

        *ret = ACTOR_OTHER;
        if (!w || !is_of_run(p, w, &below) || itself_dpkg(w))
                return SPAN_NONE;
        script = script_below(w, below, ret);
        if (script.n == 0)
                *ret = ACTOR_OTHER;
        return *ret == ACTOR_FITS ? script : SPAN_NONE;
}

struct span package_script_of(const struct packages *p, const struct who *w)
{
        enum actor_fit fit;

        return script_of(p, w, &fit);
}

enum package_actor packages_actor(const struct packages *p, const struct who *w)
{
        size_t below;

        if (!w || !w->pid)
                return PACKAGE_BY_UNKNOWN;
        if (!p->root)
                return PACKAGE_BY_OTHER;
        if (w->pid == p->root)
                return PACKAGE_BY_APT;
        if (!is_of_run(p, w, &below))
                return PACKAGE_BY_OTHER;
        if (itself_dpkg(w))
                return PACKAGE_BY_DPKG;
        return package_script_of(p, w).n ? PACKAGE_BY_SCRIPT : PACKAGE_BY_APT;
}

/* Why what looks like dpkg is not taken for it; NULL: it does not, or is. */
static const char *unlike_dpkg(const struct packages *p, const struct who *w)
{
        struct who_exe file;
        enum actor_fit fit;
        size_t below;

        if (!w || !is_dpkg(buf_span(&w->exe)) || !is_of_run(p, w, &below))
                return NULL;
        file = actor_file(w);
        fit = actor_is_plain(&file);
        return fit == ACTOR_FITS ? NULL : actor_fit_text(fit);
}

static enum package_actor of_another(const struct packages *p, const struct who *w)
{
        const struct packages *q = p;

        while (q->newer)
                q = q->newer;
        for (; q; q = q->older) {
                enum package_actor a =
                        q != p && packages_all_signed(q) ? packages_actor(q, w) : PACKAGE_BY_OTHER;

                if (a != PACKAGE_BY_OTHER)
                        return a;
        }
        return PACKAGE_BY_OTHER;
}

static enum package_actor farther(const struct packages *p, const struct who *w,
                                  enum package_actor far, bool *own)
{
        enum package_actor a = packages_actor(p, w);

        *own |= a > PACKAGE_BY_UNKNOWN;
        if (a == PACKAGE_BY_OTHER)
                a = of_another(p, w);
        return MIN_OF(far, a);
}

enum package_actor packages_actors(const struct packages *p, const struct change *c)
{
        bool own = false;
        enum package_actor far = farther(p, c->who, PACKAGE_BY_DPKG, &own);

        for (size_t i = 0; c->also && i < CHANGE_ALSO_MAX && c->also[i]; i++)
                far = farther(p, c->also[i], far, &own);
        return own || far == PACKAGE_BY_UNKNOWN ? far : PACKAGE_BY_OTHER;
}

bool packages_all_signed(const struct packages *p)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->at[i].has_file && (p->at[i].trust != PACKAGE_SIGNED || p->at[i].doubted))
                        return false;
        return p->n > 0;
}

/* ---- names of dpkg's work files ---- */

static enum package_work work_suffix(struct span *name)
{
        static const struct {
                const char *end;
                enum package_work work;
        } ends[] = { { ".dpkg-new", PACKAGE_WORK_NEW },
                     { ".dpkg-tmp", PACKAGE_WORK_TMP },
                     { ".dpkg-old", PACKAGE_WORK_OLD },
                     { ".dpkg-dist", PACKAGE_WORK_DIST } };

        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
                size_t n = strlen(ends[i].end);

                if (name->n > n && span_eq_str(span_from(*name, name->n - n), ends[i].end)) {
                        name->n -= n;
                        return ends[i].work;
                }
        }
        return PACKAGE_WORK_NONE;
}

enum package_work package_work_name(struct span path, char out[PACKAGE_PATH_MAX + 1],
                                    struct span *ret)
{
        enum package_work found = PACKAGE_WORK_NONE, w;
        size_t n = 0;

        if (path.n > PACKAGE_PATH_MAX)
                return PACKAGE_WORK_NONE;
        while (path.n) {
                const uint8_t *slash = memchr(path.p, '/', path.n);
                struct span name = span_of(path.p, slash ? (size_t)(slash - path.p) : path.n);

                path = span_from(path, name.n + 1);
                w = work_suffix(&name);
                if (w)
                        found = w;
                if (name.n)
                        memcpy(out + n, name.p, name.n);
                n += name.n;
                if (slash)
                        out[n++] = '/';
        }
        out[n] = '\0';
        *ret = span_of(out, n);
        return found;
}

/* ---- what is there, against what the package has ---- */

static enum record_type type_of(enum deb_type t)
{
        static const enum record_type types[DEB_TYPES] = {
                [DEB_FILE] = RECORD_FILE, [DEB_DIR] = RECORD_DIR,   [DEB_SYMLINK] = RECORD_LINK,
                [DEB_FIFO] = RECORD_FIFO, [DEB_CHAR] = RECORD_CHAR, [DEB_BLOCK] = RECORD_BLOCK,
        };

        return types[t];
}

bool package_has_attributes(const struct record *r)
{
        struct record_attr a;

        return record_attr(r, RECORD_ACL, &a) || record_attr(r, RECORD_ACL_DEFAULT, &a) ||
               record_attr(r, RECORD_CAPS, &a) || record_attr(r, RECORD_XATTRS, &a) ||
               r->flags & (RECORD_IMMUTABLE | RECORD_APPEND);
}

/* Does dpkg keep the owner and the mode that were there?  Of a directory and a conffile always; of
 * another file where it was told to (dpkg-statoverride), which root can: not a right to act as
 * somebody else that the package's file has not. */
static bool keeps_rights(const struct packages *p, const struct package_path *e,
                         enum package_actor actor, const struct change *c)
{
        if (!c->was)
                return false;
        return e->type == DEB_DIR || package_path_is_conffile(p, e) ||
               (actor == PACKAGE_BY_DPKG && c->was->type == c->is->type &&
                !(c->is->mode & (S_ISUID | S_ISGID) & ~e->mode));
}

/* What differs first, as a word; NULL: nothing.  What no package has, such as capabilities, was not
 * its doing. */
static const char *misfit(const struct packages *p, const struct package_path *e,
                          enum package_actor actor, const struct change *c)
{
        const struct record *is = c->is, *was = c->was;
        bool keeps = keeps_rights(p, e, actor, c);
        const unsigned more = RECORD_F_ACL | RECORD_F_ACL_DEFAULT | RECORD_F_CAPS |
                              RECORD_F_XATTRS | RECORD_F_FLAGS;

        if (is->type != type_of((enum deb_type)e->type))
                return "type";
        if (is->type == RECORD_FILE &&
            (is->hash != RECORD_HASH_KNOWN || memcmp(is->sha256, e->sha256, sizeof e->sha256) != 0))
                return "content";
        if (is->type == RECORD_LINK && !span_eq_str(is->link, e->target))
                return "target";
        if ((is->type == RECORD_CHAR || is->type == RECORD_BLOCK) && is->rdev != e->rdev)
                return "device";
        if (is->type != RECORD_LINK && is->mode != e->mode && !(keeps && is->mode == was->mode))
                return "mode";
        if ((is->uid != e->uid || is->gid != e->gid) &&
            !(keeps && is->uid == was->uid && is->gid == was->gid))
                return "owner";
        if (package_has_attributes(is) && (!was || record_diff(was, is) & more))
                return "attributes";
        return NULL;
}

/* ---- verdicts ---- */

static void put_package(struct why *ret, const struct package *x)
{
        snprintf(ret->package, sizeof ret->package, "%s %s %s", x->name, x->to[0] ? x->to : x->from,
                 x->arch);
}

/* The whole way from the signature to the package file; digests before names that may be cut. */
void package_why_proof(struct why *ret, const struct package *x)
{
        char hex[2 * sizeof x->sha256 + 1];

        put_package(ret, x);
        ret->content = true;
        text_hex(span_of(x->sha256, sizeof x->sha256), hex);
        snprintf(ret->detail, sizeof ret->detail,
                 "package file sha256 %s%s; Release signed by %s: %.64s %.64s, %s", hex,
                 x->expired ? ", of a Release that is out of date" : "", x->fingerprint, x->suite,
                 x->codename, x->release);
}

bool package_why_weaker(struct why *ret, const struct package *x, const char *what)
{
        put_package(ret, x);
        snprintf(ret->detail, sizeof ret->detail, "%s", what);
        return true;
}

void package_why_nearest(struct why *ret, const struct package *x, const char *what,
                         const char *more)
{
        if (!ret->detail[0])
                snprintf(ret->detail, sizeof ret->detail, "%s %s %s%s", x->name,
                         x->to[0] ? x->to : x->from, what, more);
}

bool package_why_counts(const struct package *x, struct why *ret)
{
        if (!x->has_file || x->trust == PACKAGE_SIGNED)
                return true;
        if (x->trust == PACKAGE_UNREAD)
                package_why_nearest(ret, x, "has the path, but was not read yet", "");
        else if (x->reason && strcmp(x->reason, x->why) != 0)
                snprintf(ret->detail, sizeof ret->detail,
                         "%s %s has the path, but no signed Release has the package: %s, %s",
                         x->name, x->to, x->reason, x->why);
        else
                package_why_nearest(
                        ret, x, "has the path, but no signed Release has the package: ", x->why);
        return false;
}

/* Not a mode or an owner, which an administrator may have had dpkg override. */
static bool is_other_content(const struct packages *p, const struct package_path *e,
                             const struct change *c)
{
        const char *differs = misfit(p, e, PACKAGE_BY_DPKG, c);

        return differs && (strcmp(differs, "content") == 0 || strcmp(differs, "type") == 0 ||
                           strcmp(differs, "target") == 0 || strcmp(differs, "device") == 0);
}

void packages_doubt(struct packages *p, const struct change *c)
{
        const struct package_path *e = NULL;
        struct package_info n;

        if (!c->is || packages_actors(p, c) != PACKAGE_BY_DPKG)
                return;
        if (package_info_parse(c->path, &n))
                package_info_doubt(p, &n, c);
        while ((e = package_path_find(p, c->path, e)))
                if (e->kind == PATH_FILE && is_other_content(p, e, c))
                        p->at[e->package].doubted = true;
}

static bool only_links_differ(const struct change *c)
{
        unsigned d = c->was && c->is && !c->from.n ? change_differs(c) : 0;

        return d && !(d & ~(unsigned)RECORD_F_LINKS);
}

/* What dpkg itself does on the way to what the package holds. */
static bool by_dpkg_itself(const struct package_path *e, const struct package *x,
                           enum package_work work, const struct change *c, struct why *ret)
{
        if (work == PACKAGE_WORK_NEW || work == PACKAGE_WORK_TMP)
                return package_why_weaker(
                        ret, x,
                        "a work file of dpkg; what is left at its name is judged by "
                        "itself");
        if (work == PACKAGE_WORK_OLD || work == PACKAGE_WORK_DIST)
                return package_why_weaker(ret, x, "dpkg left it beside a conffile");
        if (!c->is)
                return false;
        if (only_links_differ(c))
                return package_why_weaker(ret, x, "dpkg linked it aside while it replaces it");
        if (e->kind == PATH_FILE && e->type == DEB_DIR && c->is->type == RECORD_DIR)
                return package_why_weaker(ret, x, "a directory that dpkg makes");
        return false;
}

/* It is gone, and dpkg had listed it as the package's before. */
static bool taken_away(const struct packages *p, const struct package_path *e,
                       const struct package *x, const struct change *c)
{
        return e->kind == PATH_LISTED && !c->is && c->was && x->action != PACKAGE_CONFIGURE &&
               package_list_counts(p, x);
}

static bool explain_at(const struct packages *p, const struct package_path *e,
                       enum package_work work, enum package_actor actor, const struct change *c,
                       struct why *ret)
{
        const struct package *x = &p->at[e->package];
        const char *differs;

        if (e->kind == PATH_CONFFILE || e->kind == PATH_CONTROL || !package_why_counts(x, ret))
                return false;
        if (actor == PACKAGE_BY_DPKG && by_dpkg_itself(e, x, work, c, ret))
                return true;
        if (actor == PACKAGE_BY_DPKG && !work && taken_away(p, e, x, c))
                return package_why_weaker(
                        ret, x,
                        "removed by dpkg, which listed it as the package's before; no "
                        "package file proves that");
        if (e->kind == PATH_LISTED || !c->is) {
                if (!c->is)
                        package_why_nearest(
                                ret, x, "had the path, but it was not dpkg that removed it", "");
                return false;
        }
        differs = misfit(p, e, actor, c);
        if (differs) {
                package_why_nearest(ret, x, "has the path with another ", differs);
        } else if (actor == PACKAGE_BY_OTHER) {
                package_why_nearest(ret, x, "has the path as it is, but others touched it as well",
                                    "");
        } else if (!work || work == PACKAGE_WORK_NEW || work == PACKAGE_WORK_DIST) {
                package_why_proof(ret, x);
                return true;
        }
        return false;
}

static bool explain_path(const struct packages *p, struct span path, enum package_work work,
                         enum package_actor actor, const struct change *c, struct why *ret)
{
        const struct package_path *e = NULL;

        while ((e = package_path_find(p, path, e))) {
                struct why w = { .state = ret->state };

                if (explain_at(p, e, work, actor, c, &w)) {
                        *ret = w;
                        return true;
                }
                if (!ret->detail[0])
                        memcpy(ret->detail, w.detail, sizeof ret->detail);
        }
        return false;
}

/* Of one transaction: see packages_began(). */
static enum actor_fit began(const struct packages *p, const struct who *w)
{
        enum actor_fit fit;

        (void)script_of(p, w, &fit);
        if (fit != ACTOR_FITS)
                return fit;
        if (!packages_all_signed(p))
                return ACTOR_UNSIGNED;
        return package_script_counts(p, w) ? ACTOR_FITS : ACTOR_CHANGED;
}

/* A path that no package has: where a script did it, also why that would not explain it. */
static void by_itself(const struct packages *p, enum package_actor actor, const struct change *c,
                      struct why *ret)
{
        enum actor_fit fit = actor == PACKAGE_BY_SCRIPT ? began(p, c->who) : ACTOR_FITS;

        snprintf(ret->detail, sizeof ret->detail,
                 "%s in the package transaction did it, but no package of it has the path%s%s",
                 actor == PACKAGE_BY_DPKG ? "dpkg" : "a script", fit == ACTOR_FITS ? "" : ", and ",
                 fit == ACTOR_FITS ? "" : actor_fit_text(fit));
}

static bool explain(const struct packages *p, const struct change *c, struct why *ret)
{
        char out[PACKAGE_PATH_MAX + 1];
        enum package_actor actor = packages_actors(p, c);
        enum package_work work;
        const char *unlike = unlike_dpkg(p, c->who);
        struct package_info info;
        struct span name;

        if (unlike)
                snprintf(ret->detail, sizeof ret->detail,
                         "dpkg in the package transaction did it, but %s", unlike);
        if (package_info_parse(c->path, &info) && package_info_explain(p, &info, c, ret))
                return true;
        if (package_info_format(p, c, ret))
                return true;
        if (explain_path(p, c->path, PACKAGE_WORK_NONE, actor, c, ret))
                return true;
        work = package_work_name(c->path, out, &name);
        if (work && explain_path(p, name, work, actor, c, ret))
                return true;
        if (!ret->detail[0] && actor >= PACKAGE_BY_SCRIPT)
                by_itself(p, actor, c, ret);
        return false;
}

bool packages_explain(const struct packages *p, const struct change *c, struct why *ret)
{
        for (; p; p = p->older)
                if (explain(p, c, ret))
                        return true;
        return false;
}

enum actor_fit packages_began(const struct packages *p, const struct who *w)
{
        enum actor_fit best = ACTOR_OTHER, fit;

        for (; p && best != ACTOR_FITS; p = p->older) {
                fit = began(p, w);
                best = MAX_OF(best, fit);
        }
        return best;
}

static bool has(const struct packages *p, struct span path)
{
        const struct package_path *e = NULL;
        struct package_info n;

        if (package_info_parse(path, &n) && package_info_is_of(p, &n))
                return true;
        while ((e = package_path_find(p, path, e))) {
                const struct package *x = &p->at[e->package];

                if (!x->has_file || x->trust == PACKAGE_SIGNED)
                        return true;
        }
        return false;
}

bool packages_have(const struct packages *p, struct span path)
{
        char out[PACKAGE_PATH_MAX + 1];
        struct span name;

        if (package_work_name(path, out, &name) == PACKAGE_WORK_NONE)
                name = path;
        for (; p; p = p->older)
                if (has(p, name))
                        return true;
        return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which changes may be folded: of one user, without root's rights, what he could do himself. */
#include "integrity/trusted/change.h"
#include "integrity/trusted/fold.h"
#include "integrity/who/who.h"
#include "integrity/why/why.h"

#include <sys/stat.h>

/* ---- whose doing it is ---- */

/* Had it, or may it have had, root's rights? */
static bool is_root(const struct who *w)
{
        for (size_t i = 0; i < w->n_earlier; i++)
                if (!w->earlier[i].has_uid || w->earlier[i].uid == 0 || w->earlier[i].euid == 0)
                        return true;
        return w->uid == 0 || w->euid == 0;
}

/* Whose doing it is.  Who may make user namespaces has 65,536 users to hide behind, but his login
 * stays. */
static uint32_t whose(const struct who *w)
{
        return w->uid >= FOLD_NAMESPACED && w->has & WHO_HAS_AUID && w->auid > 0 &&
                               w->auid < FOLD_NAMESPACED
                       ? w->auid
                       : w->uid;
}

/* With whose rights he did it. */
static uint32_t as_whom(const struct who *w)
{
        return w->euid == w->uid ? whose(w) : w->euid;
}

static bool is_of(const struct who *w, const struct fold_whose *by)
{
        return w->pid && w->has & WHO_HAS_UID && !is_root(w) && whose(w) == by->uid &&
               as_whom(w) == by->euid;
}

bool fold_may(const struct change *c, struct fold_whose *ret)
{
        struct fold_whose by = { 0 };

        if (!c->who || !c->profile || c->profile->name.n > FOLD_PROFILE_MAX)
                return false;
        by.uid = whose(c->who);
        by.euid = as_whom(c->who);
        if (!is_of(c->who, &by))
                return false;
        for (size_t i = 0; c->also && i < CHANGE_ALSO_MAX && c->also[i]; i++)
                if (!is_of(c->also[i], &by))
                        return false;
        /* What is explained by a proof of its own has that in its own entry. */
        if (c->why->state != WHY_UNEXPLAINED && c->why->state != WHY_SERVICE &&
            c->why->state != WHY_VOLATILE)
                return false;
        *ret = by;
        return true;
}

/* ---- could he have done it himself ---- */

static bool owns(const struct record *r, uint32_t uid)
{
        return r->uid == uid || r->uid >= FOLD_NAMESPACED;
}

static bool may_write(const struct record *r, uint32_t uid)
{
        struct record_attr list;

        return owns(r, uid) || r->mode & S_IWOTH || (r->mode & S_IWGRP && r->gid != 0) ||
               record_attr(r, RECORD_ACL, &list);
}

/* Could he put a name there, or take one away that led to r? */
static bool may_name(const struct record *dir, const struct record *r, uint32_t uid)
{
        if (!dir)
                return r && owns(r, uid);
        return may_write(dir, uid) &&
               (!(dir->mode & S_ISVTX) || !r || owns(r, uid) || owns(dir, uid));
}

/* Could he make this one?  Or a name more for what he may write. */
static bool may_make(const struct record *r, uint32_t uid)
{
        return owns(r, uid) || (r->nlink > 1 && may_write(r, uid));
}

/* Both are there, and are the same file. */
static bool may_touch(const struct record *was, const struct record *is, uint32_t uid)
{
        const unsigned owners =
                RECORD_F_MODE | RECORD_F_GID | RECORD_F_ACL | RECORD_F_ACL_DEFAULT | RECORD_F_FLAGS;
        const unsigned d = record_diff(was, is);

        if (d & RECORD_F_UID && !(owns(was, uid) && is->uid >= FOLD_NAMESPACED))
                return false;
        return d & owners ? owns(was, uid) : may_write(was, uid);
}

bool fold_in_reach(const struct change *c, const struct record *dir, const struct record *from_dir)
{
        const uint32_t uid = c->who->euid;

        if (c->from.n)
                return may_name(from_dir, c->is, uid) &&
                       may_name(dir, c->over ? c->was : NULL, uid);
        if (c->was && c->is && record_same_file(c->was, c->is))
                return may_touch(c->was, c->is, uid);
        return may_name(dir, c->was, uid) && (!c->is || may_make(c->is, uid));
}

/* ---- of what sort it is ---- */

static unsigned rights_of(const struct record *r)
{
        return (r->mode & (S_ISUID | S_ISGID)) | (record_has_more_rights(r) ? 1u : 0u);
}

enum fold_sort fold_sort_of(const struct change *c)
{
        if (c->is && c->is->type == RECORD_FILE && rights_of(c->is) &&
            (!c->was || rights_of(c->is) != rights_of(c->was)))
                return FOLD_RIGHTS;
        if (!c->is)
                return c->was ? FOLD_GONE : FOLD_NEW;
        return c->was ? FOLD_CHANGED : FOLD_NEW;
}

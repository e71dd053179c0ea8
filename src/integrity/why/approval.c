/* SPDX-License-Identifier: Apache-2.0 */
/* Approved changes judge; their text is approval_text.c. */
#include "integrity/why/approval.h"

#include "base/clock.h"
#include "base/line.h"
#include "integrity/trusted/change.h"
#include "integrity/trusted/record_text.h"
#include "integrity/who/who.h"
#include "integrity/why/actor.h"

#include <stdlib.h>
#include <sys/stat.h>

struct approval *approval_free(struct approval *a)
{
        if (!a)
                return NULL;
        watchset_done(&a->paths);
        free(a->hashes);
        arena_done(&a->arena);
        free(a);
        return NULL;
}

int approval_hash_cmp(const void *x, const void *y)
{
        const struct approval_hash *a = x, *b = y;

        return span_cmp(a->path, b->path);
}

/* ---- judging ---- */

/* APPROVAL_FITS, or how near it comes. */
static enum approval_fit actor_fits(const struct approval_actor *x, const struct who *w,
                                    int64_t ctime_ns, const struct actor_files *files)
{
        enum actor_fit unit = x->unit.n ? actor_is_of_unit(x->unit, w) : ACTOR_FITS, exe;

        if (x->has_uid && !(w->has & WHO_HAS_UID && w->uid == x->uid))
                return APPROVAL_NOT_WHO;
        if (x->has_auid && !(w->has & WHO_HAS_AUID && w->auid == x->auid))
                return APPROVAL_NOT_WHO;
        exe = x->exe.n ? actor_runs(x->exe, w, ctime_ns, files) : ACTOR_FITS;
        if (unit == ACTOR_OTHER || exe == ACTOR_OTHER)
                return APPROVAL_NOT_WHO;
        return unit == ACTOR_FITS && exe == ACTOR_FITS ? APPROVAL_FITS : APPROVAL_NOT_SURE_WHO;
}

static enum approval_fit some_actor_fits(const struct approval *a, const struct who *w,
                                         int64_t ctime_ns, const struct actor_files *files)
{
        enum approval_fit best = a->n_actors ? APPROVAL_NOT_WHO : APPROVAL_FITS;

        for (size_t i = 0; w && i < a->n_actors; i++) {
                enum approval_fit f = actor_fits(&a->actors[i], w, ctime_ns, files);

                best = MAX_OF(best, f);
        }
        return best;
}

/* All who touched it have to be actors: what one of them wrote cannot be told from the others'. */
static enum approval_fit actors_fit(const struct approval *a, const struct change *c,
                                    const struct actor_files *files)
{
        int64_t ctime_ns = c->is ? c->is->ctime_ns : 0;
        enum approval_fit worst = some_actor_fits(a, c->who, ctime_ns, files);

        for (size_t i = 0; c->also && i < CHANGE_ALSO_MAX && c->also[i]; i++) {
                enum approval_fit f = some_actor_fits(a, c->also[i], ctime_ns, files);

                worst = MIN_OF(worst, f);
        }
        return worst;
}

static const struct approval_hash *find_hash(const struct approval *a, struct span path)
{
        struct approval_hash key = { .path = path };

        if (a->n_hashes == 0)
                return NULL;
        return bsearch(&key, a->hashes, a->n_hashes, sizeof *a->hashes, approval_hash_cmp);
}

static bool content_fits(const struct approval_hash *h, const struct record *is)
{
        if (h->gone)
                return !is;
        return is && is->type == RECORD_FILE && is->hash == RECORD_HASH_KNOWN &&
               memcmp(h->sha256, is->sha256, sizeof h->sha256) == 0;
}

/* The content is the one it names: nothing but the content may have become another, and a new file
 * has no right that its mode alone does not give. */
static bool only_content(const struct change *c)
{
        const unsigned written = RECORD_F_SHA256 | RECORD_F_SIZE | RECORD_F_MTIME | RECORD_F_INODE;
        const unsigned content = RECORD_F_SHA256 | RECORD_F_SIZE;
        unsigned differs;

        if (!c->is)
                return true;
        if (!c->was)
                return !(c->is->mode & (S_ISUID | S_ISGID)) && !record_has_more_rights(c->is);
        differs = record_diff(c->was, c->is);
        return differs & content && !(change_differs(c) & ~written);
}

/* What was read a moment after the end may have happened before it, unless somebody has seen to
 * it. */
static bool in_window(const struct approval *a, int64_t wall_ns)
{
        int64_t grace = a->closed ? 0 : (int64_t)APPROVAL_GRACE_MS * NS_PER_MS;

        return wall_ns >= a->from_ns && wall_ns < a->until_ns + grace;
}

/* Found by a scan: what was done to it last was done before it began. */
static bool was_before(const struct approval *a, const struct change *c)
{
        return c->is && c->seen && strcmp(c->seen, "live") != 0 && record_tells_when(c->is) &&
               c->is->ctime_ns < a->from_ns - (int64_t)APPROVAL_GRACE_MS * NS_PER_MS;
}

enum approval_fit approval_judge(const struct approval *a, const struct change *c,
                                 const struct actor_files *files)
{
        enum approval_fit who;

        const struct approval_hash *to = find_hash(a, c->path);
        const struct approval_hash *from = c->from.n ? find_hash(a, c->from) : NULL;

        if (!to && !watchset_covers(&a->paths, c->path))
                return APPROVAL_ELSEWHERE;
        if (c->from.n && !from && !watchset_covers(&a->paths, c->from))
                return APPROVAL_ELSEWHERE;
        if (!in_window(a, c->wall_ns) || was_before(a, c))
                return APPROVAL_NOT_NOW;
        who = actors_fit(a, c, files);
        if (who != APPROVAL_FITS)
                return who;
        if ((to && !content_fits(to, c->is)) || (from && !from->gone))
                return APPROVAL_NOT_WHAT;
        if (to && !watchset_covers(&a->paths, c->path) && !only_content(c))
                return APPROVAL_NOT_MORE;
        return APPROVAL_FITS;
}

const char *approval_fit_text(enum approval_fit f)
{
        static const char *const text[] = {
                [APPROVAL_ELSEWHERE] = "it is of other paths",
                [APPROVAL_NOT_NOW] = "it is of another time",
                [APPROVAL_NOT_WHO] = "it is of other actors, or the actor is not known",
                [APPROVAL_NOT_SURE_WHO] =
                        "the executable or the unit that it names may have been made to do it",
                [APPROVAL_NOT_WHAT] = "it names another content",
                [APPROVAL_NOT_MORE] = "it names the content alone, and more changed",
                [APPROVAL_FITS] = "it allows this",
        };

        return text[f];
}

/* ---- all that are known ---- */

void approvals_done(struct approvals *s)
{
        while (s->n)
                approval_free(s->of[--s->n]);
}

struct approval *approvals_find(const struct approvals *s, struct span id)
{
        for (size_t i = 0; i < s->n; i++)
                if (span_eq(s->of[i]->id, id))
                        return s->of[i];
        return NULL;
}

int approvals_add(struct approvals *s, struct approval *a, struct err *err)
{
        if (approvals_find(s, a->id))
                return err_set(err, -EEXIST, "there is a change %.*s already", (int)a->id.n,
                               (const char *)a->id.p);
        if (s->n == APPROVALS_MAX)
                return err_set(err, -ENOSPC, "%d approved changes are open already", APPROVALS_MAX);
        s->of[s->n++] = a;
        return 0;
}

void approvals_remove(struct approvals *s, const struct approval *a)
{
        size_t n = 0;

        for (size_t i = 0; i < s->n; i++)
                if (s->of[i] != a)
                        s->of[n++] = s->of[i];
        s->n = n;
}

void approval_begin(struct approval *a, int64_t wall_ns, int64_t mono_ns)
{
        if (__builtin_sub_overflow(a->until_ns, wall_ns, &a->ends_mono_ns) ||
            __builtin_add_overflow(a->ends_mono_ns, mono_ns, &a->ends_mono_ns))
                a->ends_mono_ns = INT64_MAX;
}

bool approval_ran_out(const struct approval *a, int64_t mono_ns)
{
        return mono_ns >= a->ends_mono_ns;
}

void approval_end(struct approval *a)
{
        a->until_ns = INT64_MIN / 2;
}

bool approval_is_over(const struct approval *a, int64_t wall_ns)
{
        return wall_ns >= a->until_ns + (int64_t)APPROVAL_GRACE_MS * NS_PER_MS;
}

void approvals_expire(struct approvals *s, int64_t wall_ns)
{
        size_t n = 0;

        for (size_t i = 0; i < s->n; i++) {
                if (approval_is_over(s->of[i], wall_ns))
                        approval_free(s->of[i]);
                else
                        s->of[n++] = s->of[i];
        }
        s->n = n;
}

const struct approval *approvals_judge(const struct approvals *s, const struct change *c,
                                       const struct actor_files *files, enum approval_fit *ret)
{
        const struct approval *nearest = NULL;

        *ret = APPROVAL_ELSEWHERE;
        for (size_t i = 0; i < s->n && *ret != APPROVAL_FITS; i++) {
                enum approval_fit f = approval_judge(s->of[i], c, files);

                if (f > *ret) {
                        *ret = f;
                        nearest = s->of[i];
                }
        }
        return nearest;
}

const struct approval *approvals_owner(const struct approvals *s, struct span path, int64_t wall_ns)
{
        for (size_t i = 0; i < s->n; i++) {
                const struct approval *a = s->of[i];

                if (in_window(a, wall_ns) &&
                    (find_hash(a, path) || watchset_covers(&a->paths, path)))
                        return a;
        }
        return NULL;
}

bool approvals_expect(const struct approvals *s, struct span path, int64_t wall_ns)
{
        for (size_t i = 0; i < s->n; i++) {
                const struct approval_hash *h =
                        in_window(s->of[i], wall_ns) ? find_hash(s->of[i], path) : NULL;

                if (h && !h->gone)
                        return true;
        }
        return false;
}

int approvals_parse(struct approvals *s, const char *name, struct span text, struct err *err)
{
        struct approval *a = NULL;
        int rc = 0;

        for (size_t line = 1; text.n; line++) {
                struct span one;

                line_next(&text, &one);
                rc = approval_parse(one, &a, err);
                if (rc == 0) {
                        rc = approvals_add(s, a, err);
                        if (rc < 0)
                                approval_free(a);
                }
                if (rc < 0)
                        return err_wrap(err, "%s:%zu", name, line);
        }
        return 0;
}

void approvals_print(const struct approvals *s, struct buf *out)
{
        for (size_t i = 0; i < s->n; i++) {
                approval_print(s->of[i], out);
                buf_put_byte(out, '\n');
        }
}

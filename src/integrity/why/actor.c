/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/actor.h"

#include "base/pattern.h"
#include "integrity/who/session.h"
#include "integrity/who/who.h"

const char *actor_fit_text(enum actor_fit f)
{
        static const char *const text[] = {
                [ACTOR_OTHER] = NULL,
                [ACTOR_CUT] = "only the end of the executable's path is known",
                [ACTOR_NAMELESS] = "no name led to what was executed",
                [ACTOR_ELSEWHERE] = "it was executed in another mount namespace",
                [ACTOR_LED] = "it was traced, or its environment names other code for it to load",
                [ACTOR_STRAYS] = "its PATH names other directories than the system's",
                [ACTOR_UNSIGNED] = "not all packages of the transaction are known to be signed",
                [ACTOR_CHANGED] = "the script is not known to be the one that its package has",
                [ACTOR_UNTRUSTED] = "what was executed is not what is trusted at that path",
                [ACTOR_EARLIER] = "the process was another program just before",
                [ACTOR_NESTED] = "it is a unit within another, or in a container",
                [ACTOR_ENTERED] = "the process was moved into the unit, not begun in it by init",
                [ACTOR_LOGIN] = "somebody has logged in there",
                [ACTOR_FITS] = "it fits",
        };

        return text[f];
}

/* ---- by executable ---- */

static bool names(struct span pattern, struct span exe)
{
        struct pattern p;
        size_t at;

        return exe.n && pattern_parse(pattern, &p, &at, NULL) == 0 && pattern_covers(&p, exe);
}

enum actor_fit actor_is_plain(const struct who_exe *file)
{
        if (file->cut)
                return ACTOR_CUT;
        if (file->nameless) /* its path is where it was, not what it is */
                return ACTOR_NAMELESS;
        if (file->elsewhere) /* any file may lie there */
                return ACTOR_ELSEWHERE;
        return file->led ? ACTOR_LED : ACTOR_FITS;
}

static enum actor_fit ran(struct span pattern, struct span exe, const struct who_exe *file,
                          const struct actor_files *files)
{
        enum actor_fit fit;

        if (!names(pattern, exe))
                return ACTOR_OTHER;
        fit = actor_is_plain(file);
        if (fit != ACTOR_FITS)
                return fit;
        if (files && files->is_trusted && !files->is_trusted(files->ctx, exe, file))
                return ACTOR_UNTRUSTED;
        return ACTOR_FITS;
}

static enum actor_fit kin_ran(struct span pattern, const struct who *w, const struct who_kin *k,
                              const struct actor_files *files)
{
        return k->has_exe ? ran(pattern, who_kin_name(w, k), &k->file, files) : ACTOR_OTHER;
}

struct who_exe actor_file(const struct who *w)
{
        struct who_exe file = w->file;

        file.nameless |= (w->has & WHO_EXE_NAMELESS) != 0;
        file.elsewhere |= (w->has & WHO_HAS_MOUNT_NS) != 0;
        return file;
}

static enum actor_fit itself_ran(struct span pattern, const struct who *w, int64_t ctime_ns,
                                 const struct actor_files *files)
{
        struct who_exe file = actor_file(w);
        enum actor_fit f = ran(pattern, buf_span(&w->exe), &file, files);

        if (ctime_ns && w->since_ns && ctime_ns > w->since_ns)
                return f;
        for (size_t i = 0; f == ACTOR_FITS && i < w->n_earlier; i++)
                if (kin_ran(pattern, w, &w->earlier[i], files) != ACTOR_FITS)
                        f = ACTOR_EARLIER;
        return f;
}

enum actor_fit actor_runs(struct span pattern, const struct who *w, int64_t ctime_ns,
                          const struct actor_files *files)
{
        enum actor_fit best = itself_ran(pattern, w, ctime_ns, files);

        for (size_t i = 0; best != ACTOR_FITS && i < w->n_parents; i++) {
                enum actor_fit f = kin_ran(pattern, w, &w->parents[i], files);

                best = MAX_OF(best, f);
        }
        return best;
}

/* ---- by unit ---- */

enum { INIT = 1 };

/* Who sets the manager's environment has every service load his code, and changes no file. */
static bool some_led(const struct who *w)
{
        bool led = w->file.led;

        for (size_t i = 0; i < w->n_parents; i++)
                led |= w->parents[i].pid != INIT && w->parents[i].file.led;
        return led;
}

enum actor_fit actor_is_of_unit(struct span unit, const struct who *w)
{
        if (w->unit.n == 0 || !span_eq(unit, buf_span(&w->unit)))
                return ACTOR_OTHER;
        if (w->has & WHO_UNIT_NESTED)
                return ACTOR_NESTED;
        if (w->has & WHO_UNIT_ENTERED)
                return ACTOR_ENTERED;
        if (w->login && session_is_login(w->login))
                return ACTOR_LOGIN;
        return some_led(w) ? ACTOR_LED : ACTOR_FITS;
}

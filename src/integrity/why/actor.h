/* SPDX-License-Identifier: Apache-2.0 */
/* actor.h - is the author of a change who an owner or an approved change names?  Floor 3, pure.
 *
 * By executable: a pattern of paths.  A process has run such a file when the path is one of the
 * sensor's own mount namespace, some name led to the file when it was executed, the environment
 * named no other code to load and nobody traced it then, and the file was what is trusted at
 * its path, where that is watched.  The author has, or one that it was begun under.  What else the
 * author was, as far as that may have been in the moment of the change, has too, unless the file
 * was changed after it had become what it is.
 *
 * By unit: of the system manager, not of one within it or of a container's; init began the process
 * there, or one that it descends from within the unit, nobody has logged in there, and none of them
 * was led to other code.
 *
 * What root does to a process that runs already (ptrace(2), writing to its memory) is not seen. */
#ifndef INTEGRITY_ACTOR_H
#define INTEGRITY_ACTOR_H

#include "base/base.h"

struct who;
struct who_exe;

/* Is the file that was executed at this path what is trusted there?  True where it is not watched.
 */
typedef bool actor_file_fn(void *ctx, struct span exe, const struct who_exe *file);

struct actor_files {
        actor_file_fn *is_trusted; /* NULL: nothing is watched */
        void *ctx;
};

/* The greater, the nearer. */
enum actor_fit {
        ACTOR_OTHER,
        ACTOR_CUT,
        ACTOR_NAMELESS,
        ACTOR_ELSEWHERE,
        ACTOR_LED,
        ACTOR_STRAYS, /* of maintainer scripts, as the two that follow: see package.h */
        ACTOR_UNSIGNED,
        ACTOR_CHANGED,
        ACTOR_UNTRUSTED,
        ACTOR_EARLIER,
        ACTOR_NESTED,
        ACTOR_ENTERED,
        ACTOR_LOGIN,
        ACTOR_FITS,
};
/* Goes on after "but"; NULL: nothing comes near. */
const char *actor_fit_text(enum actor_fit f);

/* ACTOR_FITS: some name of here led to it, and nothing says that it runs other code. */
enum actor_fit actor_is_plain(const struct who_exe *file);
/* What the author itself has executed. */
struct who_exe actor_file(const struct who *w);

/* ctime_ns: of the file, as it was changed last; 0: it is gone. */
enum actor_fit actor_runs(struct span pattern, const struct who *w, int64_t ctime_ns,
                          const struct actor_files *files);
enum actor_fit actor_is_of_unit(struct span unit, const struct who *w);

#endif

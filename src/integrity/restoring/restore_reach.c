/* SPDX-License-Identifier: Apache-2.0 */
/* restore_reach.c - what waits for the lock of a file, of which somebody else may have taken hold.
 *
 * Each such call is made by a hand (hands.h), and before a name changes the locks that this takes
 * are asked for alone: who waits for a lock in a rename keeps its directory from everybody.  A lock
 * that had to be waited for is asked for again until it need not: behind the one who had it others
 * may wait.  Between that and the rename there is a moment yet. */
#include "integrity/restoring/restore_disk_priv.h"

#include "base/clock.h"
#include "sys/fsput.h"
#include "sys/io.h"
#include "sys/sysclock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AT_ONCE_MS = 20, SAID = 512 };

/* Those of them that wait for a directory. */
static bool is_name(enum hand_act act)
{
        return act >= HAND_EXCHANGE && act <= HAND_REWIND;
}

int restore_call(struct restorer *r, struct hand_ask a, struct hand_got *got)
{
        int rc;

        if (r->locked && is_name(a.act))
                return -ETIMEDOUT;
        a.key = r->key;
        a.group = r->group;
        a.wait_ms = r->wait_ms;
        rc = hand_call(r->hands, &a, got);
        r->stuck |= hand_gave_up(rc);
        r->locked |= rc == -ETIMEDOUT && is_name(a.act);
        return rc;
}

int restore_say_stuck(struct restorer *r, int fd, int rc)
{
        CLEANUP(buf_done) struct buf by = BUF_INIT(SAID);
        struct err *err = r->task ? &r->task->err : NULL;
        struct fs_stat st = { .mode = 0 };

        r->stuck = true;
        if (!err || err->code)
                return rc;
        if (rc == -EUSERS)
                return err_set(err, rc, "as many files are kept locked as may be waited for");
        if (fs_stat_fd(fd, &st) == 0)
                restore_stalled_by((uint64_t)st.dev_major << 32 | st.dev_minor, st.ino, &by);
        return err_set(err, rc, "%s is kept locked: %s", S_ISDIR(st.mode) ? "its directory" : "it",
                       by.n ? buf_cstr(&by) : "by whom is not seen");
}

int restore_reach_fd(struct restore_run *p, int fd)
{
        int64_t begun = clock_mono(&sysclock), at = begun;
        int rc = 0;

        for (;;) {
                rc = restore_call(p->r, (struct hand_ask){ .act = HAND_TOUCH, .fd = fd }, NULL);
                if (rc == 0 && clock_mono(&sysclock) - at < AT_ONCE_MS * NS_PER_MS)
                        return 0;
                at = clock_mono(&sysclock);
                if (rc == 0 && at - begun > HANDS_WAIT_MS * NS_PER_MS)
                        rc = -ETIMEDOUT;
                if (rc < 0)
                        return restore_say_stuck(p->r, fd, rc);
        }
}

/* It was locked while it was put back: then only what nobody else has open is tried again.  What is
 * beside we have open ourselves. */
static int is_alone(struct restore_run *p, int dirfd, const char *name)
{
        CLEANUP_FD int fd = restore_open_for_flags(p->r, dirfd, name);

        if (fd < 0 || fs_is_held(fd) != 1)
                return 0;
        return restore_say_stuck(p->r, fd, -ETIMEDOUT);
}

int restore_reach(struct restore_run *p, int dirfd, const char *name)
{
        CLEANUP_FD int fd = restore_open(p->r, dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        int rc;

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        rc = restore_reach_fd(p, fd);
        if (rc == 0 && p->t->alone && strcmp(name, p->t->temp) != 0 && fstat(fd, &st) == 0 &&
            S_ISREG(st.st_mode))
                rc = is_alone(p, dirfd, name);
        return rc;
}

/* ---- names ---- */

static int names(struct restore_run *p, enum hand_act act, int fd, const char *name, int to_fd,
                 const char *to)
{
        const struct hand_ask a = { .act = act, .fd = fd, .fd2 = to_fd, .name = name, .to = to };
        int rc = p->r->locked ? -ETIMEDOUT : restore_reach(p, fd, name);

        if (rc == 0 && act != HAND_RENAME_NEW)
                rc = restore_reach(p, to_fd, to);
        if (rc < 0)
                return rc;
        rc = restore_call(p->r, a, NULL);
        if (rc == -ETIMEDOUT) {
                (void)err_set(&p->t->err, rc,
                              "it was locked again while it was put back: its directory waits too");
                p->t->raced = true;
        }
        return rc;
}

int restore_exchange(struct restore_run *p)
{
        return names(p, HAND_EXCHANGE, p->dirfd, p->t->temp, p->dirfd, p->name);
}

int restore_rename(struct restore_run *p, const char *from, const char *to)
{
        return names(p, HAND_RENAME, p->dirfd, from, p->dirfd, to);
}

int restore_rename_new(struct restore_run *p, int fd, const char *from, const char *to)
{
        return names(p, HAND_RENAME_NEW, fd, from, p->dirfd, to);
}

int restore_unlink(struct restore_run *p, int dirfd, const char *name, int flags)
{
        const struct hand_ask a = { .act = HAND_UNLINK, .fd = dirfd, .name = name, .a = flags };
        int rc = p->r->locked ? -ETIMEDOUT : restore_reach(p, dirfd, name);

        return rc < 0 ? rc : restore_call(p->r, a, NULL);
}

/* ---- flags ---- */

int restore_flags_change(struct restorer *r, int fd, unsigned clear, unsigned set, unsigned *had)
{
        const struct hand_ask a = { .act = HAND_FLAGS, .fd = fd, .a = clear, .b = set };
        struct hand_got got = { .fd = -1 };
        int rc = restore_call(r, a, &got);

        if (rc == 0 && had)
                *had = got.had;
        return rc;
}

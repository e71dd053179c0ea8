/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/restore_disk_priv.h"

#include "integrity/restoring/quarantine.h"
#include "integrity/trusted/content.h"
#include "integrity/trusted/observe.h"
#include "sys/fsput.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file, whose name is about to go: a descriptor of it, or below 0. */
static int hold(struct restore_run *p, const char *name)
{
        return restore_open(p->r, p->dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* It has gone: how many names it has yet.  Before, somebody may have given it one more. */
static void count_others(struct restore_run *p, int held)
{
        struct fs_stat st;

        if (held >= 0 && fs_stat_fd(held, &st) == 0)
                p->t->others = st.nlink;
}

/* What came out under the name beside. */
static int drop_displaced(struct restore_run *p, bool is_dir)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT(p->t->path.n + (1u << 16));

        if (!is_dir) {
                CLEANUP_FD int held = hold(p, p->t->temp);
                int rc = restore_unlink(p, p->dirfd, p->t->temp, 0);

                if (rc == 0)
                        count_others(p, held);
                return rc;
        }
        buf_put(&path, p->t->path);
        return buf_status(&path) < 0 ? buf_status(&path)
                                     : restore_remove_tree(p, p->dirfd, p->t->temp, &path, 0);
}

/* ---- making it beside ---- */

static int fill_temp(struct restore_run *p, int fd)
{
        struct restore_task *t = p->t;
        int rc = 0;

        if (p->good.type == RECORD_FILE)
                rc = content_copy(p->r->content, p->good.sha256, fd, &t->err);
        if (rc == -ENOENT)
                (void)!err_set(&t->err, -ENODATA, "its content was never kept, or is not any more");
        if (rc < 0)
                return rc == -ENOENT ? -ENODATA : rc;
        t->bytes += p->good.type == RECORD_FILE ? p->good.size : 0;
        t->left |= restore_attrs(p->r, fd, &p->good);
        if (p->r->stuck)
                return -ETIMEDOUT;
        if (p->good.type == RECORD_FILE || p->good.type == RECORD_DIR)
                rc = restore_sync(p->r, fd);
        return rc;
}

/* An open descriptor of it, or a negative errno and nothing is there, or it may come yet. */
static int make_temp(struct restore_run *p)
{
        struct restore_task *t = p->t;
        int fd = restore_make(p), rc = fd < 0 ? fd : fill_temp(p, fd);

        if (fd < 0) {
                t->beside |= rc == -ETIMEDOUT;
                return restore_failed(t, rc, "the file beside it cannot be made");
        }
        if (rc == 0) {
                rc = restore_name_it(p, fd);
                t->beside = rc == -ETIMEDOUT;
        }
        if (rc == 0)
                return fd;
        fd_close(&fd);
        if (!p->unnamed)
                t->beside = restore_unlink(p, p->dirfd, t->temp,
                                           p->good.type == RECORD_DIR ? AT_REMOVEDIR : 0) < 0;
        return restore_failed(t, rc, "the file beside it cannot be written");
}

static bool is_at(struct restore_run *p, int fd, const char *name)
{
        struct fs_stat a, b;

        return fs_stat_fd(fd, &a) == 0 && restore_stat_name(p->r, p->dirfd, name, &b) == 0 &&
               a.ino == b.ino && a.dev_major == b.dev_major && a.dev_minor == b.dev_minor;
}

/* The name beside goes, with whatever has it: somebody may have exchanged as well. */
static void drop_temp(struct restore_run *p, int fd)
{
        bool ours = is_at(p, fd, p->t->temp);
        int rc = ours ? restore_unlink(p, p->dirfd, p->t->temp,
                                       p->good.type == RECORD_DIR ? AT_REMOVEDIR : 0)
                      : drop_displaced(p, true);

        p->t->beside = rc < 0 && rc != -ENOENT;
        if (rc < 0 && !ours)
                restore_note(p->t, "what came out lies beside it");
}

/* ---- who fights it ---- */

/* From now on nobody takes its place; but is it still in it? */
static void freeze(struct restore_run *p, int fd)
{
        if (!p->t->freeze || p->good.type != RECORD_FILE ||
            restore_flags_change(p->r, fd, 0, FS_ATTR_IMMUTABLE, NULL) < 0)
                return;
        p->t->frozen = is_at(p, fd, p->name);
        if (!p->t->frozen)
                (void)!restore_flags_change(p->r, fd, FS_ATTR_IMMUTABLE, 0, NULL);
}

/* Who holds what came out, while it has a name yet: where nobody writes or runs it nobody need be
 * looked for. */
static void see_holders(struct restore_run *p, const char *name)
{
        CLEANUP_FD int fd = -1;
        struct fs_stat st;

        if (restore_stat_name(p->r, p->dirfd, name, &st) < 0 || !S_ISREG(st.mode))
                return;
        fd = restore_open_for_flags(p->r, p->dirfd, name);
        if (fd >= 0 && fs_is_held(fd) != 0)
                restore_holders((uint64_t)st.dev_major << 32 | st.dev_minor, st.ino,
                                &p->t->holders);
}

/* ---- the exchange ---- */

/* But for what a rename itself changes. */
static bool same_but_ctime(const struct record *a, const struct record *b)
{
        struct record x = *b;

        x.ctime_ns = a->ctime_ns;
        x.nlink = a->nlink;
        x.flags = a->flags;
        return record_same_stat(a, &x);
}

/* Is what came out (at name) what went into quarantine?  1: yes; 0: no, and it is there as well
 * now; -EAGAIN: it is another one, and nobody insists. */
static int check_out(struct restore_run *p, const struct record *kept)
{
        struct restore_task *t = p->t;
        struct table_handle h;
        struct record out;
        int rc = restore_stat(p->r, p->dirfd, t->temp, &out, &h);

        if (rc < 0)
                return rc;
        p->out_is_dir = out.type == RECORD_DIR;
        t->others = out.type == RECORD_DIR ? 0 : out.nlink - MIN_OF(out.nlink, 1u);
        if (same_but_ctime(kept, &out))
                return 1;
        if (!record_same_file(kept, &out) && !t->insist)
                return -EAGAIN;
        rc = out.type == RECORD_DIR ? 0
                                    : restore_take(p, p->dirfd, t->temp, t->path, "changed", NULL);
        if (rc == 0)
                restore_note(t, "it was being changed while it was put back");
        return MIN_OF(rc, 0);
}

/* One name in the place of the other where they cannot be exchanged. */
static int rename_over(struct restore_run *p, const struct record *kept)
{
        CLEANUP_FD int held = -1;
        struct table_handle h;
        struct record now;
        int rc = restore_stat(p->r, p->dirfd, p->name, &now, &h);

        if (rc == 0 && !record_same_file(kept, &now))
                rc = -EAGAIN;
        if (rc < 0)
                return rc == -ENOENT ? -EAGAIN : rc;
        p->t->others = now.nlink - MIN_OF(now.nlink, 1u);
        if (kept->type == RECORD_DIR || p->good.type == RECORD_DIR)
                return -EOPNOTSUPP; /* neither takes the other's place */
        see_holders(p, p->name);
        restore_note(p->t, "renamed over: this filesystem exchanges no names");
        held = hold(p, p->name);
        rc = restore_rename(p, p->t->temp, p->name);
        if (rc == 0)
                count_others(p, held);
        return rc;
}

/* Temp and target change places, what came out goes.  On failure both are as they were. */
static int swap_in(struct restore_run *p, int fd, const struct record *kept)
{
        int rc = restore_exchange(p);

        if (fs_cannot(rc))
                return rename_over(p, kept);
        if (rc < 0)
                return rc == -ENOENT ? -EAGAIN : rc;
        freeze(p, fd);
        rc = check_out(p, kept);
        p->t->halfway = hand_gave_up(rc);
        if (rc < 0) {
                if (p->t->frozen)
                        (void)!restore_flags_change(p->r, fd, FS_ATTR_IMMUTABLE, 0, NULL);
                p->t->frozen = false;
                if (restore_exchange(p) < 0)
                        restore_note(p->t, "what came out could not be put back again");
                return rc;
        }
        see_holders(p, p->t->temp);
        rc = drop_displaced(p, p->out_is_dir);
        if (rc < 0 && p->out_is_dir) { /* all of it, or nothing */
                if (restore_exchange(p) < 0)
                        restore_note(p->t, "what came out could not be put back again");
        } else if (rc < 0) {
                restore_note(p->t, "what came out lies beside it");
                p->t->beside = true;
                rc = 0;
        }
        return rc;
}

/* ---- the acts ---- */

static int sync_dir(struct restore_run *p)
{
        return restore_sync(p->r, p->dirfd);
}

static int do_replace(struct restore_run *p)
{
        struct restore_task *t = p->t;
        CLEANUP_FD int fd = -1;
        struct record kept = p->is;
        int rc = 0;

        p->why = "changed";
        if (p->is.type != RECORD_DIR) { /* else each file in it, and it, as they go */
                rc = restore_take(p, p->dirfd, p->name, t->path, "changed", &kept);
                if (rc == 0 && !record_same_file(&kept, &p->is) && !t->insist)
                        rc = -EAGAIN;
        }
        if (rc < 0)
                return rc;
        fd = make_temp(p);
        if (fd < 0)
                return fd;
        restore_lift_name(p->r, p->dirfd, p->name);
        rc = swap_in(p, fd, &kept);
        if (rc < 0) {
                drop_temp(p, fd);
                return restore_failed(t, rc, "it cannot take its place");
        }
        if (!t->frozen)
                t->left |= restore_flags(p->r, fd, &p->good);
        rc = sync_dir(p);
        return rc < 0 ? restore_failed(t, rc, "its directory cannot be synced") : 0;
}

static int do_create(struct restore_run *p)
{
        struct restore_task *t = p->t;
        CLEANUP_FD int fd = make_temp(p);
        int rc;

        if (fd < 0)
                return fd;
        rc = restore_rename_new(p, p->dirfd, t->temp, p->name);
        if (fs_cannot(rc)) {
                struct fs_stat st;

                rc = restore_stat_name(p->r, p->dirfd, p->name, &st);
                rc = rc == 0 ? -EEXIST : rc == -ENOENT ? 0 : rc;
                if (rc == 0)
                        rc = restore_rename(p, t->temp, p->name);
        }
        if (rc < 0) {
                drop_temp(p, fd);
                return rc == -EEXIST ? -EAGAIN : restore_failed(t, rc, "it cannot get its name");
        }
        freeze(p, fd);
        if (!t->frozen)
                t->left |= restore_flags(p->r, fd, &p->good);
        rc = sync_dir(p);
        return rc < 0 ? restore_failed(t, rc, "its directory cannot be synced") : 0;
}

/* Aside at once, so that what is put away and what goes is one and the same. */
static int move_aside(struct restore_run *p)
{
        int rc = restore_rename_new(p, p->dirfd, p->name, p->t->temp);

        return fs_cannot(rc) ? restore_rename(p, p->name, p->t->temp) : rc;
}

static int do_remove(struct restore_run *p)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT(p->t->path.n + (1u << 16));
        struct restore_task *t = p->t;
        CLEANUP_FD int held = -1;
        struct table_handle h;
        struct record out;
        int rc;

        restore_lift_name(p->r, p->dirfd, p->name);
        buf_put(&path, t->path);
        rc = buf_status(&path) < 0 ? buf_status(&path) : move_aside(p);
        if (rc < 0)
                return rc == -ENOENT ? -EAGAIN : restore_failed(t, rc, "it cannot be moved aside");
        rc = restore_stat(p->r, p->dirfd, t->temp, &out, &h);
        t->halfway = hand_gave_up(rc);
        if (rc == 0 && !record_same_file(&p->is, &out) && !t->insist)
                rc = -EAGAIN;
        if (rc == 0)
                t->others = out.type == RECORD_DIR ? 0 : out.nlink - MIN_OF(out.nlink, 1u);
        see_holders(p, t->temp);
        held = rc == 0 && out.type != RECORD_DIR ? hold(p, t->temp) : -1;
        if (rc == 0)
                rc = restore_remove_tree(p, p->dirfd, t->temp, &path, 0);
        if (rc == 0)
                count_others(p, held);
        if (rc < 0) {
                t->beside = restore_rename_new(p, p->dirfd, t->temp, p->name) < 0;
                if (t->beside)
                        restore_note(t, "it could not be moved back, and lies beside its name");
                return restore_failed(t, rc, "what is there cannot be put away");
        }
        rc = sync_dir(p);
        return rc < 0 ? restore_failed(t, rc, "its directory cannot be synced") : 0;
}

static int do_attributes(struct restore_run *p)
{
        bool plain = p->is.type == RECORD_FILE || p->is.type == RECORD_DIR;
        CLEANUP_FD int fd =
                plain ? restore_open_for_flags(p->r, p->dirfd, p->name)
                      : restore_open(p->r, p->dirfd, p->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct record now;
        unsigned had = 0;
        int rc = fd < 0 ? fd : observe_stat_fd(fd, &now);

        if (rc == 0 && !record_same_file(&now, &p->is))
                rc = -EAGAIN;
        if (rc == 0 && plain)
                rc = restore_lift(p->r, fd, &had);
        if (rc < 0)
                return rc == -ENOENT || rc == -EAGAIN
                               ? -EAGAIN
                               : restore_failed(p->t, rc, "its attributes cannot be set");
        p->t->left |= restore_attrs(p->r, fd, &p->good);
        if (plain)
                p->t->left |= restore_flags(p->r, fd, &p->good);
        rc = p->r->stuck ? -ETIMEDOUT : 0;
        if (rc == 0 && plain)
                rc = restore_sync(p->r, fd);
        if (rc < 0)
                return restore_failed(p->t, rc, "it cannot be synced");
        see_holders(p, p->name);
        freeze(p, fd);
        return 0;
}

/* ---- a rename undone ---- */

static bool copy_name(struct span s, char out[TABLE_NAME_MAX + 1])
{
        if (s.n == 0 || s.n > TABLE_NAME_MAX)
                return false;
        memcpy(out, s.p, s.n);
        out[s.n] = '\0';
        return true;
}

/* Who renames from one directory to another waits for all who do so on this filesystem: for
 * whoever waits there for a file.  A name that is not there takes the same locks. */
static bool may_cross(struct restore_run *p, int fd)
{
        const struct hand_ask a = {
                .act = HAND_RENAME, .fd = fd, .fd2 = p->dirfd, .name = p->t->temp, .to = p->t->temp
        };

        return restore_reach_fd(p, fd) == 0 && restore_call(p->r, a, NULL) == -ENOENT;
}

/* Is it there, under the name it was given, and nothing here?  Then it comes back by that name.
 * Where somebody keeps that from being done, it is made anew: nothing is stuck over this path. */
static void undo_move(struct restore_run *p)
{
        struct span dir, name;
        char text[TABLE_NAME_MAX + 1];
        CLEANUP_FD int fd = -1;
        struct table_handle h;
        struct record there;
        uint64_t key = p->r->key;
        bool may;

        p->r->key = ~key;
        restore_split(p->t->moved_to, &dir, &name);
        fd = restore_open_dir(p->r, dir);
        may = fd >= 0 && copy_name(name, text) && restore_stat(p->r, fd, text, &there, &h) == 0 &&
              record_same_file(&there, &p->good) && may_cross(p, fd);
        if (may)
                restore_lift_name(p->r, fd, text);
        p->r->key = key;
        p->t->moved = may && restore_rename_new(p, fd, text, p->name) == 0;
        if (p->t->moved) {
                (void)!restore_sync(p->r, fd); /* both ways it is a rename that was, or was not */
        } else if (!p->t->raced) {
                p->r->stuck = p->r->locked = false;
                p->t->err = (struct err){ 0 };
        }
}

/* ---- the whole ---- */

/* What is there, and whether it is what was judged: then it need not be read again. */
static int look(struct restore_run *p)
{
        struct restore_task *t = p->t;
        struct record r;
        int rc = restore_stat(p->r, p->dirfd, p->name, &r, &t->handle);

        p->there = rc == 0;
        if (rc < 0)
                return rc == -ENOENT ? 0 : rc;
        r.flags = p->has_judged && p->judged.known[RECORD_FLAGS] == RECORD_KNOWN &&
                                  r.known[RECORD_FLAGS] != RECORD_KNOWN
                          ? p->judged.flags
                          : r.flags;
        if (p->has_judged && record_same_stat(&p->judged, &r)) {
                p->is = p->judged;
                return 0;
        }
        if (!t->insist && !t->moved && !t->late)
                return -EAGAIN;
        rc = observe(p->r->observer, p->dirfd, p->name, &p->is, NULL);
        p->there = rc == 0;
        return rc == -ENOENT ? 0 : rc;
}

static int act(struct restore_run *p)
{
        static int (*const acts[RESTORE_ACTS])(struct restore_run *) = {
                [RESTORE_ATTRIBUTES] = do_attributes,
                [RESTORE_REPLACE] = do_replace,
                [RESTORE_CREATE] = do_create,
                [RESTORE_REMOVE] = do_remove,
        };
        struct restore_task *t = p->t;
        int rc = restore_possible(&p->good, &p->plan, &t->err);

        t->act = p->plan.act;
        if (t->late && t->act == RESTORE_NOTHING) /* the hand has done it in the end */
                t->act = p->has_good ? RESTORE_REPLACE : RESTORE_REMOVE;
        t->differs = p->plan.differs;
        if (rc == 0 && p->plan.content && !content_has(p->r->content, p->good.sha256))
                rc = err_set(&t->err, -ENODATA, "its content was never kept, or is not any more");
        return rc < 0 || !acts[p->plan.act] ? rc : acts[p->plan.act](p);
}

/* What is there in the end. */
static void see_result(struct restore_run *p)
{
        struct restore_task *t = p->t;
        struct restore_plan after;
        unsigned could_not;
        struct record r;
        int rc = observe(p->r->observer, p->dirfd, p->name, &r, &t->handle);

        if (hand_gave_up(rc)) { /* it was put back; what is there now is looked at when it can be */
                t->undone = true;
                return;
        }
        buf_clear(&t->now);
        if (rc == 0)
                record_encode(&r, &t->now);
        restore_plan(p->has_good ? &p->good : NULL, rc == 0 ? &r : NULL,
                     t->frozen ? t->fields & ~(unsigned)RECORD_F_FLAGS : t->fields, &after);
        could_not = t->left;
        t->left = (t->left & t->fields) | after.differs;
        /* What could be set and is another now, somebody else has set. */
        t->undone = after.act == RESTORE_ATTRIBUTES ? after.differs & ~could_not && !t->insist
                                                    : after.act != RESTORE_NOTHING;
        if (t->undone)
                restore_note(t, "it was changed again at once");
}

static void run_in(struct restore_run *p)
{
        struct restore_task *t = p->t;
        unsigned had = 0;
        int rc = restore_reach_fd(p, p->dirfd);

        p->r->locked |= rc < 0;
        if (rc == 0)
                rc = restore_lift(p->r, p->dirfd, &had);
        if (rc == 0 && t->moved_to.n && p->has_good && !t->late)
                undo_move(p);
        if (rc == 0)
                rc = t->raced ? -ETIMEDOUT : restore_reach(p, p->dirfd, p->name);
        if (rc == 0)
                rc = look(p);
        if (rc == 0) {
                restore_plan(p->has_good ? &p->good : NULL, p->there ? &p->is : NULL, t->fields,
                             &p->plan);
                rc = act(p);
        }
        if (rc == 0)
                see_result(p);
        if (had && restore_flags_change(p->r, p->dirfd, 0, had, NULL) < 0)
                restore_note(t, "its directory was immutable, and is not any more");
        if (rc == -EAGAIN)
                t->result = RESTORE_AGAIN;
        else if (rc < 0)
                (void)restore_failed(t, rc, "it cannot be put back");
        else
                t->result = p->plan.act == RESTORE_NOTHING && !t->moved && !t->late ? RESTORE_SAME
                                                                                    : RESTORE_DONE;
}

/* The directory, or its state: whether the path leads there without a link. */
static void open_and_run(struct restore_run *p)
{
        struct restore_task *t = p->t;
        struct span dir, name;

        restore_split(t->path, &dir, &name);
        p->dirfd = restore_open_dir(p->r, dir);
        if (p->dirfd == -ENOENT || p->dirfd == -ENOTDIR || p->dirfd == -ELOOP) {
                if (!p->has_good) { /* neither is what was to go */
                        t->result = RESTORE_SAME;
                        return;
                }
                t->result = RESTORE_PARENT;
                (void)!err_set(&t->err, p->dirfd, "the directory it was in is not there%s",
                               p->dirfd == -ENOENT ? "" : ": a link or a file is in its way");
                return;
        }
        if (p->dirfd < 0 || !copy_name(name, p->name)) {
                (void)restore_failed(t, p->dirfd < 0 ? p->dirfd : -ENAMETOOLONG, "its directory");
                return;
        }
        run_in(p);
}

void restore_run(struct restorer *r, struct restore_task *t)
{
        struct restore_run p = { .r = r, .t = t, .dirfd = -1, .why = "added" };
        int rc = 0;

        t->result = RESTORE_FAILED;
        restore_begin(r, t);
        p.has_good = t->good.n > 0;
        p.has_judged = t->judged.n > 0;
        if (p.has_good)
                rc = record_decode(t->good, &p.good, &t->err);
        if (rc == 0 && p.has_judged)
                rc = record_decode(t->judged, &p.judged, &t->err);
        if (rc == 0 && t->path.n > 1)
                open_and_run(&p);
        fd_close(&p.dirfd);
        r->task = NULL;
        t->stalled = r->stuck && t->result == RESTORE_FAILED;
        if (buf_status(&t->now) < 0)
                (void)restore_failed(t, buf_status(&t->now), "its state");
}

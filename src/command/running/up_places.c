/* SPDX-License-Identifier: Apache-2.0 */
/* up_places.c - see up_places.h. */
#include "command/running/up_places.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/places.h"
#include "loop/role.h"
#include "sys/io.h"
#include "sys/reach.h"
#include "sys/users.h"

enum { TREE_DESCRIPTORS = 16 };

static bool is_transient(uid_t uid)
{
        return uid >= TRANSIENT_MIN && uid <= TRANSIENT_MAX;
}

static bool is_free(uid_t uid)
{
        CLEANUP(buf_done) struct buf name = BUF_INIT(1024);

        return users_put_name(&name, uid) == -ENOENT && users_put_group(&name, uid) == -ENOENT;
}

/* Who owns a directory now.  -ENOENT: it is not there. */
static int owner_now(const char *dir, uid_t *ret, struct err *err)
{
        struct stat st;

        if (lstat(dir, &st) < 0)
                return errno == ENOENT ? -ENOENT : err_sys(err, -errno, "%s", dir);
        *ret = st.st_uid;
        return 0;
}

/* One that is not this machine's nor taken by those who were chosen before. */
static bool is_left(const struct up_users *taken, uid_t uid)
{
        return uid != taken->recorder.uid && uid != taken->uplink.uid && is_free(uid);
}

static int choose_transient(const char *dir, const struct up_users *taken, struct up_user *ret,
                            struct err *err)
{
        uid_t uid = 0;
        int status = owner_now(dir, &uid, err);

        if (status < 0 && status != -ENOENT)
                return status;
        if (status < 0 || !is_transient(uid) || !is_left(taken, uid))
                for (uid = TRANSIENT_MIN; uid <= TRANSIENT_MAX && !is_left(taken, uid);)
                        uid++;
        if (uid > TRANSIENT_MAX)
                return err_set(err, -EAGAIN, "no user id between %d and %d is free", TRANSIENT_MIN,
                               TRANSIENT_MAX);
        *ret = (struct up_user){ .uid = uid, .gid = uid, .transient = true };
        return 0;
}

static int choose_user(enum role_id role, const char *dir, bool create,
                       const struct up_users *taken, struct up_user *ret, struct err *err)
{
        const char *name = role_of(role)->user;
        struct up_user u = { 0 };
        int status;

        if (create && (status = users_create(name, err)) < 0)
                return status;
        status = users_find(name, &u.uid, &u.gid);
        if (status == -ENOENT)
                return choose_transient(dir, taken, ret, err);
        if (status < 0)
                return err_sys(err, status, "user %s", name);
        *ret = u;
        return 0;
}

int up_choose_users(const struct invocation *in, bool create, struct up_users *ret, struct err *err)
{
        char ledger[PLACES_PATH_MAX], private[PLACES_PATH_MAX], uplink[PLACES_PATH_MAX],
                jwks[PLACES_PATH_MAX];
        struct up_users u = { 0 };
        int status;

        status = places_ledger(in, ledger, err);
        if (status == 0)
                status = places_private(ledger, private, err);
        if (status == 0)
                status = places_join(in->state, "uplink", uplink, err);
        if (status == 0)
                status = places_join(in->state, "jwks", jwks, err);
        if (status == 0)
                status = choose_user(ROLE_RECORDER, private, create, &u, &u.recorder, err);
        if (status == 0)
                status = choose_user(ROLE_UPLINK, uplink, create, &u, &u.uplink, err);
        if (status == 0)
                status = choose_user(ROLE_KEYS, jwks, create, &u, &u.gateway, err);
        if (status == 0)
                *ret = u;
        return status;
}

/* ---- directories ---- */

/* A directory with this mode and owner; a link in its place is refused. */
static int make_dir(const char *path, mode_t mode, uid_t uid, gid_t gid, struct err *err)
{
        CLEANUP_FD int fd = -1;

        if (mkdir(path, mode) < 0 && errno != EEXIST)
                return err_sys(err, -errno, "%s", path);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return err_sys(err, -errno, "%s", path);
        if (fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0)
                return err_sys(err, -errno, "%s", path);
        return 0;
}

static const struct up_user *tree_owner; /* nftw(3) has no context */

static int give_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
        if (st->st_uid == tree_owner->uid && st->st_gid == tree_owner->gid)
                return 0;
        return lchown(path, tree_owner->uid, tree_owner->gid) < 0 ? -errno : 0;
}

/* All below a directory that changes its owner, as when the service user was made after the ledger.
 */
int up_give_tree(const char *path, mode_t mode, const struct up_user *user, struct err *err)
{
        struct stat st;
        int status;

        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid != user->uid) {
                tree_owner = user;
                status = nftw(path, give_one, TREE_DESCRIPTORS, FTW_PHYS | FTW_MOUNT | FTW_DEPTH);
                if (status != 0)
                        return err_sys(err, status < -1 ? status : -errno, "%s: change its owner",
                                       path);
        }
        return make_dir(path, mode, user->uid, user->gid, err);
}

/* Or it would end at once, over and over, and say no more than that it may not. */
static int check_reach(const char *dir, const char *option, const struct up_user *user,
                       struct err *err)
{
        char whole[PATH_MAX];
        int status;

        if (!realpath(dir, whole))
                return err_sys(err, -errno, "%s", dir);
        status = reach_directory(whole, user->uid, user->gid, err);
        if (status == -EACCES)
                return err_wrap(err, "%s %s: the recorder, which runs as uid %u, may not enter",
                                option, dir, user->uid);
        return status;
}

int up_make_places(const struct invocation *in, const struct up_user *user, struct err *err)
{
        char ledger[PLACES_PATH_MAX], private[PLACES_PATH_MAX], sensor[PLACES_PATH_MAX],
                monitor[PLACES_PATH_MAX];
        int status;

        status = places_ledger(in, ledger, err);
        if (status == 0)
                status = places_private(ledger, private, err);
        if (status == 0)
                status = places_join(in->state, "sensor", sensor, err);
        if (status == 0)
                status = places_join(in->state, "monitor", monitor, err);
        if (status == 0)
                status = make_dir(in->state, 0755, 0, 0, err);
        if (status == 0)
                status = up_give_tree(ledger, 0755, user, err);
        if (status == 0)
                status = up_give_tree(private, 0700, user, err);
        if (status == 0)
                status = make_dir(sensor, 0700, 0, 0, err);
        if (status == 0)
                status = make_dir(monitor, 0700, 0, 0, err);
        /* Sticky: the recorder makes its socket there and cannot remove what others made. */
        if (status == 0)
                status = make_dir(in->run, 01775, 0, user->gid, err);
        if (status == 0)
                status = check_reach(in->state, "--state", user, err);
        if (status == 0)
                status = check_reach(in->run, "--run", user, err);
        return status;
}

/* There, or made.  Not by one call with O_CREAT: the directory is sticky, and the kernel refuses
 * that for a file of somebody else's in it, even to root (fs.protected_regular). */
static int open_or_make(const char *path, mode_t mode)
{
        int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0 && errno == ENOENT)
                fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        return fd < 0 ? -errno : fd;
}

/* A file that one of its own user may have open; a link in its place, or another name of a file, is
 * refused. */
static int make_file(const char *path, mode_t mode, const struct up_user *user, struct err *err)
{
        CLEANUP_FD int fd = open_or_make(path, mode);
        struct stat st;

        if (fd < 0)
                return err_sys(err, fd, "%s", path);
        if (fstat(fd, &st) < 0)
                return err_sys(err, -errno, "%s", path);
        if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
                return err_set(err, -EINVAL, "%s: not a file of one name", path);
        if (fchown(fd, user->uid, user->gid) < 0 || fchmod(fd, mode) < 0)
                return err_sys(err, -errno, "%s", path);
        return 0;
}

int up_make_gateway(const struct invocation *in, const struct up_user *user, struct err *err)
{
        char prefix[PLACES_PATH_MAX], status_file[PLACES_PATH_MAX];
        int status;

        status = places_join(in->run, "gateway", prefix, err);
        if (status == 0)
                status = places_join(in->run, "gateway.status", status_file, err);
        if (status == 0)
                status = make_dir(prefix, 0700, user->uid, user->gid, err);
        return status == 0 ? make_file(status_file, 0644, user, err) : status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* uplink_places.c - the uplink's directory and one in it for each sink.
 *
 * SECURITY: whoever took an uplink over owns what is in there, and root comes back to it at each
 * start: no link is followed, and only a plain file without another name changes its owner. */
#include "fleet/uplink_priv.h"
#include "loop/role.h"
#include "sys/io.h"
#include "sys/users.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct owner {
        uid_t uid;
        gid_t gid;
        bool change; /* false: we stay who we are */
};

/* One file of a directory, which the uplink of before may have had as another user. */
static int give_file(int dirfd, const char *name, const struct owner *to)
{
        CLEANUP_FD int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || (st.st_uid == to->uid && st.st_gid == to->gid))
                return 0;
        if (st.st_nlink != 1)
                return -EMLINK;
        return fchownat(fd, "", to->uid, to->gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int give_files(int dirfd, const char *path, const struct owner *to, struct err *err)
{
        int copy = fcntl(dirfd, F_DUPFD_CLOEXEC, 3), rc = 0;
        DIR *d = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *e;

        if (!d) {
                rc = -errno;
                fd_close(&copy);
                return err_sys(err, rc, "%s", path);
        }
        while (rc == 0 && (e = readdir(d))) {
                rc = give_file(dirfd, e->d_name, to);
                if (rc < 0)
                        err_sys(err, rc, "%s/%s: change its owner", path, e->d_name);
        }
        closedir(d);
        return rc;
}

/* A directory of whom we become, and the files in it. */
static int make_own(int parent, const char *name, const char *path, const struct owner *to,
                    int *ret_fd, struct err *err)
{
        CLEANUP_FD int fd = -1;
        int rc = 0;

        if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
                return err_sys(err, -errno, "%s", path);
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return err_sys(err, -errno, "%s", path);
        if (to->change && fchown(fd, to->uid, to->gid) < 0)
                return err_sys(err, -errno, "%s: change its owner", path);
        if (to->change)
                rc = give_files(fd, path, to, err);
        if (rc == 0 && fsync(parent) < 0)
                rc = err_sys(err, -errno, "%s", path);
        if (rc < 0)
                return rc;
        *ret_fd = fd;
        fd = -1;
        return 0;
}

static int find_owner(const struct uplink *u, struct owner *ret, struct err *err)
{
        const char *user = role_of(ROLE_UPLINK)->user;
        int rc = 0;

        *ret = (struct owner){ .uid = u->o->as, .gid = u->o->as };
        ret->change = !u->o->keep_user && geteuid() == 0;
        if (ret->change && !u->o->as)
                rc = users_find(user, &ret->uid, &ret->gid);
        return rc < 0 ? err_sys(err, rc, "service user %s", user) : 0;
}

/* Each sink has its own: whoever takes one over does not move the cursors of the others. */
static int give_places(struct uplink *u, struct err *err)
{
        CLEANUP_FD int state = -1;
        struct owner to;
        int rc = find_owner(u, &to, err);

        if (rc == 0)
                rc = io_make_dirs(&io_kernel, AT_FDCWD, u->o->state, 0755, err);
        if (rc < 0)
                return rc;
        state = open(u->o->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (state < 0)
                return err_sys(err, -errno, "%s", u->o->state);
        rc = make_own(state, "uplink", u->own, &to, &u->own_fd, err);
        for (size_t i = 0; i < u->config.n && rc == 0; i++) {
                const char *name = u->config.sinks[i].name;
                CLEANUP_FD int fd = -1;

                rc = io_join(u->sinks[i].own, u->own, name, err);
                if (rc == 0)
                        rc = make_own(u->own_fd, name, u->sinks[i].own, &to, &fd, err);
        }
        return rc;
}

/* The recorder may keep what it publishes from others; its group may read it, and has nothing
 * else: its private half is for the recorder alone. */
static void find_group(struct uplink *u)
{
        char ledger[PATH_MAX];
        struct stat st;

        if (io_join(ledger, u->o->state, "ledger", NULL) == 0 && stat(ledger, &st) == 0)
                u->group = st.st_gid;
}

int places_make(struct uplink *u, struct err *err)
{
        int rc = io_join(u->own, u->o->state, "uplink", err);

        if (rc == 0)
                rc = io_join(u->socket, u->o->run, "recorder.sock", err);
        if (rc == 0)
                rc = give_places(u, err);
        if (rc == 0)
                find_group(u);
        return rc;
}

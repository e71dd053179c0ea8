/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/users.h"

#include "sys/spawn.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

enum { ENTRY_FIRST = 1024, ENTRY_MAX = 1024 * 1024, CREATE_MS = 30000 };

/* One of the four ways to ask; the strings of the answer are in p. */
struct question {
        const char *name; /* NULL: by number */
        id_t id;
        bool group;
        struct passwd pw;
        struct group gr;
};

static int ask_once(struct question *q, char *p, size_t n)
{
        struct passwd *pw = NULL;
        struct group *gr = NULL;
        int r;

        if (q->group)
                r = q->name ? getgrnam_r(q->name, &q->gr, p, n, &gr)
                            : getgrgid_r(q->id, &q->gr, p, n, &gr);
        else
                r = q->name ? getpwnam_r(q->name, &q->pw, p, n, &pw)
                            : getpwuid_r(q->id, &q->pw, p, n, &pw);
        if (pw || gr)
                return 0;
        /* getpwnam(3) lists what "not found" may look like */
        return r == 0 || r == ESRCH || r == EBADF || r == EPERM || r == ENOENT ? -ENOENT : -r;
}

/* *ret holds the strings of q's answer; the caller frees it, whatever is returned. */
static int ask(struct question *q, char **ret)
{
        char *more;
        int r;

        for (size_t n = ENTRY_FIRST; n <= ENTRY_MAX; n *= 4) {
                more = realloc(*ret, n);
                if (!more)
                        return -ENOMEM;
                *ret = more;
                r = ask_once(q, more, n);
                if (r != -ERANGE)
                        return r;
        }
        return -E2BIG;
}

int users_find(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
        struct question q = { .name = name };
        char *p = NULL;
        int r = ask(&q, &p);

        if (r == 0) {
                *ret_uid = q.pw.pw_uid;
                if (ret_gid)
                        *ret_gid = q.pw.pw_gid;
        }
        free(p);
        return r;
}

int users_find_group(const char *name, gid_t *ret)
{
        struct question q = { .name = name, .group = true };
        char *p = NULL;
        int r = ask(&q, &p);

        if (r == 0)
                *ret = q.gr.gr_gid;
        free(p);
        return r;
}

int users_put_name(struct buf *b, uid_t uid)
{
        struct question q = { .id = uid };
        char *p = NULL;
        int r = ask(&q, &p);

        if (r == 0) {
                buf_put_str(b, q.pw.pw_name);
                r = buf_status(b);
        }
        free(p);
        return r;
}

int users_put_group(struct buf *b, gid_t gid)
{
        struct question q = { .id = gid, .group = true };
        char *p = NULL;
        int r = ask(&q, &p);

        if (r == 0) {
                buf_put_str(b, q.gr.gr_name);
                r = buf_status(b);
        }
        free(p);
        return r;
}

int users_create(const char *name, struct err *err)
{
        const char *const argv[] = { "useradd",
                                     "--system",
                                     "--user-group",
                                     "--no-create-home",
                                     "--home-dir",
                                     "/nonexistent",
                                     "--shell",
                                     "/usr/sbin/nologin",
                                     "--",
                                     name,
                                     NULL };
        struct spawn s = {
                .path = "/usr/sbin/useradd", .argv = argv, .in = -1, .out = -1, .err = 2
        };
        uid_t uid;
        int r, status;

        r = users_find(name, &uid, NULL);
        if (r != -ENOENT)
                return r < 0 ? err_sys(err, r, "user %s", name) : 0;
        r = spawn_run(&s, CREATE_MS, &status, err);
        if (r < 0)
                return r;
        if (status != 0)
                return err_set(err, -EIO, "user %s: useradd ended with status %d", name, status);
        r = users_find(name, &uid, NULL);
        return r < 0 ? err_sys(err, r, "user %s after useradd", name) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/reach.h"

#include "base/buf.h"
#include "sys/io.h"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <unistd.h>

/* What is looked up in a directory is found by those only who may enter it: "." as well. */
static int enter(struct span directory)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT(PATH_MAX + 2);
        CLEANUP_FD int fd = -1;

        buf_put(&path, directory);
        buf_put_str(&path, "/.");
        if (buf_status(&path) < 0)
                return buf_status(&path);
        fd = open(buf_cstr(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : 0;
}

static int enter_each(const char *path, struct span *ret)
{
        int status = 0;

        for (const char *end = path; status == 0 && *end;) {
                end += 1 + strcspn(end + 1, "/");
                *ret = span_of(path, (size_t)(end - path));
                status = enter(*ret);
        }
        return status;
}

int reach_directory(const char *path, uid_t uid, gid_t gid, struct err *err)
{
        struct span at = span_str(path);
        int status;

        setfsgid(gid);
        setfsuid(uid);
        status = enter_each(path, &at);
        setfsuid(geteuid());
        setfsgid(getegid());
        if (status < 0)
                return err_sys(err, status, "%.*s", (int)at.n, (const char *)at.p);
        return 0;
}

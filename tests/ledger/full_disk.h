/* SPDX-License-Identifier: Apache-2.0 */
/* full_disk.h - a ledger on a tmpfs of its own, in a mount namespace of this test, and somebody
 * else who fills it.  Takes root. */
#ifndef TESTS_LEDGER_FULL_DISK_H
#define TESTS_LEDGER_FULL_DISK_H

#include "fixture.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>

static inline bool full_disk_may(void)
{
        return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static inline void full_disk_new(struct fixture *f, const char *size)
{
        char options[64];

        fixture_init(f, false);
        fd_close(&f->public_fd);
        fd_close(&f->private_fd);
        fixture_remove(f->root_fd, ".");
        snprintf(options, sizeof options, "size=%s", size);
        TESTLOG_REQUIRE(mount("none", f->dir, "tmpfs", 0, options) == 0);
        fd_close(&f->root_fd);
        f->root_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        TESTLOG_REQUIRE(mkdirat(f->root_fd, "log", 0755) == 0);
        TESTLOG_REQUIRE(mkdirat(f->root_fd, "log.private", 0700) == 0);
        fixture_reopen_dirs(f);
        TESTLOG_REQUIRE(
                ledger_create(f->public_fd, f->private_fd, FIXTURE_ORIGIN, &f->options, NULL) == 0);
}

static inline void full_disk_done(struct fixture *f)
{
        fd_close(&f->public_fd);
        fd_close(&f->private_fd);
        fd_close(&f->root_fd);
        TESTLOG_REQUIRE(umount(f->dir) == 0);
        f->root_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fixture_done(f);
}

/* All the room there is. */
static inline void full_disk_fill(struct fixture *f)
{
        int fd = openat(f->root_fd, "filler", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        static const uint8_t some[4096];

        while (write(fd, some, sizeof some) > 0)
                ;
        TESTLOG_REQUIRE(errno == ENOSPC);
        close(fd);
}

static inline int full_disk_give_back(struct fixture *f)
{
        return unlinkat(f->root_fd, "filler", 0);
}

#endif

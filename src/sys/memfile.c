/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/memfile.h"

#include "sys/io.h"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file belongs to the user whose rights on files the maker has. */
static int make(uid_t uid)
{
        int fd, e;

        if (uid == (uid_t)-1)
                return memfd_create("assay", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        setfsuid(uid);
        fd = memfd_create("assay", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd >= 0 && fchmod(fd, 0400) < 0)
                fd_close(&fd);
        e = errno;
        setfsuid(geteuid());
        errno = e;
        return fd;
}

static int check_owner(int fd, uid_t uid)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return st.st_uid == uid ? 0 : -EPERM;
}

int memfile_new(struct span bytes, uid_t uid, struct err *err)
{
        CLEANUP_FD int fd = make(uid);
        ssize_t n;
        int rc;

        if (fd < 0)
                return err_sys(err, -errno, "a file in memory");
        rc = uid == (uid_t)-1 ? 0 : check_owner(fd, uid);
        if (rc < 0)
                return err_sys(err, rc, "a file in memory for user %u", (unsigned)uid);
        if (uid == (uid_t)-1 && fchmod(fd, 0400) < 0)
                return err_sys(err, -errno, "a file in memory");
        n = bytes.n ? io_kernel.pwrite(NULL, fd, bytes.p, bytes.n, 0) : 0;
        if (n < 0)
                return err_sys(err, (int)n, "a file in memory of %zu bytes", bytes.n);
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return err_sys(err, -errno, "a file in memory: seal");
        rc = fd;
        fd = -1;
        return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/attempt_calls.h"

#include "sys/attempt.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/types.h>
#include <sys/syscall.h>

#include "bpf/attempt.h"

enum {
        NONE = ATTEMPT_NO_ARG,
        TO_WRITE = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC,
        SETATTR = 469, /* file_setattr(2), younger than the C library */
};

#define PLAIN NONE, NONE, NONE, 0, 0, 0

/* op, path, dirfd, path2, dirfd2, mask_arg, how, zero, mask */
static const struct {
        uint32_t number;
        struct attempt_call call;
} attempt_calls[] = {
#ifdef SYS_open
        { SYS_open, { ATTEMPT_OPEN, 0, NONE, NONE, NONE, 1, ATTEMPT_ANY_BIT, 0, TO_WRITE } },
        { SYS_creat, { ATTEMPT_OPEN, 0, NONE, PLAIN } },
        { SYS_unlink, { ATTEMPT_UNLINK, 0, NONE, PLAIN } },
        { SYS_rmdir, { ATTEMPT_UNLINK, 0, NONE, PLAIN } },
        { SYS_rename, { ATTEMPT_RENAME, 0, NONE, 1, NONE, NONE, 0, 0, 0 } },
        { SYS_link, { ATTEMPT_LINK, 0, NONE, 1, NONE, NONE, 0, 0, 0 } },
        { SYS_symlink, { ATTEMPT_MAKE, 1, NONE, PLAIN } },
        { SYS_mkdir, { ATTEMPT_MAKE, 0, NONE, PLAIN } },
        { SYS_mknod, { ATTEMPT_MAKE, 0, NONE, PLAIN } },
        { SYS_chmod, { ATTEMPT_MODE, 0, NONE, PLAIN } },
        { SYS_chown, { ATTEMPT_OWNER, 0, NONE, PLAIN } },
        { SYS_lchown, { ATTEMPT_OWNER, 0, NONE, PLAIN } },
        { SYS_utime, { ATTEMPT_TIMES, 0, NONE, PLAIN } },
        { SYS_utimes, { ATTEMPT_TIMES, 0, NONE, PLAIN } },
#endif
#ifdef SYS_renameat
        { SYS_renameat, { ATTEMPT_RENAME, 1, 0, 3, 2, NONE, 0, 0, 0 } },
#endif
#ifdef SYS_fchmodat2
        { SYS_fchmodat2, { ATTEMPT_MODE, 1, 0, PLAIN } },
#endif
        { SYS_openat, { ATTEMPT_OPEN, 1, 0, NONE, NONE, 2, ATTEMPT_ANY_BIT, 0, TO_WRITE } },
        { SYS_openat2, { ATTEMPT_OPEN, 1, 0, NONE, NONE, 2, ATTEMPT_POINTED, 0, TO_WRITE } },
        { SYS_unlinkat, { ATTEMPT_UNLINK, 1, 0, PLAIN } },
        { SYS_renameat2, { ATTEMPT_RENAME, 1, 0, 3, 2, NONE, 0, 0, 0 } },
        { SYS_linkat, { ATTEMPT_LINK, 1, 0, 3, 2, NONE, 0, 0, 0 } },
        { SYS_symlinkat, { ATTEMPT_MAKE, 2, 1, PLAIN } },
        { SYS_mkdirat, { ATTEMPT_MAKE, 1, 0, PLAIN } },
        { SYS_mknodat, { ATTEMPT_MAKE, 1, 0, PLAIN } },
        { SYS_fchmod, { ATTEMPT_MODE, NONE, 0, PLAIN } },
        { SYS_fchmodat, { ATTEMPT_MODE, 1, 0, PLAIN } },
        { SYS_fchown, { ATTEMPT_OWNER, NONE, 0, PLAIN } },
        { SYS_fchownat, { ATTEMPT_OWNER, 1, 0, PLAIN } },
        { SYS_truncate, { ATTEMPT_TRUNCATE, 0, NONE, PLAIN } },
        { SYS_ftruncate, { ATTEMPT_TRUNCATE, NONE, 0, PLAIN } },
        { SYS_fallocate, { ATTEMPT_WRITE, NONE, 0, PLAIN } },
        { SYS_setxattr, { ATTEMPT_XATTR, 0, NONE, PLAIN } },
        { SYS_lsetxattr, { ATTEMPT_XATTR, 0, NONE, PLAIN } },
        { SYS_fsetxattr, { ATTEMPT_XATTR, NONE, 0, PLAIN } },
        { SYS_removexattr, { ATTEMPT_XATTR, 0, NONE, PLAIN } },
        { SYS_lremovexattr, { ATTEMPT_XATTR, 0, NONE, PLAIN } },
        { SYS_fremovexattr, { ATTEMPT_XATTR, NONE, 0, PLAIN } },
        { SYS_utimensat, { ATTEMPT_TIMES, 1, 0, PLAIN } },
        { SYS_ioctl,
          { ATTEMPT_FLAGS, NONE, 0, NONE, NONE, 1, ATTEMPT_EQUAL, 0, (uint32_t)FS_IOC_SETFLAGS } },
        { SETATTR, { ATTEMPT_FLAGS, 1, 0, PLAIN } },
        { SYS_write, { ATTEMPT_WRITE, NONE, 0, PLAIN } },
        { SYS_pwrite64, { ATTEMPT_WRITE, NONE, 0, PLAIN } },
        { SYS_writev, { ATTEMPT_WRITE, NONE, 0, PLAIN } },
};

const struct attempt_call *attempt_call_at(size_t i, uint32_t *ret_number)
{
        if (i >= ARRAY_LEN(attempt_calls))
                return NULL;
        *ret_number = attempt_calls[i].number;
        return &attempt_calls[i].call;
}

const struct attempt_call *attempt_call_of(uint32_t number)
{
        for (size_t i = 0; i < ARRAY_LEN(attempt_calls); i++)
                if (attempt_calls[i].number == number)
                        return &attempt_calls[i].call;
        return NULL;
}

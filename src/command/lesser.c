/* SPDX-License-Identifier: Apache-2.0 */
/* lesser.c - see lesser.h. */
#include "command/lesser.h"

#include <linux/capability.h>
#include <unistd.h>

#include "sys/sandbox.h"
#include "sys/users.h"

/* A container's root may have the greater one alone. */
static uint64_t to_read_files(uint64_t now)
{
        const uint64_t search = SANDBOX_CAP(CAP_DAC_READ_SEARCH);

        return now & search ? search : now & SANDBOX_CAP(CAP_DAC_OVERRIDE);
}

int lesser_become(bool reads_files, struct err *err)
{
        uint64_t change = SANDBOX_CAP(CAP_SETUID) | SANDBOX_CAP(CAP_SETGID), now;
        struct sandbox_state state = { 0 };
        uid_t uid;
        gid_t gid;
        int status;

        if (geteuid() != 0)
                return 0;
        status = users_find("nobody", &uid, &gid);
        if (status < 0)
                return err_sys(err, status, "user nobody");
        status = sandbox_caps(&now);
        if (status < 0)
                return err_sys(err, status, "capabilities");
        if ((now & change) != change) /* a container's root: who he is he stays */
                uid = (uid_t)-1;
        status = sandbox_drop(&state, uid, gid, reads_files ? to_read_files(now) : 0, err);
        return status < 0 ? status : sandbox_no_privs(&state, err);
}

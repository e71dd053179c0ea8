/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_tools.c - programs of others that a process of ours starts, by path. */
#include "command/running/doctor.h"

#include "base/buf.h"

#include <unistd.h>

static const struct tool {
        const char *path, *package;
        const char *without; /* what there is none of */
} tools[] = {
        { "/usr/bin/gpgv", "gpgv", "packages are not followed to their archive" },
        { "/usr/bin/ssh-keygen", "openssh-client", "signatures of commits are not checked" },
        { "/usr/sbin/nginx", "nginx", "no API is served" },
};

void doctor_look_tools(const struct invocation *in, struct finding *f)
{
        CLEANUP(buf_done) struct buf what = BUF_INIT(FINDING_TEXT_MAX);
        CLEANUP(buf_done) struct buf mend = BUF_INIT(FINDING_TEXT_MAX);

        f->optional = true;
        for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
                if (access(tools[i].path, X_OK) == 0)
                        continue;
                buf_printf(&what, "%s%s: %s", what.n ? "; no " : "no ", tools[i].path,
                           tools[i].without);
                buf_printf(&mend, " %s", tools[i].package);
        }
        if (!what.n) {
                doctor_found(f, VERDICT_PASS, "gpgv, ssh-keygen and nginx");
                return;
        }
        doctor_found(f, VERDICT_FAIL, "%s", buf_cstr(&what));
        doctor_mend(f, "apt-get install%s", buf_cstr(&mend));
}

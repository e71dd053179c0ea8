/* SPDX-License-Identifier: Apache-2.0 */
/* ssh(1): one command on a device, with a key file, a pinned host key, and nothing of this host's
 * own configuration. */
#include "monitor/target.h"

#include <stdio.h>

/* ssh closes what it inherits but the first three, so the key is its input. */
static const char key_path[] = "/proc/self/fd/0";
/* The host's name in what is pinned, whatever its address. */
#define ALIAS          "assay-target"
#define HOST_KEY_ALIAS "HostKeyAlias=assay-target" /* ALIAS */

int target_device(const struct target *t, struct command *c)
{
        static const char *const options[] = {
                "/usr/bin/ssh", "-F",
                "none",         "-T",
                "-o",           "BatchMode=yes",
                "-o",           "CheckHostIP=no",
                "-o",           "ClearAllForwardings=yes",
                "-o",           "ConnectTimeout=10",
                "-o",           "ControlMaster=no",
                "-o",           "ControlPath=none",
                "-o",           "GlobalKnownHostsFile=none",
                "-o",           HOST_KEY_ALIAS,
                "-o",           "IdentitiesOnly=yes",
                "-o",           "IdentityAgent=none",
                "-o",           "LogLevel=ERROR",
                "-o",           "PasswordAuthentication=no",
                "-o",           "KbdInteractiveAuthentication=no",
                "-o",           "ServerAliveCountMax=3",
                "-o",           "ServerAliveInterval=5",
                "-o",           "StdinNull=yes",
                "-o",           "StrictHostKeyChecking=yes",
                "-o",           "UpdateHostKeys=no",
                "-o",           "UserKnownHostsFile=none",
        };
        const char *host_key = target_value(t, "host_key"), *port = target_value(t, "port");
        int rc = 0;

        c->name = "ssh";
        c->file_is_input = true;
        (void)target_file(c, target_value(t, "key_file"), COMMAND_SECRET, &rc);
        for (size_t i = 0; i < ARRAY_LEN(options); i++)
                target_arg(c, options[i], &rc);
        target_arg(c, "-o", &rc);
        target_arg(c, target_join(t, "KnownHostsCommand=/usr/bin/echo " ALIAS " ", host_key), &rc);
        target_arg(c, "-i", &rc);
        target_arg(c, key_path, &rc);
        target_arg(c, "-p", &rc);
        target_arg(c, port ? port : "22", &rc);
        target_arg(c, "-l", &rc);
        target_arg(c, target_value(t, "user"), &rc);
        target_arg(c, "--", &rc);
        target_arg(c, target_value(t, "host"), &rc);
        target_arg(c, target_value(t, "command"), &rc);
        return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* assay-uplink - takes alerts to where people see them.  Options only; the work is in fleet/. */
#include "bin/daemon.h"
#include "fleet/uplink.h"
#include "loop/log.h"
#include "sys/sysclock.h"
#include "wire/deliver_fact.h"

#include <stdio.h>
#include <unistd.h>

struct arguments {
        const char *config, *host;
        struct option_u64 user_id;
};

static const struct option_spec specs[] = {
        { "config", 0, OPTION_TEXT, offsetof(struct arguments, config), "DIR",
          "may have deliver.yaml (" PLACES_CONFIG ")" },
        { "host", 0, OPTION_TEXT, offsetof(struct arguments, host), "NAME",
          "of this host in mails; by default what the kernel calls it" },
        { "user-id", 0, OPTION_U64, offsetof(struct arguments, user_id), "UID",
          "become this user and group instead of assay-net" },
        { 0 },
};

/* It goes into headers of mails, and the kernel takes any bytes for a name. */
static void make_plain(char *host)
{
        for (char *p = host; *p; p++)
                if (!deliver_host_ok(span_of((const uint8_t *)p, 1)))
                        *p = p == host ? 'x' : '-';
}

int main(int argc, char **argv)
{
        struct arguments a = { .config = PLACES_CONFIG };
        struct uplink_options o = { .clock = &sysclock };
        struct daemon_options d;
        char host[65] = "";
        int status;

        if (!daemon_options("assay-uplink", argc, argv, (struct option_set){ specs, &a }, &d,
                            &status))
                return status;
        o.state = d.state;
        o.run = d.run;
        o.keep_user = d.keep_user;
        o.config = a.config;
        o.host = a.host ? a.host : host;
        if (a.user_id.given && (a.user_id.value == 0 || a.user_id.value > UINT32_MAX - 1)) {
                fputs("assay-uplink: --user-id: a user id other than root's\n", stderr);
                return 2;
        }
        o.as = (uid_t)a.user_id.value;
        if (!a.host && gethostname(host, sizeof host - 1) < 0) {
                perror("assay-uplink: gethostname");
                return 3;
        }
        if (a.host && !deliver_host_ok(span_str(a.host))) {
                fputs("assay-uplink: --host: a host's name\n", stderr);
                return 2;
        }
        make_plain(host);
        log_init(LOG_LEVEL_INFO);
        status = uplink_run(&o);
        return status < 0 ? 1 : status;
}

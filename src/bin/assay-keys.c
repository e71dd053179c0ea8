/* SPDX-License-Identifier: Apache-2.0 */
/* assay-keys - keeps the key sets fresh that tokens are verified with.  Options only; the work is
 * in gateway/. */
#include "bin/daemon.h"
#include "gateway/keys/keys.h"
#include "loop/log.h"
#include "sys/sysclock.h"

#include <stdio.h>

struct arguments {
        const char *registry, *ca, *config;
        struct option_u64 tell, user_id;
};

static const struct option_spec specs[] = {
        { "ca", 0, OPTION_TEXT, offsetof(struct arguments, ca), "FILE",
          "certificates of authorities (PEM) that issuers may have besides the system's" },
        { "config", 0, OPTION_TEXT, offsetof(struct arguments, config), "DIR",
          "may have " KEYS_CA ", which is what --ca is else (" PLACES_CONFIG ")" },
        { "registry", 0, OPTION_TEXT, offsetof(struct arguments, registry), "DIR",
          "what is deployed; by default \"registry\" below the state" },
        { "tell-after", 0, OPTION_U64, offsetof(struct arguments, tell), "SECONDS",
          "without a set that is to be had, until the ledger has it; 900 by default" },
        { "user-id", 0, OPTION_U64, offsetof(struct arguments, user_id), "UID",
          "become this user and group instead of assay-gw" },
        { 0 },
};

enum { TELL_MAX = 24 * 3600 };

int main(int argc, char **argv)
{
        struct arguments a = { .config = PLACES_CONFIG };
        struct keys_options o = { .clock = &sysclock };
        struct daemon_options d;
        int status;

        if (!daemon_options("assay-keys", argc, argv, (struct option_set){ specs, &a }, &d,
                            &status))
                return status;
        if (a.user_id.given && (a.user_id.value == 0 || a.user_id.value > UINT32_MAX - 1)) {
                fputs("assay-keys: --user-id: a user id other than root's\n", stderr);
                return 2;
        }
        if (a.tell.given && (a.tell.value == 0 || a.tell.value > TELL_MAX)) {
                fprintf(stderr, "assay-keys: --tell-after: 1 to %d seconds\n", TELL_MAX);
                return 2;
        }
        o.state = d.state;
        o.run = d.run;
        o.keep_user = d.keep_user;
        o.registry = a.registry;
        o.ca = a.ca;
        o.config = a.config;
        o.tell_s = (uint32_t)a.tell.value;
        o.as = (uid_t)a.user_id.value;
        log_init(LOG_LEVEL_INFO);
        status = keys_run(&o);
        return status < 0 ? 1 : status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* assay-recorder - writes this host's ledger.  Options only; the work is in recorder/. */
#include "bin/daemon.h"
#include "ledger/vault/vault.h"
#include "loop/log.h"
#include "recorder/command.h"
#include "recorder/recorder.h"
#include "sys/sysclock.h"
#include "wire/msg.h"

#include <stdio.h>
#include <unistd.h>

struct arguments {
        struct recorder_options recorder;
        struct option_u64 backlog; /* MiB */
        struct option_u64 silence; /* seconds */
        struct option_u64 subjects, newcomers;
        struct option_u64 uplink;
        struct option_u64 gateway;
        struct option_texts expect;
};

enum {
        BACKLOG_MIN = 16,
        BACKLOG_MAX = 16 * 1024,
        SILENCE_MIN = 2 * MSG_BEAT_S, /* a sign that comes late is no silence */
        SILENCE_MAX = 60 * 60,
        SUBJECTS_MIN = 1024,
        NEWCOMERS_MAX = 1000000,
};

static const struct option_spec specs[] = {
        { "backlog", 0, OPTION_U64, offsetof(struct arguments, backlog), "MIB",
          "of the log that may wait to be published before writers have to; 256 by default" },
        { "expect", 0, OPTION_TEXTS, offsetof(struct arguments, expect), "PROC",
          "sensor, monitor, uplink or keys: missed when it is not heard; repeatable" },
        { "gateway-user-id", 0, OPTION_U64, offsetof(struct arguments, gateway), "UID",
          "whom gateways and assay-keys run as, where there is no user assay-gw" },
        { "host", 0, OPTION_TEXT, offsetof(struct arguments, recorder.host), "NAME",
          "of this host in the entries; by default what the kernel calls it" },
        { "new-subjects", 0, OPTION_U64, offsetof(struct arguments, newcomers), "NUMBER",
          "that one caller of a gateway may make known in an hour; 10000 by default" },
        { "origin", 0, OPTION_TEXT, offsetof(struct arguments, recorder.origin), "NAME",
          "of a ledger that is made now: a URL without its scheme" },
        { "silence", 0, OPTION_U64, offsetof(struct arguments, silence), "SECONDS",
          "without a sign of life from a writer, until an alert says so; 60 by default" },
        { "subjects", 0, OPTION_U64, offsetof(struct arguments, subjects), "NUMBER",
          "of people and objects that the vault may know; 14680064 by default, the most" },
        { "uplink-user-id", 0, OPTION_U64, offsetof(struct arguments, uplink), "UID",
          "whom assay-uplink runs as, where there is no user assay-net" },
        { 0 },
};

static bool expect(const struct option_texts *names, unsigned *ret)
{
        for (size_t i = 0; i < names->n; i++) {
                unsigned role = signs_role(span_str(names->at[i]));

                if (!role) {
                        fprintf(stderr,
                                "assay-recorder: --expect: \"%s\" is not sensor, monitor, "
                                "uplink, keys or gateway\n",
                                names->at[i]);
                        return false;
                }
                *ret |= role;
        }
        return true;
}

static bool is_user(const struct option_u64 *id, const char *who)
{
        bool ok = !id->given || (id->value > 0 && id->value < UINT32_MAX);

        if (!ok)
                fprintf(stderr, "assay-recorder: --%s-user-id: a user id other than root's\n", who);
        return ok;
}

int main(int argc, char **argv)
{
        struct arguments a = { .recorder.clock = &sysclock };
        struct recorder_options *o = &a.recorder;
        struct daemon_options d;
        char host[65] = "";
        int status;

        if (!daemon_options("assay-recorder", argc, argv, (struct option_set){ specs, &a }, &d,
                            &status))
                return status;
        o->state = d.state;
        o->run = d.run;
        o->keep_user = d.keep_user;
        if (a.backlog.given && (a.backlog.value < BACKLOG_MIN || a.backlog.value > BACKLOG_MAX)) {
                fprintf(stderr, "assay-recorder: --backlog: %d to %d MiB\n", BACKLOG_MIN,
                        BACKLOG_MAX);
                return 2;
        }
        if (a.silence.given && (a.silence.value < SILENCE_MIN || a.silence.value > SILENCE_MAX)) {
                fprintf(stderr, "assay-recorder: --silence: %d to %d seconds\n", SILENCE_MIN,
                        SILENCE_MAX);
                return 2;
        }
        if (a.subjects.given &&
            (a.subjects.value < SUBJECTS_MIN || a.subjects.value > VAULT_SUBJECTS_MAX)) {
                fprintf(stderr, "assay-recorder: --subjects: %d to %d\n", SUBJECTS_MIN,
                        VAULT_SUBJECTS_MAX);
                return 2;
        }
        if (a.newcomers.given && (a.newcomers.value < 1 || a.newcomers.value > NEWCOMERS_MAX)) {
                fprintf(stderr, "assay-recorder: --new-subjects: 1 to %d\n", NEWCOMERS_MAX);
                return 2;
        }
        if (!is_user(&a.uplink, "uplink") || !is_user(&a.gateway, "gateway"))
                return 2;
        if (!expect(&a.expect, &o->expect))
                return 2;
        o->uplink = (uid_t)a.uplink.value;
        o->gateway = (uid_t)a.gateway.value;
        o->silence_s = (uint32_t)a.silence.value;
        o->subjects = (uint32_t)a.subjects.value;
        o->newcomers = (uint32_t)a.newcomers.value;
        o->backlog_bytes = a.backlog.value * 1024 * 1024;
        if (!o->host) {
                if (gethostname(host, sizeof host - 1) < 0) {
                        perror("assay-recorder: gethostname");
                        return 3;
                }
                o->host = host;
        }
        log_init(LOG_LEVEL_INFO);
        switch (recorder_run(o)) {
        case 0:
                return 0;
        case 1:
                return RECORDER_SUCCEEDED;
        default:
                return 1;
        }
}

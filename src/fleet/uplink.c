/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "fleet/uplink_priv.h"
#include "loop/log.h"
#include "loop/role.h"
#include "sys/io.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- coming up ---- */

/* A file that is wrong must be seen, not only logged: the uplink runs, and delivers nothing. */
static int read_config(struct uplink *u, struct err *err)
{
        int rc = io_join(u->file, u->o->config, DELIVER_FILE, err);

        if (rc < 0)
                return rc;
        rc = deliver_config_load(u->file, 0, u->o->clock, &u->config, err);
        if (u->config.exists && rc != -EACCES)
                text_hex(span_of(u->config.digest, SHA256_LEN), u->mark);
        if (rc == 0 || rc == -ENOENT)
                return 0;
        if (rc == -ENOMEM)
                return rc;
        snprintf(u->refused, sizeof u->refused, "%s", err_text(err));
        for (size_t at; !text_is_utf8(span_str(u->refused), &at);)
                u->refused[at] = '?';
        log_event(LOG_LEVEL_ERROR, "uplink.config_refused", log_str("file", u->file), log_err(err));
        return 0;
}

static void on_signal(void *ctx, int signo)
{
        struct uplink *u = ctx;

        u->asked = loop_signal_sender(u->loop);
        loop_stop(u->loop, signo == SIGHUP ? UPLINK_AGAIN : 0);
}

static int open_loop(struct uplink *u, struct err *err)
{
        static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
        int rc = loop_new(u->o->clock, &u->loop, err);

        for (size_t i = 0; i < ARRAY_LEN(signals) && rc == 0; i++)
                rc = loop_add_signal(u->loop, signals[i], on_signal, u, err);
        if (rc == 0)
                rc = couriers_listen(u, err);
        return rc == 0 ? tell_open(u, err) : rc;
}

static int open_all(struct uplink *u, struct err *err)
{
        struct role_paths paths = { .state = u->own, .runtime = u->o->run, .as = u->o->as };
        bool keep = u->o->keep_user || geteuid() != 0;
        CLEANUP_FD int run_fd = open(u->o->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int rc = run_fd < 0 ? err_sys(err, -errno, "%s", u->o->run) : 0;

        if (rc == 0)
                rc = presence_open(run_fd, "uplink", clock_wall(u->o->clock), &u->presence, err);
        if (rc == 0)
                rc = notify_init(&u->notify, err);
        if (rc == 0)
                rc = role_enter(ROLE_UPLINK, &paths, keep ? ROLE_KEEP_USER : 0, &u->sandbox, err);
        return rc == 0 ? open_loop(u, err) : rc;
}

/* ---- going down ---- */

static void done(struct uplink *u)
{
        couriers_stop(u);
        tell_done(u);
        u->loop = loop_free(u->loop);
        presence_done(&u->presence);
        notify_done(&u->notify);
        fd_close(&u->own_fd);
        deliver_config_done(&u->config);
        free(u);
}

int uplink_run(const struct uplink_options *o)
{
        struct uplink *u = calloc(1, sizeof *u);
        struct err err = { 0 };
        int rc;

        if (!u)
                return -ENOMEM;
        u->o = o;
        u->own_fd = u->notify.fd = -1;
        u->presence = PRESENCE_NONE;
        deliver_config_init(&u->config);
        rc = read_config(u, &err);
        if (rc == 0)
                rc = places_make(u, &err);
        if (rc == 0)
                rc = couriers_start(u, &err);
        if (rc == 0)
                rc = open_all(u, &err);
        if (rc < 0) {
                log_event(LOG_LEVEL_ERROR, "uplink.start", log_err(&err));
        } else {
                tell_begin(u);
                rc = loop_run(u->loop);
                if (rc < 0)
                        log_event(LOG_LEVEL_ERROR, "uplink.failed", log_str("error", strerror(-rc)),
                                  log_str("in", "the loop"));
                if (rc == 0 || rc == UPLINK_AGAIN)
                        feed_bye(u->feed, rc == UPLINK_AGAIN, u->asked.pid, u->asked.uid);
        }
        done(u);
        return rc;
}

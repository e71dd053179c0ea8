/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "fleet/courier.h"
#include "fleet/runner.h"
#include "fleet/uplink_priv.h"
#include "loop/log.h"
#include "sys/io.h"
#include "sys/sock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        STOP_MS = 10000, /* for deliveries that have begun */
        STOP_STEP_MS = 20,
};

/* ---- couriers ---- */

static bool may_tell(struct span kind)
{
        static const char *const kinds[] = { "alert.missed", "alert.refused", "alert.sink_down",
                                             "alert.sink_up" };

        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                if (span_eq_str(kind, kinds[i]))
                        return true;
        return false;
}

/* Whoever took one over tells nothing of the others. */
static bool is_of_itself(const struct served *s, struct json_value what)
{
        struct json_value v;
        struct span sink;

        return json_get(what, "sink", &v) && json_value_plain(v, &sink) &&
               span_eq_str(sink, s->config->name);
}

static bool take_packet(struct served *s, struct span packet)
{
        struct uplink *u = s->u;
        struct json_value o, v, what;
        struct span kind;
        int64_t id;

        if (json_check(packet, NULL) < 0)
                return false;
        o = json_value_of(packet);
        if (json_get(o, "sink", &v) && v.type == JSON_OBJECT && v.raw.n <= SINK_SAID_MAX) {
                buf_clear(&s->said);
                buf_put(&s->said, v.raw);
                s->heard = true;
                tell_ready(u);
                tell_status_soon(u);
                return true;
        }
        if (!json_get(o, "id", &v) || !json_value_int(v, &id) || id <= 0 ||
            !json_get(o, "kind", &v) || !json_value_plain(v, &kind) || !may_tell(kind) ||
            !json_get(o, "what", &what) || what.type != JSON_OBJECT || !is_of_itself(s, what))
                return false;
        tell_of(u, (size_t)(s - u->sinks), (uint64_t)id, kind, what.raw);
        return true;
}

static void on_courier(void *ctx, unsigned events)
{
        struct served *s = ctx;
        uint8_t packet[COURIER_PACKET_MAX];
        size_t n = 0;
        int rc;

        (void)events;
        rc = sock_recv(s->fd, packet, sizeof packet, &n);
        if (rc == -EAGAIN)
                return;
        if (rc == 0 && n > 0 && take_packet(s, span_of(packet, n)))
                return;
        log_event(LOG_LEVEL_ERROR, "uplink.courier_gone", log_str("sink", s->config->name),
                  log_str("error", rc < 0 ? strerror(-rc)
                                   : n    ? "it says nonsense"
                                          : "it ended"));
        loop_stop(s->u->loop, 1);
}

/* In the child: nothing of the parent's stays open but what it is given. */
static void keep_two(int *a, int *b)
{
        int fds[] = { fcntl(*a, F_DUPFD_CLOEXEC, 64),
                      *b < 0 ? -1 : fcntl(*b, F_DUPFD_CLOEXEC, 64) };

        (void)!dup3(fds[0], 3, O_CLOEXEC);
        *a = 3;
        if (*b >= 0) {
                (void)!dup3(fds[1], 4, O_CLOEXEC);
                *b = 4;
        }
        close_range(*b >= 0 ? 5 : 4, ~0U, 0);
}

static int start_runner(struct uplink *u, struct served *s, int *ret_fd, struct err *err)
{
        int ends[2], none = -1, rc = sock_pair(ends);
        pid_t pid;

        if (rc == 0)
                rc = sock_set_room(ends[0], RUNNER_PACKET_MAX);
        if (rc == 0)
                rc = sock_set_room(ends[1], RUNNER_PACKET_MAX);
        if (rc < 0)
                return err_sys(err, rc, "sink %s", s->config->name);
        pid = fork();
        if (pid == 0) {
                keep_two(&ends[1], &none);
                _exit(runner_serve(s->config, ends[1], u->o->keep_user || geteuid() != 0));
        }
        fd_close(&ends[1]);
        if (pid < 0)
                return err_sys(err, -errno, "sink %s: runner", s->config->name);
        s->runner = pid;
        *ret_fd = ends[0];
        return 0;
}

static int start_courier(struct uplink *u, struct served *s, struct err *err)
{
        CLEANUP_FD int runner = -1;
        int ends[2], rc = 0;
        pid_t pid;

        if (s->config->type == DELIVER_COMMAND)
                rc = start_runner(u, s, &runner, err);
        if (rc < 0)
                return rc;
        rc = sock_pair(ends);
        if (rc < 0)
                return err_sys(err, rc, "sink %s", s->config->name);
        pid = fork();
        if (pid == 0) {
                struct courier_options o = { .config = s->config,
                                             .host = u->o->host,
                                             .state = u->o->state,
                                             .own = s->own,
                                             .as = u->o->as,
                                             .group = u->group,
                                             .keep_user = u->o->keep_user || geteuid() != 0,
                                             .clock = u->o->clock };

                o.control = ends[1];
                o.runner = runner;
                keep_two(&o.control, &o.runner);
                _exit(courier_run(&o));
        }
        fd_close(&ends[1]);
        s->fd = ends[0];
        if (pid < 0)
                return err_sys(err, -errno, "sink %s: courier", s->config->name);
        s->courier = pid;
        return 0;
}

/* Until it has said something itself. */
static void put_untried(struct served *s)
{
        struct json_writer w;

        s->said = BUF_INIT(SINK_SAID_MAX);
        json_writer_init(&w, &s->said);
        json_begin_object(&w);
        json_member_text(&w, "name", s->config->name);
        json_member_text(&w, "state", "untried");
        json_member_text(&w, "type", deliver_type_name[s->config->type]);
        json_end_object(&w);
}

int couriers_start(struct uplink *u, struct err *err)
{
        int rc = 0;

        for (size_t i = 0; i < u->config.n && rc == 0; i++) {
                u->sinks[i].u = u;
                u->sinks[i].config = &u->config.sinks[i];
                put_untried(&u->sinks[i]);
                rc = start_courier(u, &u->sinks[i], err);
        }
        return rc;
}

int couriers_listen(struct uplink *u, struct err *err)
{
        int rc = 0;

        for (size_t i = 0; i < u->config.n && rc == 0; i++)
                rc = loop_add_fd(u->loop, u->sinks[i].fd, LOOP_READ, on_courier, &u->sinks[i],
                                 &u->sinks[i].source, err);
        return rc;
}

void couriers_stop(struct uplink *u)
{
        const struct timespec step = { .tv_nsec = STOP_STEP_MS * NS_PER_MS };
        int64_t until = clock_mono(u->o->clock) + STOP_MS * NS_PER_MS;
        pid_t pid = 0;

        for (size_t i = 0; i < u->config.n; i++) {
                u->sinks[i].source = loop_remove(u->sinks[i].source);
                if (u->sinks[i].courier)
                        fd_close(&u->sinks[i].fd);
        }
        while (pid >= 0 && clock_mono(u->o->clock) < until) {
                pid = waitpid(-1, NULL, WNOHANG);
                if (pid == 0)
                        nanosleep(&step, NULL);
        }
        for (size_t i = 0; i < u->config.n; i++)
                buf_done(&u->sinks[i].said);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_up.c - assay up: the processes of one machine in the foreground.
 *
 * The recorder comes first and goes last, so that the writers always have somebody to write to:
 *
 *   RECORDER --it answers--> SENSOR --it watches, or FIRST_NS are over: the others are started-->
 * UP
 *       `-----------------------+-----------signal----+--> WRITERS_STOP --> RECORDER_STOPS --> end
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/running/up_priv.h"
#include "loop/presence.h"
#include "sys/io.h"

/* The gateway is nginx, with a configuration of its own. */
#define NGINX        "/usr/sbin/nginx"
#define GATEWAY_CONF "gateway.conf"

struct up_options {
        bool create_users;
        const char *origin, *config, *gateway;
        struct option_texts watch;
};

static const struct option_spec up_specs[] = {
        { "create-users", 0, OPTION_FLAG, offsetof(struct up_options, create_users), NULL,
          "make the service users (\"assay\", \"assay-net\", \"assay-gw\") first, if they are not there" },
        { "config", 0, OPTION_TEXT, offsetof(struct up_options, config), "DIR",
          "may have watch.yaml, deliver.yaml and others (" PLACES_CONFIG ")" },
        { "gateway", 0, OPTION_TEXT, offsetof(struct up_options, gateway), "FILE",
          "nginx's configuration (" GATEWAY_CONF " beside watch.yaml)" },
        { "origin", 0, OPTION_TEXT, offsetof(struct up_options, origin), "NAME",
          "name of the ledger, when it is made now" },
        { "watch", 'w', OPTION_TEXTS, offsetof(struct up_options, watch), "PATH",
          "watch this directory instead of the usual ones; repeatable" },
        { 0 },
};

#define LOOK_NS  (100 * NS_PER_MS) /* between looks at whether a process is ready */
#define AGAIN_NS NS_PER_S          /* between looks at whether there is more to start */
#define GRACE_NS (15 * NS_PER_S)   /* to stop in order before it is killed */
#define FIRST_NS (20 * NS_PER_S)   /* for a first scan; the recorder waits longer for all of them */

static const char *const writers[WRITERS] = {
        [SENSOR] = "sensor", [UPLINK] = "uplink",   [MONITOR] = "monitor",
        [KEYS] = "keys",     [GATEWAY] = "gateway",
};

/* Of those that all do well without, what is missing without them. */
static const struct {
        size_t writer;
        const char *what;
} dispensable[] = {
        { UPLINK, "no alert is delivered" }, /* what it should deliver waits in the ledger */
        { KEYS, "no key set of an issuer is fetched" },
        { GATEWAY, "no API is served" },
};

static void set_state(struct up *u, enum up_state state)
{
        assert(state >= u->state);
        u->state = state;
}

/* ---- coming up ---- */

static void stop_all(struct up *u, enum status result)
{
        if (u->state >= UP_WRITERS_STOP)
                return;
        if (result != STATUS_GOOD)
                u->result = result;
        loop_timer_set(u->look, -1);
        set_state(u, UP_WRITERS_STOP);
        for (size_t i = 0; i < WRITERS; i++)
                child_stop(&u->writer[i], GRACE_NS);
}

static void start_child(struct up *u, struct child *c)
{
        struct err err = { 0 };

        if (child_start(c, &err) < 0) {
                complain(u->in, STATUS_PROBLEM, "%s", err_text(&err));
                stop_all(u, STATUS_PROBLEM);
        }
}

/* The state a living process has said, once it has said anything. */
static bool is_ready(const struct up *u, const struct child *c, struct buf *text)
{
        struct json_value pid;
        bool lives = false;
        int64_t n;

        buf_clear(text);
        return c->state == CHILD_RUNS &&
               presence_read(u->run_fd, c->name, text, &lives, NULL) == 0 && lives &&
               json_get(json_value_of(buf_span(text)), "pid", &pid) && json_value_int(pid, &n) &&
               n == c->pid;
}

static bool is_there(const char *path)
{
        return access(path, F_OK) == 0;
}

/* Nobody serves APIs where none was ever to be deployed. */
static bool is_wanted(const struct up *u, size_t writer)
{
        return writer < KEYS ||
               (is_there(u->registry) && (writer == KEYS || is_there(u->gateway_conf)));
}

static void start_writer(struct up *u, size_t writer)
{
        struct err err = { 0 };

        u->begun[writer] = true;
        if (writer == GATEWAY && up_make_gateway(u->in, &u->users.gateway, &err) < 0)
                complain(u->in, STATUS_PROBLEM, "%s; no API is served", err_text(&err));
        else
                start_child(u, &u->writer[writer]);
}

/* At best when the first scan is over, which wants both processors. */
static void start_others(struct up *u)
{
        if (u->others)
                return;
        u->others = true;
        for (size_t i = MONITOR; i < WRITERS; i++)
                if (is_wanted(u, i))
                        start_writer(u, i);
}

/* A registry may be made, and a gateway be configured, at any time. */
static void start_more(struct up *u)
{
        for (size_t i = KEYS; i < WRITERS; i++)
                if (!u->begun[i] && is_wanted(u, i)) {
                        up_show_begun(u, i);
                        start_writer(u, i);
                }
}

static void on_look(void *ctx)
{
        struct up *u = ctx;
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        int64_t now = clock_mono(u->in->clock);
        struct json_value v;

        if (u->state == UP_RECORDER && is_ready(u, &u->recorder, &text)) {
                up_show_start(u);
                set_state(u, UP_SENSOR);
                u->begun_ns = now;
                for (size_t i = 0; i < MONITOR; i++)
                        start_writer(u, i);
        } else if (u->state == UP_SENSOR && is_ready(u, &u->writer[SENSOR], &text) &&
                   json_get_path(json_value_of(buf_span(&text)), "more.profiles", &v)) {
                up_show_watching(u, json_value_of(buf_span(&text)));
                set_state(u, UP_UP);
                start_others(u);
        } else if (u->state == UP_SENSOR && now - u->begun_ns >= FIRST_NS) {
                start_others(u);
        } else if (u->state == UP_UP) {
                start_more(u);
        }
        if (u->state <= UP_UP)
                loop_timer_set(u->look, now + (u->state == UP_UP ? AGAIN_NS : LOOK_NS));
}

/* ---- going down ---- */

static void on_death(void *ctx, struct child *c, bool again)
{
        struct up *u = ctx;
        CLEANUP(buf_done) struct buf how = BUF_INIT(256);

        again = again && u->state != UP_RECORDER; /* nothing can be without it */
        if (again && child_asks_again(c))
                return;
        child_put_status(c, &how);
        complain(u->in, STATUS_PROBLEM, "%s ended: %s%s", c->name, buf_cstr(&how),
                 again ? "; starting it again" : "");
        if (again)
                return;
        for (size_t i = 0; i < ARRAY_LEN(dispensable); i++)
                if (c == &u->writer[dispensable[i].writer]) {
                        complain(u->in, STATUS_PROBLEM,
                                 "%s does not stay up: %s until all is started again", c->name,
                                 dispensable[i].what);
                        return;
                }
        complain(u->in, STATUS_PROBLEM, "%s does not stay up: giving up", c->name);
        stop_all(u, STATUS_PROBLEM);
}

static void on_stopped(void *ctx, struct child *c)
{
        struct up *u = ctx;

        if (c == &u->recorder) {
                loop_stop(u->loop, 0);
                return;
        }
        for (size_t i = 0; i < WRITERS; i++)
                if (u->writer[i].state != CHILD_IDLE)
                        return;
        if (u->state == UP_WRITERS_STOP) {
                set_state(u, UP_RECORDER_STOPS);
                child_stop(&u->recorder, GRACE_NS);
        }
}

/* A terminal that is gone has sent its last SIGHUP. */
static bool hung_up(const struct up *u)
{
        struct termios t;

        return u->in->out.terminal && tcgetattr(STDOUT_FILENO, &t) < 0;
}

static void on_signal(void *ctx, int signo)
{
        struct up *u = ctx;

        if (signo == SIGCHLD) {
                supervise_reap(&u->supervisor);
                return;
        }
        if (signo == SIGHUP && !hung_up(u)) {
                for (size_t i = 0; i < WRITERS; i++)
                        if (u->writer[i].state == CHILD_RUNS) /* what is configured, again */
                                kill(u->writer[i].pid, SIGHUP);
                return;
        }
        if (u->state < UP_WRITERS_STOP && u->in->out.terminal)
                fputs("\nStopping.\n", stdout);
        stop_all(u, STATUS_GOOD);
}

/* ---- the command ---- */

static void add_argument(struct child *c, const char *option, const char *value)
{
        size_t n = 0;

        while (c->argv[n])
                n++;
        assert(n + 2 < CHILD_ARGS_MAX);
        c->argv[n] = option;
        c->argv[n + 1] = value;
}

/* Where there is no user of its name, the recorder has to know it by number. */
static void describe_uplink(struct up *u)
{
        if (!u->users.uplink.transient)
                return;
        snprintf(u->uplink_id, sizeof(u->uplink_id), "%u", (unsigned)u->users.uplink.uid);
        add_argument(&u->writer[UPLINK], "--user-id", u->uplink_id);
        add_argument(&u->recorder, "--uplink-user-id", u->uplink_id);
}

/* Likewise for gateways and what fetches their keys. */
static void describe_keys(struct up *u)
{
        if (!u->users.gateway.transient)
                return;
        snprintf(u->gateway_id, sizeof(u->gateway_id), "%u", (unsigned)u->users.gateway.uid);
        add_argument(&u->writer[KEYS], "--user-id", u->gateway_id);
        add_argument(&u->recorder, "--gateway-user-id", u->gateway_id);
}

/* All of it as the gateway's user: nothing it does takes root where ports are above 1023. */
static void describe_gateway(struct up *u)
{
        u->writer[GATEWAY] = (struct child){
                .name = writers[GATEWAY],
                .path = NGINX,
                .argv = { NGINX, "-e", "stderr", "-p", u->gateway_prefix, "-c", u->gateway_conf,
                          "-g", "daemon off; pid nginx.pid;" },
                .as_user = true,
                .uid = u->users.gateway.uid,
                .gid = u->users.gateway.gid,
        };
}

static void describe_children(struct up *u)
{
        const struct invocation *in = u->in;
        const struct up_options *o = in->options;

        u->recorder = (struct child){
                .name = "recorder",
                .path = u->recorder_path,
                .argv = { u->recorder_path, "--state", in->state, "--run", in->run },
                .as_user = u->users.recorder.transient,
                .uid = u->users.recorder.uid,
                .gid = u->users.recorder.gid,
        };
        if (o->origin)
                add_argument(&u->recorder, "--origin", o->origin);
        if (u->users.recorder.transient)
                add_argument(&u->recorder, "--keep-user", NULL);
        u->children[0] = &u->recorder;
        for (size_t i = 0; i < WRITERS; i++) {
                u->children[1 + i] = &u->writer[i];
                if (is_wanted(u, i))
                        add_argument(&u->recorder, "--expect", writers[i]);
                if (i == GATEWAY)
                        continue;
                u->writer[i] = (struct child){
                        .name = writers[i],
                        .path = u->writer_path[i],
                        .argv = { u->writer_path[i], "--state", in->state, "--run", in->run },
                };
                if (o->config)
                        add_argument(&u->writer[i], "--config", o->config);
        }
        describe_gateway(u);
        describe_uplink(u);
        describe_keys(u);
        for (size_t i = 0; i < o->watch.n; i++)
                add_argument(&u->writer[SENSOR], "--watch", o->watch.at[i]);
        u->supervisor = (struct supervisor){ .loop = u->loop,
                                             .clock = in->clock,
                                             .on_death = on_death,
                                             .on_stopped = on_stopped,
                                             .ctx = u,
                                             .children = u->children,
                                             .n = 1 + WRITERS };
        screen_init(&u->supervisor.out, stderr);
        for (size_t i = 0; i < 1 + WRITERS; i++) {
                u->children[i]->of = &u->supervisor;
                u->children[i]->log_fd = -1;
        }
}

/* Where it would be seen that there are APIs to serve. */
static int find_gateway(struct up *u, struct err *err)
{
        const struct up_options *o = u->in->options;
        int status = places_join(u->in->state, "registry/registry.yaml", u->registry, err);

        if (status == 0)
                status = places_join(u->in->run, "gateway", u->gateway_prefix, err);
        if (status < 0)
                return status;
        if (o->gateway && o->gateway[0] != '/')
                return err_set(err, -EINVAL, "--gateway: nginx wants a path that begins with /");
        if (o->gateway)
                return places_join("", o->gateway + 1, u->gateway_conf, err);
        return places_join(o->config ? o->config : PLACES_CONFIG, GATEWAY_CONF, u->gateway_conf,
                           err);
}

static int prepare(struct up *u, struct err *err)
{
        const struct up_options *o = u->in->options;
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD };
        int status;

        status = places_program("assay-recorder", u->recorder_path, err);
        for (size_t i = 0; status == 0 && i < GATEWAY; i++) {
                char name[32];

                snprintf(name, sizeof(name), "assay-%s", writers[i]);
                status = places_program(name, u->writer_path[i], err);
        }
        if (status == 0)
                status = up_choose_users(u->in, o->create_users, &u->users, err);
        if (status == 0)
                status = find_gateway(u, err);
        if (status == 0)
                status = up_make_places(u->in, &u->users.recorder, err);
        if (status == 0)
                status = places_open_dir(u->in->run, &u->run_fd, err);
        if (status == 0)
                status = loop_new(u->in->clock, &u->loop, err);
        for (size_t i = 0; status == 0 && i < ARRAY_LEN(signals); i++)
                status = loop_add_signal(u->loop, signals[i], on_signal, u, err);
        if (status == 0)
                status = loop_add_timer(u->loop, on_look, u, &u->look, err);
        return status;
}

static enum status run(struct invocation *in)
{
        struct up u = { .in = in, .run_fd = -1, .result = STATUS_GOOD };
        struct err err = { 0 };
        int status;

        if (geteuid() != 0)
                return complain(in, STATUS_PROBLEM,
                                "watching a whole machine needs root: sudo %s up",
                                program_invocation_name);
        supervise_never_wait();
        status = prepare(&u, &err);
        if (status < 0) {
                complain(in, STATUS_PROBLEM, "%s", err_text(&err));
                u.result = STATUS_PROBLEM;
        } else {
                describe_children(&u);
                start_child(&u, &u.recorder);
                loop_timer_set(u.look, clock_mono(in->clock) + LOOK_NS);
                if (loop_run(u.loop) < 0)
                        u.result = STATUS_PROBLEM;
                child_done(&u.recorder);
                for (size_t i = 0; i < WRITERS; i++)
                        child_done(&u.writer[i]);
        }
        u.loop = loop_free(u.loop);
        fd_close(&u.run_fd);
        return u.result;
}

const struct command command_up = {
        .name = "up",
        .operands = "",
        .about = "start the processes of this machine, in the foreground",
        .help = "Makes the directories it needs, starts them, shows what they log, and starts again\n"
                "the one that dies.  The recorder runs as the user \"assay\", the uplink, which\n"
                "delivers alerts, as \"assay-net\"; as soon as there is a registry of APIs, what fetches\n"
                "issuers' keys runs as \"assay-gw\", and nginx as well, as soon as it is configured.\n"
                "Where there are no such users, they run under numeric ids that nothing else on this\n"
                "machine has.  Nothing outside Assay's own directories is changed.  Ctrl-C or SIGTERM\n"
                "stops all in order.\n"
                "\n"
                "In production the systemd units do this: systemctl enable --now assay.target",
        .options = up_specs,
        .options_size = sizeof(struct up_options),
        .run = run,
};

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

#include "base/text.h"
#include "command/commands.h"
#include "command/ledger_group.h"
#include "command/places.h"
#include "command/reader.h"
#include "command/supervise.h"
#include "command/up_places.h"
#include "loop/presence.h"
#include "loop/role.h"
#include "sys/io.h"
#include "wire/json.h"

struct up_options {
        bool create_users;
        const char *origin, *config;
        struct option_texts watch;
};

static const struct option_spec up_specs[] = {
        { "create-users", 0, OPTION_FLAG, offsetof(struct up_options, create_users), NULL,
          "make the service users (\"assay\", \"assay-net\", \"assay-gw\") first, if they are not there" },
        { "config", 0, OPTION_TEXT, offsetof(struct up_options, config), "DIR",
          "may have watch.yaml, deliver.yaml and others (" PLACES_CONFIG ")" },
        { "origin", 0, OPTION_TEXT, offsetof(struct up_options, origin), "NAME",
          "name of the ledger, when it is made now" },
        { "watch", 'w', OPTION_TEXTS, offsetof(struct up_options, watch), "PATH",
          "watch this directory instead of the usual ones; repeatable" },
        { 0 },
};

#define LOOK_NS  (100 * NS_PER_MS) /* between looks at whether a process is ready */
#define GRACE_NS (15 * NS_PER_S)   /* to stop in order before it is killed */
#define FIRST_NS (20 * NS_PER_S)   /* for a first scan; the recorder waits longer for all of them */

enum up_state { UP_RECORDER, UP_SENSOR, UP_UP, UP_WRITERS_STOP, UP_RECORDER_STOPS };

/* Those that write to the recorder; the sensor is the first.  The uplink begins with it, so that
 * nothing it raises comes too early to be delivered. */
static const char *const writers[] = { "sensor", "uplink", "monitor", "keys", "gateway" };

enum { USERS_TEXT_MAX = 256 };

enum { WRITERS = ARRAY_LEN(writers), SENSOR = 0, UPLINK, OTHERS, KEYS, GATEWAY };

/* The gateway is nginx, with a configuration of its own. */
#define NGINX        "/usr/sbin/nginx"
#define GATEWAY_CONF "gateway.conf"

/* Of those that all do well without, what is missing without them. */
static const struct {
        size_t writer;
        const char *what;
} dispensable[] = {
        { UPLINK, "no alert is delivered" }, /* what it should deliver waits in the ledger */
        { KEYS, "no key set of an issuer is fetched" },
        { GATEWAY, "no API is served" },
};

struct up {
        const struct invocation *in;
        enum up_state state;
        struct loop *loop;
        struct up_users users;
        char uplink_id[16], gateway_id[16];
        size_t n; /* of the writers: the keys only where there is a registry, the gateway only where
                     it is configured, too */
        char gateway_conf[PLACES_PATH_MAX], gateway_prefix[PLACES_PATH_MAX];
        struct child recorder, writer[WRITERS];
        struct child *children[1 + WRITERS];
        struct supervisor supervisor;
        struct loop_source *look;
        char recorder_path[PLACES_PATH_MAX], writer_path[WRITERS][PLACES_PATH_MAX];
        int run_fd;
        bool others;      /* were started */
        int64_t begun_ns; /* the sensor */
        enum status result;
};

static void set_state(struct up *u, enum up_state state)
{
        assert(state >= u->state);
        u->state = state;
}

/* ---- what is said ---- */

static void put_row(const struct screen *s, struct buf *out, const char *name, const char *text)
{
        buf_put_str(out, "  ");
        screen_put(s, out, STYLE_BOLD, name);
        for (size_t n = strlen(name); n < 10; n++)
                buf_put_byte(out, ' ');
        text_put_safe(out, span_str(text));
        buf_put_byte(out, '\n');
}

/* The command as it was typed, with the places it was given. */
static void put_typed(const struct up *u, const char *what, bool talks, struct buf *out)
{
        buf_put_str(out, getenv("SUDO_USER") ? "sudo " : "");
        text_put_safe(out, span_str(program_invocation_name));
        buf_printf(out, " %s", what);
        if (strcmp(u->in->state, PLACES_STATE) != 0) {
                buf_put_str(out, " --state ");
                text_put_safe(out, span_str(u->in->state));
        }
        if (talks && strcmp(u->in->run, PLACES_RUN) != 0) {
                buf_put_str(out, " --run ");
                text_put_safe(out, span_str(u->in->run));
        }
}

static void put_invitations(const struct up *u, struct buf *out)
{
        static const struct {
                const char *what;
                bool talks; /* to the processes */
                const char *why;
        } rows[] = { { "log --follow", false, "changes as they happen" },
                     { "status", true, "what runs, and how" },
                     { "verify", false, "read every byte again and judge it" } };
        CLEANUP(buf_done) struct buf typed = BUF_INIT(4 * PLACES_PATH_MAX);
        struct table *t = malloc(sizeof(*t));

        if (!t)
                return;
        table_init(t, 2);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                buf_clear(&typed);
                put_typed(u, rows[i].what, rows[i].talks, &typed);
                table_put_safe(t, STYLE_NAME, buf_cstr(&typed));
                table_put(t, STYLE_NONE, rows[i].why);
        }
        table_print(t, &u->in->out, 2, out);
        table_done(t);
        free(t);
}

static void put_ledger(const struct up *u, struct buf *out)
{
        const struct screen *s = &u->in->out;
        CLEANUP(buf_done) struct buf vkey = BUF_INIT(NOTE_MAX);
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };

        if (places_ledger(u->in, dir, &err) < 0)
                return;
        put_row(s, out, "ledger", dir);
        if (ledger_put_vkey(dir, &vkey, &err) == 0)
                put_row(s, out, "key", buf_cstr(&vkey));
        else
                put_row(s, out, "key", err_text(&err));
}

/* "recorder as uid 61184 (there is no user "assay")"; the new length. */
static size_t put_user(char *out, size_t at, size_t room, const char *what, enum role_id role,
                       const struct up_user *user)
{
        int n = snprintf(out + at, room - at, "%s as uid %u (%s%s%s)", what, (unsigned)user->uid,
                         user->transient ? "there is no user \"" : "", role_of(role)->user,
                         user->transient ? "\"" : "");

        return MIN_OF(at + (size_t)MAX_OF(n, 0), room - 1);
}

static void show_start(const struct up *u)
{
        const struct screen *s = &u->in->out;
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        char who[USERS_TEXT_MAX];
        size_t n;

        screen_put(s, &out, STYLE_BOLD, "\nAssay " ASSAY_VERSION " keeps a ledger of this host.");
        buf_put_str(&out, "\n\n");
        put_ledger(u, &out);
        n = put_user(who, 0, sizeof(who), "recorder", ROLE_RECORDER, &u->users.recorder);
        n = put_user(who, n, sizeof(who), ", uplink", ROLE_UPLINK, &u->users.uplink);
        if (u->users.serves)
                n = put_user(who, n, sizeof(who), u->n > GATEWAY ? ", keys and gateway" : ", keys",
                             ROLE_KEYS, &u->users.gateway);
        snprintf(who + n, sizeof(who) - n, ", the others as root");
        put_row(s, &out, "users", who);
        buf_put_str(&out, "\nIn another terminal:\n\n");
        put_invitations(u, &out);
        buf_put_str(&out, "\nCtrl-C stops it.\n\n");
        (void)!screen_flush(s, &out);
}

/* Texts of a list, or the first one of each list in it. */
static void put_names(struct json_value list, struct buf *out)
{
        struct json_iter it = json_iter_of(list), in;
        struct json_value item, first;
        const char *comma = "";

        for (; json_next(&it, NULL, &item); comma = ", ") {
                CLEANUP(buf_done) struct buf text = BUF_INIT(PRESENCE_MAX);

                if (item.type == JSON_ARRAY) {
                        in = json_iter_of(item);
                        item = json_next(&in, NULL, &first) ? first : item;
                }
                if (!json_value_text(item, &text))
                        buf_put(&text, item.raw);
                buf_put_str(out, comma);
                text_put_safe(out, buf_span(&text));
        }
}

static void put_refused(const struct up *u, struct json_value state, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(PRESENCE_MAX);
        struct json_value v;

        if (!json_get_path(state, "more.config.refused", &v) || !json_value_text(v, &text))
                return;
        screen_put(&u->in->out, out, STYLE_WARN, "Not as configured");
        buf_put_str(out, ": ");
        text_put_safe(out, buf_span(&text));
        buf_put_byte(out, '\n');
}

static void show_watching(const struct up *u, struct json_value state)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_value v;
        int64_t files;

        screen_put(&u->in->out, &out, STYLE_GOOD, "Watching");
        if (json_get_path(state, "more.files", &v) && json_value_int(v, &files)) {
                buf_put_byte(&out, ' ');
                screen_put_count(&out, (uint64_t)MAX_OF(files, 0));
                buf_put_str(&out, files == 1 ? " file" : " files");
        }
        if (json_get_path(state, "more.paths", &v) && v.type == JSON_ARRAY) {
                buf_put_str(&out, " below ");
                put_names(v, &out);
        } else if (json_get_path(state, "more.profiles", &v) && v.type == JSON_ARRAY) {
                buf_put_str(&out, " of the profiles ");
                put_names(v, &out);
        }
        buf_put_str(&out, ".\n");
        put_refused(u, state, &out);
        (void)!screen_flush(&u->in->out, &out);
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
        for (size_t i = 0; i < u->n; i++)
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

/* At best when the first scan is over, which wants both processors. */
static void start_others(struct up *u)
{
        if (u->others)
                return;
        u->others = true;
        for (size_t i = OTHERS; i < u->n; i++)
                start_child(u, &u->writer[i]);
}

static void on_look(void *ctx)
{
        struct up *u = ctx;
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        int64_t now = clock_mono(u->in->clock);
        struct json_value v;

        if (u->state == UP_RECORDER && is_ready(u, &u->recorder, &text)) {
                show_start(u);
                set_state(u, UP_SENSOR);
                u->begun_ns = now;
                for (size_t i = 0; i < OTHERS; i++)
                        start_child(u, &u->writer[i]);
        } else if (u->state == UP_SENSOR && is_ready(u, &u->writer[0], &text) &&
                   json_get_path(json_value_of(buf_span(&text)), "more.profiles", &v)) {
                show_watching(u, json_value_of(buf_span(&text)));
                set_state(u, UP_UP);
                start_others(u);
        } else if (u->state == UP_SENSOR && now - u->begun_ns >= FIRST_NS) {
                start_others(u);
        }
        if (u->state < UP_UP)
                loop_timer_set(u->look, now + LOOK_NS);
}

/* ---- going down ---- */

static void on_death(void *ctx, struct child *c, bool again)
{
        struct up *u = ctx;
        CLEANUP(buf_done) struct buf how = BUF_INIT(256);

        if (again && child_asks_again(c) && u->state > UP_RECORDER)
                return;
        child_put_status(c, &how);
        complain(u->in, STATUS_PROBLEM, "%s ended: %s%s", c->name, buf_cstr(&how),
                 again ? "; starting it again" : "");
        if (again && u->state != UP_RECORDER)
                return;
        for (size_t i = 0; i < ARRAY_LEN(dispensable); i++)
                if (c == &u->writer[dispensable[i].writer]) {
                        complain(u->in, STATUS_PROBLEM,
                                 "%s does not stay up: %s until all is started again", c->name,
                                 dispensable[i].what);
                        return;
                }
        if (!again)
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
        for (size_t i = 0; i < u->n; i++)
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
                for (size_t i = 0; i < u->n; i++)
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
        if (!u->users.serves || !u->users.gateway.transient)
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
        for (size_t i = 0; i < u->n; i++) {
                u->children[1 + i] = &u->writer[i];
                if (i == GATEWAY)
                        continue;
                u->writer[i] = (struct child){
                        .name = writers[i],
                        .path = u->writer_path[i],
                        .argv = { u->writer_path[i], "--state", in->state, "--run", in->run },
                };
                add_argument(&u->recorder, "--expect", writers[i]);
                if (o->config)
                        add_argument(&u->writer[i], "--config", o->config);
        }
        if (u->n > GATEWAY)
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
                                             .n = 1 + u->n };
        screen_init(&u->supervisor.out, stderr);
        for (size_t i = 0; i < 1 + u->n; i++) {
                u->children[i]->of = &u->supervisor;
                u->children[i]->log_fd = -1;
        }
}

/* How many of the writers there are here. */
static int count_writers(struct up *u, struct err *err)
{
        const struct up_options *o = u->in->options;
        int status = places_join(o->config ? o->config : PLACES_CONFIG, GATEWAY_CONF,
                                 u->gateway_conf, err);

        if (status < 0)
                return status;
        u->n = !u->users.serves ? KEYS : access(u->gateway_conf, F_OK) == 0 ? WRITERS : GATEWAY;
        return u->n > GATEWAY ? places_join(u->in->run, "gateway", u->gateway_prefix, err) : 0;
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
                status = count_writers(u, err);
        if (status == 0)
                status = up_make_places(u->in, &u->users.recorder, err);
        if (status == 0 && u->n > GATEWAY)
                status = up_make_gateway(u->in, &u->users.gateway, err);
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
        signal(SIGPIPE, SIG_IGN);
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
                for (size_t i = 0; i < u.n; i++)
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
                "delivers alerts, as \"assay-net\", and, where there is a registry of APIs, what\n"
                "fetches issuers' keys as \"assay-gw\", and nginx as well, where gateway.conf is beside\n"
                "watch.yaml; where there are no such, under numeric ids\n"
                "that nothing else on this machine has.  Nothing outside Assay's own directories is\n"
                "changed.  Ctrl-C or SIGTERM stops all in order.\n"
                "\n"
                "In production the systemd units do this: systemctl enable --now assay.target",
        .options = up_specs,
        .options_size = sizeof(struct up_options),
        .run = run,
};

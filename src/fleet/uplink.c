/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/uplink.h"

#include "base/le.h"
#include "base/text.h"
#include "fleet/courier.h"
#include "fleet/deliver_config.h"
#include "fleet/runner.h"
#include "ledger/feed.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "loop/notify.h"
#include "loop/presence.h"
#include "loop/role.h"
#include "sys/io.h"
#include "sys/sock.h"
#include "sys/users.h"
#include "wire/entry.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        CONNECT_MS = 5000,
        TICK_MS = 1000,
        STATUS_S = 5,
        SOON_MS = 100,   /* from news to the status file */
        STOP_MS = 10000, /* for deliveries that have begun */
        STOP_STEP_MS = 20,
        SINK_SAID_MAX = 3072, /* of one sink, in the status file */
        OWN = DELIVER_SINKS_MAX,
};

/* Something that the ledger shall have; one at a time from each. */
struct tell {
        bool active, put;
        uint64_t id;  /* the courier's name for it */
        uint64_t seq; /* once it was put */
        struct buf kind, what;
};

struct served {
        const struct deliver_sink *config;
        char own[PATH_MAX];
        pid_t courier, runner; /* 0: none */
        int fd;                /* to the courier */
        struct loop_source *source;
        struct buf said; /* its last word on how it fares */
};

struct uplink {
        const struct uplink_options *o;
        struct deliver_config config;
        char file[PATH_MAX], own[PATH_MAX], socket[PATH_MAX];
        char refused[ERR_TEXT_MAX];    /* what is wrong with the file; "": nothing */
        char mark[2 * SHA256_LEN + 1]; /* of the configuration, for the file `told` */
        gid_t group; /* who may read the ledger; 0: not known, then it has to be anybody */
        int own_fd;
        struct served sinks[DELIVER_SINKS_MAX];
        struct tell tell[DELIVER_SINKS_MAX + 1]; /* each sink's, and ours */
        struct loop *loop;
        struct feed *feed;
        struct loop_source *feed_source, *tick, *status;
        bool status_due;
        int64_t status_ns;        /* when it was said last, monotonic */
        struct loop_sender asked; /* whose signal ends it */
        struct notify notify;
        struct presence presence;
        struct sandbox_state sandbox;
};

/* ---- status ---- */

static void put_status(const struct uplink *u, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "config");
        json_begin_object(&w);
        json_member_bool(&w, "exists", u->config.exists);
        if (*u->refused)
                json_member_text(&w, "refused", u->refused);
        json_end_object(&w);
        json_put_key(&w, "sinks");
        json_begin_array(&w);
        for (size_t i = 0; i < u->config.n; i++)
                if (u->sinks[i].said.n)
                        json_put_raw(&w, buf_span(&u->sinks[i].said));
        json_end_array(&w);
        json_end_object(&w);
}

static void say_status(void *ctx)
{
        struct uplink *u = ctx;
        CLEANUP(buf_done) struct buf out = BUF_INIT(PRESENCE_MAX);
        struct err err = { 0 };

        u->status_due = false;
        u->status_ns = clock_mono(u->o->clock);
        put_status(u, &out);
        if (buf_status(&out) == 0 &&
            presence_say(&u->presence, &u->sandbox, buf_span(&out), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.status", log_err(&err));
}

static void status_soon(struct uplink *u)
{
        if (u->status_due)
                return;
        u->status_due = true;
        loop_timer_set(u->status, clock_mono(u->o->clock) + SOON_MS * NS_PER_MS);
}

/* ---- telling the ledger ---- */

static void on_feed(void *ctx, unsigned events);

static int watch_feed(struct uplink *u)
{
        unsigned want = LOOP_READ | (feed_wants_write(u->feed) ? LOOP_WRITE : 0u);

        if (!feed_connected(u->feed)) {
                u->feed_source = loop_remove(u->feed_source);
                return 0;
        }
        if (u->feed_source)
                return loop_set_events(u->feed_source, want);
        return loop_add_fd(u->loop, feed_fd(u->feed), want, on_feed, u, &u->feed_source, NULL);
}

static void put_one(struct uplink *u, struct tell *t)
{
        CLEANUP(buf_done) struct buf skeleton = BUF_INIT(ENTRY_MAX);
        struct err err = { 0 };
        struct json_writer w;
        struct json_iter it;
        struct json_value v;
        struct span key;
        char name[64];

        entry_begin(&w, &skeleton, buf_cstr(&t->kind), clock_wall(u->o->clock));
        for (it = json_iter_of(json_value_of(buf_span(&t->what))); json_next(&it, &key, &v);) {
                snprintf(name, sizeof name, "%.*s", (int)key.n, (const char *)key.p);
                json_member_raw(&w, name, v.raw);
        }
        json_end_object(&w);
        json_end_object(&w);
        if (buf_status(&skeleton) < 0 ||
            feed_put(u->feed, buf_span(&skeleton), NULL, 0, &t->seq, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.tell", log_err(&err));
        else
                t->put = true;
}

/* What waits goes to the recorder once there is one. */
static void pump(struct uplink *u)
{
        struct err err = { 0 };

        for (size_t i = 0; i <= DELIVER_SINKS_MAX && feed_run(u->feed); i++)
                if (u->tell[i].active && !u->tell[i].put)
                        put_one(u, &u->tell[i]);
        if (feed_connected(u->feed) && feed_work(u->feed, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.recorder_gone", log_err(&err));
        if (watch_feed(u) < 0)
                loop_stop(u->loop, 1);
}

static void on_feed(void *ctx, unsigned events)
{
        (void)events;
        pump(ctx);
}

/* The one thing of a kind that a sink has to say, until it is durable; said again it is the same.
 */
static void begin_tell(struct uplink *u, size_t i, uint64_t id, struct span kind, struct span what)
{
        struct tell *t = &u->tell[i];
        bool same =
                t->active && span_eq(buf_span(&t->kind), kind) && span_eq(buf_span(&t->what), what);

        t->id = id;
        if (same)
                return;
        buf_done(&t->kind);
        buf_done(&t->what);
        t->kind = BUF_INIT(64);
        t->what = BUF_INIT(COURIER_PACKET_MAX);
        buf_put(&t->kind, kind);
        buf_put(&t->what, what);
        t->put = false;
        t->active = buf_status(&t->kind) == 0 && buf_status(&t->what) == 0;
        pump(u);
}

static void keep_mark(struct uplink *u)
{
        struct err err = { 0 };

        if (io_replace_file(&io_kernel, u->own_fd, "told", u->own_fd, 0600, span_str(u->mark),
                            &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.told", log_err(&err));
}

static void settled(struct uplink *u, uint64_t seq)
{
        uint8_t packet[8];

        for (size_t i = 0; i <= DELIVER_SINKS_MAX; i++) {
                struct tell *t = &u->tell[i];

                if (!t->active || !t->put || t->seq != seq)
                        continue;
                t->active = t->put = false;
                if (i == OWN) {
                        keep_mark(u);
                        continue;
                }
                le_put64(packet, t->id);
                (void)!sock_send(u->sinks[i].fd, span_of(packet, sizeof packet));
        }
}

static void on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        (void)index;
        settled(ctx, seq);
}

/* It would be refused again; the recorder has noted that it was. */
static void on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        log_event(LOG_LEVEL_ERROR, "uplink.refused_entry", log_u64("seq", seq),
                  log_int("code", code), log_bytes("text", text));
        settled(ctx, seq);
}

/* A new run counts anew: what was put and is not durable is put again. */
static void connect_feed(struct uplink *u)
{
        uint64_t before = feed_run(u->feed);
        struct err err = { 0 };

        if (feed_connected(u->feed) || feed_connect(u->feed, before, CONNECT_MS, &err) < 0)
                return;
        log_event(LOG_LEVEL_INFO, "uplink.connected", log_u64("run", feed_run(u->feed)));
        if (before && feed_run(u->feed) != before) {
                uint64_t seq = feed_held(u->feed);

                for (size_t i = 0; i <= DELIVER_SINKS_MAX; i++)
                        if (u->tell[i].active && u->tell[i].put)
                                u->tell[i].seq = ++seq;
        }
        pump(u);
}

static void on_tick(void *ctx)
{
        struct uplink *u = ctx;

        connect_feed(u);
        feed_beat(u->feed);
        if (clock_mono(u->o->clock) - u->status_ns >= STATUS_S * NS_PER_S)
                status_soon(u);
        loop_timer_set(u->tick, clock_mono(u->o->clock) + TICK_MS * NS_PER_MS);
}

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

static bool take_packet(struct uplink *u, size_t i, struct span packet)
{
        struct json_value o, v, what;
        struct span kind;
        int64_t id;

        if (json_check(packet, NULL) < 0)
                return false;
        o = json_value_of(packet);
        if (json_get(o, "sink", &v) && v.type == JSON_OBJECT && v.raw.n <= SINK_SAID_MAX) {
                buf_clear(&u->sinks[i].said);
                buf_put(&u->sinks[i].said, v.raw);
                status_soon(u);
                return true;
        }
        if (!json_get(o, "id", &v) || !json_value_int(v, &id) || id <= 0 ||
            !json_get(o, "kind", &v) || !json_value_plain(v, &kind) || !may_tell(kind) ||
            !json_get(o, "what", &what) || what.type != JSON_OBJECT)
                return false;
        begin_tell(u, i, (uint64_t)id, kind, what.raw);
        return true;
}

static size_t number_of(struct uplink *u, const struct served *s)
{
        return (size_t)(s - u->sinks);
}

struct listener {
        struct uplink *u;
        struct served *s;
};

static struct listener listeners[DELIVER_SINKS_MAX]; /* the loop's contexts; one uplink a process */

static void on_courier(void *ctx, unsigned events)
{
        struct listener *l = ctx;
        uint8_t packet[COURIER_PACKET_MAX];
        size_t n = 0;
        int rc;

        (void)events;
        rc = sock_recv(l->s->fd, packet, sizeof packet, &n);
        if (rc == -EAGAIN)
                return;
        if (rc == 0 && n > 0 && take_packet(l->u, number_of(l->u, l->s), span_of(packet, n)))
                return;
        log_event(LOG_LEVEL_ERROR, "uplink.courier_gone", log_str("sink", l->s->config->name),
                  log_str("error", rc < 0 ? strerror(-rc)
                                   : n    ? "it says nonsense"
                                          : "it ended"));
        loop_stop(l->u->loop, 1);
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
                rc = sock_set_room(ends[0], RUNNER_ASK_MAX);
        if (rc == 0)
                rc = sock_set_room(ends[1], RUNNER_ASK_MAX);
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

/* A directory of whom we become, and the files in it. */
static int make_own(const struct uplink *u, const char *path, uid_t uid, gid_t gid, struct err *err)
{
        int rc = io_make_dirs(&io_kernel, AT_FDCWD, path, 0700, err);
        struct dirent *e;
        DIR *d;

        if (rc < 0 || u->o->keep_user || geteuid() != 0)
                return rc;
        d = opendir(path);
        if (!d)
                return err_sys(err, -errno, "%s", path);
        rc = fchown(dirfd(d), uid, gid) < 0 ? -errno : 0;
        while (rc == 0 && (e = readdir(d)))
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                    fchownat(dirfd(d), e->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
                        rc = -errno;
        closedir(d);
        return rc < 0 ? err_sys(err, rc, "%s: change its owner", path) : 0;
}

/* Ours, and one for each sink: whoever takes one over does not move the cursors of the others. */
static int give_places(struct uplink *u, struct err *err)
{
        uid_t uid = u->o->as;
        gid_t gid = uid;
        int rc = 0;

        if (!uid && !u->o->keep_user && geteuid() == 0)
                rc = users_find(role_of(ROLE_UPLINK)->user, &uid, &gid);
        if (rc < 0)
                return err_sys(err, rc, "service user %s", role_of(ROLE_UPLINK)->user);
        rc = make_own(u, u->own, uid, gid, err);
        for (size_t i = 0; i < u->config.n && rc == 0; i++) {
                rc = io_join(u->sinks[i].own, u->own, u->config.sinks[i].name, err);
                if (rc == 0)
                        rc = make_own(u, u->sinks[i].own, uid, gid, err);
        }
        return rc;
}

/* The recorder may keep what it publishes from others; its group may read it, and has nothing
 * else: its private half is for the recorder alone. */
static void find_group(struct uplink *u)
{
        char ledger[PATH_MAX];
        struct stat st;

        if (io_join(ledger, u->o->state, "ledger", NULL) == 0 && stat(ledger, &st) == 0)
                u->group = st.st_gid;
}

static int make_places(struct uplink *u, struct err *err)
{
        int rc = io_join(u->own, u->o->state, "uplink", err);

        if (rc == 0)
                rc = io_join(u->socket, u->o->run, "recorder.sock", err);
        if (rc == 0)
                rc = give_places(u, err);
        if (rc < 0)
                return rc;
        find_group(u);
        u->own_fd = open(u->own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return u->own_fd < 0 ? err_sys(err, -errno, "%s", u->own) : 0;
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

static int start_couriers(struct uplink *u, struct err *err)
{
        int rc = 0;

        for (size_t i = 0; i < u->config.n && rc == 0; i++) {
                u->sinks[i].config = &u->config.sinks[i];
                put_untried(&u->sinks[i]);
                rc = start_courier(u, &u->sinks[i], err);
        }
        return rc;
}

/* What is delivered where is told once, and when it changes. */
static void tell_sinks(struct uplink *u)
{
        CLEANUP(buf_done) struct buf what = BUF_INIT(COURIER_PACKET_MAX);
        struct json_writer w;
        uint8_t *told = NULL;
        size_t n = 0;
        bool same;

        if (io_read_file(&io_kernel, u->own_fd, "told", sizeof u->mark, &told, &n, NULL) < 0)
                n = 0;
        same = span_eq_str(span_of(told, n), u->mark);
        free(told);
        if (same)
                return;
        json_writer_init(&w, &what);
        json_begin_object(&w);
        if (*u->mark)
                json_member_text(&w, "config", u->mark);
        if (*u->refused)
                json_member_text(&w, "refused", u->refused);
        json_put_key(&w, "sinks");
        json_begin_array(&w);
        for (size_t i = 0; i < u->config.n; i++) {
                json_begin_array(&w);
                json_put_string(&w, span_str(u->config.sinks[i].name));
                json_put_string(&w, span_str(deliver_type_name[u->config.sinks[i].type]));
                json_end_array(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        begin_tell(u, OWN, 0, SPAN("alert.sinks"), buf_span(&what));
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
        struct feed_options f = {
                .socket = u->socket, .proc = "uplink", .on_ack = on_ack, .on_nak = on_nak, .ctx = u
        };
        int rc = loop_new(u->o->clock, &u->loop, err);

        for (size_t i = 0; i < ARRAY_LEN(signals) && rc == 0; i++)
                rc = loop_add_signal(u->loop, signals[i], on_signal, u, err);
        if (rc == 0)
                rc = loop_add_timer(u->loop, on_tick, u, &u->tick, err);
        if (rc == 0)
                rc = loop_add_timer(u->loop, say_status, u, &u->status, err);
        for (size_t i = 0; i < u->config.n && rc == 0; i++) {
                listeners[i] = (struct listener){ u, &u->sinks[i] };
                rc = loop_add_fd(u->loop, u->sinks[i].fd, LOOP_READ, on_courier, &listeners[i],
                                 &u->sinks[i].source, err);
        }
        return rc == 0 ? feed_new(&f, &u->feed, err) : rc;
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

/* A delivery that has begun may end; one that does not is made again later. */
static void stop_couriers(struct uplink *u)
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
}

static void done(struct uplink *u)
{
        stop_couriers(u);
        for (size_t i = 0; i <= DELIVER_SINKS_MAX; i++) {
                buf_done(&u->tell[i].kind);
                buf_done(&u->tell[i].what);
        }
        for (size_t i = 0; i < u->config.n; i++)
                buf_done(&u->sinks[i].said);
        u->feed_source = loop_remove(u->feed_source);
        u->feed = feed_free(u->feed);
        u->tick = loop_remove(u->tick);
        u->status = loop_remove(u->status);
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
        signal(SIGPIPE, SIG_IGN);
        u->o = o;
        u->own_fd = u->notify.fd = -1;
        u->presence = PRESENCE_NONE;
        deliver_config_init(&u->config);
        rc = read_config(u, &err);
        if (rc == 0)
                rc = make_places(u, &err);
        if (rc == 0)
                rc = start_couriers(u, &err);
        if (rc == 0)
                rc = open_all(u, &err);
        if (rc < 0) {
                log_event(LOG_LEVEL_ERROR, "uplink.start", log_err(&err));
        } else {
                tell_sinks(u);
                on_tick(u);
                say_status(u);
                (void)!notify_send(&u->notify, "READY=1");
                rc = loop_run(u->loop);
                if (rc == 0 || rc == UPLINK_AGAIN)
                        feed_bye(u->feed, rc == UPLINK_AGAIN, u->asked.pid, u->asked.uid);
        }
        done(u);
        return rc;
}

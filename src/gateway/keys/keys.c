/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "gateway/keys/keys_priv.h"
#include "loop/log.h"
#include "loop/role.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        TICK_MS = 1000,
        TELL_S = 15 * 60,
        SWEEP_S = 60 * 60,
        QUESTIONS_TURN = 64, /* in one turn of the loop; the others wait in the socket */
};

/* ---- what is deployed ---- */

static struct keys_set *find_set(const struct keys *k, const char *name)
{
        uint32_t from = 0, until = k->n;

        while (from < until) {
                uint32_t middle = from + (until - from) / 2;
                int order = strcmp(k->sets[middle]->wanted.name, name);

                if (order == 0)
                        return k->sets[middle];
                if (order < 0)
                        from = middle + 1;
                else
                        until = middle;
        }
        return NULL;
}

static bool same_addresses(const struct keys_wanted *a, const struct keys_wanted *b)
{
        return a->n_addresses == b->n_addresses && a->none_allowed == b->none_allowed &&
               memcmp(a->addresses, b->addresses, a->n_addresses * sizeof a->addresses[0]) == 0;
}

/* The set of a url goes on with what it knows; where it may be had now is another matter. */
static void renew(struct keys_set *s, const struct keys_wanted *w)
{
        bool same = same_addresses(&s->wanted, w);
        int64_t now = clock_mono(s->of->o->clock);

        s->wanted = *w;
        if (!same && s->fetch) {
                s->fetch = keys_fetch_cancel(s->fetch);
                s->time.due_ns = now;
        }
        keys_time_within(&s->time, w->refresh_s, now);
        if (!same)
                keys_time_ask(&s->time, now);
}

static struct keys_set *take_out(struct keys_set **sets, uint32_t n, const char *name)
{
        struct keys_set *s;

        for (uint32_t i = 0; i < n; i++)
                if (sets[i] && strcmp(sets[i]->wanted.name, name) == 0) {
                        s = sets[i];
                        sets[i] = NULL;
                        return s;
                }
        return NULL;
}

static void take_wanted(struct keys *k, const struct keys_wanted *w, uint32_t n)
{
        struct keys_set *old[KEYS_URLS_MAX];
        uint32_t n_old = k->n;

        memcpy(old, k->sets, n_old * sizeof(struct keys_set *));
        k->n = 0;
        for (uint32_t i = 0; i < n; i++) {
                struct keys_set *s = take_out(old, n_old, w[i].name);

                if (s)
                        renew(s, &w[i]);
                else if (keys_set_new(k, &w[i], &s) < 0)
                        k->n_left_out++; /* no memory */
                if (s)
                        k->sets[k->n++] = s;
        }
        for (uint32_t i = 0; i < n_old; i++)
                keys_set_free(old[i]);
}

static void look(struct keys *k)
{
        struct err err = { 0 };
        int r = live_look(k->live, &err);
        uint32_t n;

        if (r < 0)
                log_event(LOG_LEVEL_ERROR, "keys.generation", log_err(&err));
        if (r != 1)
                return;
        keys_wanted(live_current(k->live), k->wanted, &n, &k->n_left_out);
        take_wanted(k, k->wanted, n);
        log_event(k->n_left_out ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "keys.deployed",
                  log_u64("generation", live_current(k->live)->number), log_u64("urls", k->n),
                  log_u64("left_out", k->n_left_out));
        k->status_due = true;
}

/* ---- fetching ---- */

static void on_fetched(void *ctx, int r, struct span body, const struct err *err)
{
        keys_set_take(ctx, r, body, err);
}

/* -EBUSY: not now. */
static int fetch(struct keys_set *s)
{
        struct err err = { 0 };
        int r;

        if (s->wanted.none_allowed)
                r = err_set(&err, -EACCES, "the packages that name it allow no address in common");
        else
                r = keys_fetch_start(s->of->fetcher, &s->wanted, on_fetched, s, &s->fetch, &err);
        if (r == -EBUSY)
                return r;
        keys_time_start(&s->time, clock_mono(s->of->o->clock));
        if (r < 0)
                keys_set_take(s, r, SPAN_NONE, &err);
        return 0;
}

static void fetch_due(struct keys *k)
{
        int64_t now = clock_mono(k->o->clock);

        for (uint32_t i = 0; i < k->n; i++) {
                struct keys_set *s = k->sets[i];

                if (s->time.due_ns <= now && s->fresh.n == 0 && fetch(s) < 0)
                        return;
        }
}

/* What is deployed must be known for that. */
static void sweep_sometimes(struct keys *k)
{
        int64_t now = clock_mono(k->o->clock);
        uint64_t number;
        const char *why;

        if (!live_current(k->live) || live_refused(k->live, &number, &why) || k->n_left_out ||
            (k->swept_ns && now - k->swept_ns < SWEEP_S * NS_PER_S))
                return;
        keys_sweep(k);
        k->swept_ns = now;
}

static void on_tick(void *ctx)
{
        struct keys *k = ctx;

        look(k);
        sweep_sometimes(k);
        fetch_due(k);
        keys_tell_tick(k);
        loop_timer_set(k->tick, clock_mono(k->o->clock) + TICK_MS * NS_PER_MS);
}

/* ---- questions ---- */

static bool is_name(const char *text, ssize_t n)
{
        uint8_t digest[KEYS_NAME / 2];

        return n == KEYS_NAME &&
               text_from_hex(span_of(text, KEYS_NAME), digest, sizeof digest) == 0;
}

/* One datagram: 1 and the name; 0: not one that counts; -EAGAIN: there are no more. */
static int hear(const struct keys *k, char name[KEYS_NAME + 1])
{
        union {
                char room[CMSG_SPACE(sizeof(struct ucred))];
                struct cmsghdr align;
        } control;
        struct iovec v = { .iov_base = name, .iov_len = KEYS_NAME + 1 };
        struct msghdr m = { .msg_iov = &v,
                            .msg_iovlen = 1,
                            .msg_control = control.room,
                            .msg_controllen = sizeof control.room };
        ssize_t n = recvmsg(k->ask_fd, &m, MSG_DONTWAIT);
        const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
        struct ucred from;

        if (n < 0)
                return errno == EINTR ? 0 : -EAGAIN;
        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
                return 0;
        memcpy(&from, CMSG_DATA(c), sizeof from);
        if ((from.uid != k->gateway && from.uid != 0) || !is_name(name, n))
                return 0;
        name[KEYS_NAME] = '\0';
        return 1;
}

static void on_ask(void *ctx, unsigned events)
{
        struct keys *k = ctx;

        (void)events;
        for (unsigned i = 0; i < QUESTIONS_TURN; i++) {
                char name[KEYS_NAME + 1];
                int r = hear(k, name);
                struct keys_set *s = r == 1 ? find_set(k, name) : NULL;

                if (r < 0)
                        break;
                if (s) {
                        k->n_asked++;
                        keys_time_ask(&s->time, clock_mono(k->o->clock));
                } else {
                        k->n_ignored++;
                }
        }
        fetch_due(k);
}

/* ---- coming up, going down ---- */

static void on_signal(void *ctx, int signo)
{
        struct keys *k = ctx;

        k->asked = loop_signal_sender(k->loop);
        loop_stop(k->loop, signo == SIGHUP ? KEYS_AGAIN : 0);
}

static int open_loop(struct keys *k, struct err *err)
{
        static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
        int r = loop_new(k->o->clock, &k->loop, err);

        for (size_t i = 0; i < ARRAY_LEN(signals) && r == 0; i++)
                r = loop_add_signal(k->loop, signals[i], on_signal, k, err);
        if (r == 0)
                r = loop_add_timer(k->loop, on_tick, k, &k->tick, err);
        if (r == 0)
                r = loop_add_fd(k->loop, k->ask_fd, LOOP_READ, on_ask, k, &k->ask, err);
        if (r == 0)
                r = keys_fetcher_attach(k->fetcher, k->loop, k->o->clock, err);
        return r == 0 ? keys_tell_open(k, err) : r;
}

static int start(struct keys *k, struct err *err)
{
        struct role_paths paths = {
                .state = k->own, .runtime = k->o->run, .config = k->registry, .as = k->o->as
        };
        bool keep = k->o->keep_user || geteuid() != 0;
        CLEANUP_FD int run_fd = open(k->o->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = run_fd < 0 ? err_sys(err, -errno, "%s", k->o->run) : 0;

        /* Two of them would take each other's socket away. */
        if (r == 0)
                r = presence_open(run_fd, "keys", clock_wall(k->o->clock), &k->presence, err);
        if (r == 0)
                r = keys_open(k, err);
        if (r == 0)
                r = notify_init(&k->notify, err);
        if (r == 0)
                r = role_enter(ROLE_KEYS, &paths, keep ? ROLE_KEEP_USER : 0, &k->sandbox, err);
        return r == 0 ? open_loop(k, err) : r;
}

static int serve(struct keys *k)
{
        int r;

        on_tick(k);
        (void)!notify_send(&k->notify, "READY=1");
        r = loop_run(k->loop);
        if (r < 0)
                log_event(LOG_LEVEL_ERROR, "keys.failed", log_str("error", strerror(-r)),
                          log_str("in", "the loop"));
        if (r == 0 || r == KEYS_AGAIN)
                feed_bye(k->feed, r == KEYS_AGAIN, k->asked.pid, k->asked.uid);
        return r;
}

static void done(struct keys *k)
{
        for (uint32_t i = 0; i < k->n; i++)
                keys_set_free(k->sets[i]);
        k->fetcher = keys_fetcher_free(k->fetcher);
        keys_tell_done(k);
        k->loop = loop_free(k->loop);
        keys_close(k);
        presence_done(&k->presence);
        notify_done(&k->notify);
        free(k->wanted);
        free(k);
}

int keys_run(const struct keys_options *o)
{
        struct keys *k = calloc(1, sizeof *k);
        struct keys_options mine = *o;
        struct err err = { 0 };
        int r;

        if (!k)
                return -ENOMEM;
        mine.tell_s = o->tell_s ? o->tell_s : TELL_S;
        k->o = &mine;
        k->registry_fd = k->own_fd = k->ask_fd = k->notify.fd = -1;
        k->presence = PRESENCE_NONE;
        registry_config_init(&k->config);
        k->wanted = calloc(KEYS_URLS_MAX, sizeof *k->wanted);
        r = k->wanted ? start(k, &err) : err_sys(&err, -ENOMEM, "keys");
        if (r == 0)
                r = serve(k);
        else
                log_event(LOG_LEVEL_ERROR, "keys.start", log_err(&err));
        done(k);
        return r;
}

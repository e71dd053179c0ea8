/* SPDX-License-Identifier: Apache-2.0 */
/* call_feed - a gateway without an API: calls that begin, last for a while and end, as fast as
 * their entries are acknowledged.
 *
 *   call_feed SOCKET NAME [RESUME-RUN]
 *
 * Serves up to OPEN_MAX calls at a time.  One begins with api.intent and ends with api.outcome,
 * which is put only when the intent was acknowledged; one in four has an api.values before each.
 * When the recorder goes away it comes again with its run.  Standard output, a line each: R run
 * welcomed I call      its intent is durable O call      its outcome is durable: now its caller
 * would get the answer N call code its outcome was refused: its caller would get 503 F call code
 * its intent was refused: its back-end would not be asked E           the last line SIGTERM: begin
 * none any more, end when all are over.  SIGUSR1: say good-bye, and go with what is open. */
#include "ledger/feed/feed.h"
#include "sys/sysclock.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPEN_MAX = 64, PENDING_MAX = 400, PAUSE_US_MAX = 4000, RETRY_US = 5000, CONNECT_MS = 2000 };

enum state { FREE, ASKED, OPEN, ANSWERED };

struct slot {
        enum state state;
        uint64_t seq; /* of the entry that is waited for */
        uint64_t number;
};

struct gateway {
        struct feed *feed;
        const char *name;
        uint64_t begun;
        struct slot slot[OPEN_MAX];
};

static volatile sig_atomic_t ending, leaving;

static void on_term(int signo)
{
        ending = signo;
}

static void on_usr1(int signo)
{
        leaving = signo;
}

static struct slot *slot_of(struct gateway *g, uint64_t seq)
{
        for (size_t i = 0; i < OPEN_MAX; i++)
                if ((g->slot[i].state == ASKED || g->slot[i].state == ANSWERED) &&
                    g->slot[i].seq == seq)
                        return &g->slot[i];
        return NULL; /* of api.values */
}

static void on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        struct gateway *g = ctx;
        struct slot *s = slot_of(g, seq);

        if (!s)
                return;
        printf("%c %s-%" PRIu64 "\n", s->state == ASKED ? 'I' : 'O', g->name, s->number);
        s->state = s->state == ASKED ? OPEN : FREE;
}

static void on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        struct gateway *g = ctx;
        struct slot *s = slot_of(g, seq);

        if (!s) {
                fprintf(stderr, "call_feed: %" PRIu64 " was refused: %.*s\n", seq, (int)text.n,
                        (const char *)text.p);
                exit(1);
        }
        printf("%c %s-%" PRIu64 " %d\n", s->state == ASKED ? 'F' : 'N', g->name, s->number, code);
        s->state = FREE;
}

static void connect_again(struct gateway *g, uint64_t run)
{
        struct err err = { 0 };

        while (feed_connect(g->feed, run, CONNECT_MS, &err) < 0) {
                if (leaving)
                        exit(0);
                usleep(RETRY_US);
        }
        printf("R %" PRIu64 "\n", feed_run(g->feed));
        fflush(stdout);
}

static void put(struct gateway *g, const char *kind, uint64_t number, const char *more,
                const struct feed_field *field, uint64_t *ret_seq)
{
        struct err err = { 0 };
        char text[512];
        int n = snprintf(text, sizeof text,
                         "{\"k\":\"api.%s\",\"t\":\"2026-01-02T03:04:05.000000006Z\",\"v\":1,"
                         "\"what\":{\"api\":\"a\",%s\"call\":\"%s-%" PRIu64 "\",%s",
                         kind, strcmp(kind, "values") == 0 ? "" : "\"bytes\":0,", g->name, number,
                         more);

        if (feed_put(g->feed, span_of(text, (size_t)n), field, field != NULL, ret_seq, &err) < 0) {
                fprintf(stderr, "call_feed: put: %s\n", err_text(&err));
                exit(1);
        }
}

static void put_values(struct gateway *g, const struct slot *s, const char *direction)
{
        static const struct feed_field values = { .subject = SPAN_INIT("Account:7"),
                                                  .name = SPAN_INIT("what.values_1"),
                                                  .value = SPAN_INIT("[\"call-marker\"]") };
        char more[128];
        uint64_t seq;

        if (s->number % 4)
                return;
        snprintf(more, sizeof more,
                 "\"classes\":[[\"pii.name\",1]],\"direction\":\"%s\",\"operation\":\"o\","
                 "\"part\":1}}",
                 direction);
        put(g, "values", s->number, more, &values, &seq);
}

static void put_intent(struct gateway *g, struct slot *s)
{
        static const struct feed_field user = { .subject = SPAN_INIT("caller:x"),
                                                .name = SPAN_INIT("who.user"),
                                                .value = SPAN_INIT("\"call-marker\"") };

        *s = (struct slot){ .state = ASKED, .number = g->begun++ };
        put_values(g, s, "request");
        put(g, "intent", s->number,
            "\"decision\":\"allow\",\"generation\":1,\"method\":\"GET\",\"operation\":\"o\","
            "\"sha256\":\"1111111111111111111111111111111111111111111111111111111111111111\","
            "\"verified\":true,\"version\":\"1\"}}",
            &user, &s->seq);
}

static void put_outcome(struct gateway *g, struct slot *s)
{
        s->state = ANSWERED;
        put_values(g, s, "response");
        put(g, "outcome", s->number,
            "\"method\":\"GET\",\"operation\":\"o\",\"result\":\"answered\",\"status\":200,"
            "\"version\":\"1\"}}",
            NULL, &s->seq);
}

/* Some begin, some end; those in the last slots take long. */
static void serve_some(struct gateway *g)
{
        for (size_t i = 0; i < OPEN_MAX && feed_pending(g->feed) < PENDING_MAX; i++) {
                struct slot *s = &g->slot[i];
                int patience = i < OPEN_MAX / 2 ? 4 : 400;

                if (s->state == FREE && !ending && rand() % 4 == 0)
                        put_intent(g, s);
                else if (s->state == OPEN && (ending || rand() % patience == 0))
                        put_outcome(g, s);
        }
}

static bool is_idle(const struct gateway *g)
{
        for (size_t i = 0; i < OPEN_MAX; i++)
                if (g->slot[i].state != FREE)
                        return false;
        return feed_pending(g->feed) == 0;
}

static void work(struct gateway *g)
{
        struct err err = { 0 };
        int rc;

        usleep((unsigned)(rand() % PAUSE_US_MAX));
        rc = feed_work(g->feed, &err);
        if (rc == -EPROTO || rc == -EBADMSG) {
                fprintf(stderr, "call_feed: %s\n", err_text(&err));
                exit(1);
        }
        if (rc < 0)
                connect_again(g, feed_run(g->feed));
        fflush(stdout);
}

int main(int argc, char **argv)
{
        struct feed_options o = { .proc = "gateway", .on_ack = on_ack, .on_nak = on_nak };
        struct gateway g = { 0 };
        struct err err = { 0 };

        if (argc < 3 || argc > 4) {
                fputs("usage: call_feed SOCKET NAME [RESUME-RUN]\n", stderr);
                return 2;
        }
        o.socket = argv[1];
        o.ctx = &g;
        g.name = argv[2];
        srand((unsigned)getpid());
        signal(SIGTERM, on_term);
        signal(SIGUSR1, on_usr1);
        if (feed_new(&o, &g.feed, &err) < 0) {
                fprintf(stderr, "call_feed: %s\n", err_text(&err));
                return 1;
        }
        connect_again(&g, argc == 4 ? strtoull(argv[3], NULL, 10) : 0);
        while (!leaving && (!ending || !is_idle(&g))) {
                serve_some(&g);
                work(&g);
        }
        if (leaving)
                feed_bye(g.feed, false, getppid(), getuid());
        puts("E");
        feed_free(g.feed);
        return 0;
}

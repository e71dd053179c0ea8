/* SPDX-License-Identifier: Apache-2.0 */
/* signs.c - writers that said they live, and do not say it any more.
 *
 * Whoever has sent a beat is watched from then on, and missed; so is whoever ought to:
 *
 *   silent    it is connected and has sent nothing for the time of silence: stopped, or stuck
 *   ended     its connection was closed without a good-bye: killed, or it failed.  Told at once,
 *             but one that dies again and again is told of at the first death and every tenfold
 *   stopped   it had said good-bye, and is not back after that time
 *   missing   it ought to be there, and has not sent a beat that long after the recorder started:
 *             whether it never began, ended before, or is connected and stopped makes no difference
 *
 * Each is alert.silent, and alert.heard says for how long nothing was heard when it comes back.
 * Whom to expect is what we were told at our start and who was heard before; that outlives us in
 * the file "expected": a role's name a line, behind "-" where it said good-bye, was missed, and an
 * alert has said so.
 *
 * SECURITY: a peer's own words are a type of message and numbers. */
#include "base/text.h"
#include "loop/log.h"
#include "recorder/recorder_priv.h"
#include "sys/io.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        DEAF_S = 5,   /* without a look at the loop: what they sent may wait for us */
        FOLD_S = 600, /* deaths are told one by one not more often */
        EXPECTED_MAX = 1024,
};

static const char expected_name[] = "expected";

/* ---- whom to expect ---- */

static void keep_expected(struct recorder *r)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(EXPECTED_MAX);
        struct err err = { 0 };

        for (enum role_id id = 0; id < ROLE_COUNT; id++)
                if ((r->expected | r->retired) & 1u << id)
                        buf_printf(&text, "%s%s\n", r->retired & 1u << id ? "-" : "",
                                   role_of(id)->name);
        if (buf_status(&text) < 0 ||
            io_replace_file(&io_kernel, r->private_fd, expected_name, r->private_fd, 0600,
                            buf_span(&text), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "recorder.expected", log_err(&err));
}

static void expect(struct recorder *r, enum role_id role, bool yes)
{
        unsigned expected = r->expected, retired = r->retired;

        r->expected = yes ? expected | 1u << role : expected & ~(1u << role);
        r->retired = yes ? retired & ~(1u << role) : retired | 1u << role;
        if (r->expected != expected || r->retired != retired)
                keep_expected(r);
}

/* When they were heard last nobody knows. */
static void wait_for_expected(struct recorder *r)
{
        int64_t now = clock_mono(r->clock);

        for (enum role_id id = 0; id < ROLE_COUNT; id++)
                if (r->expected & 1u << id)
                        r->absence[id] = (struct absence){ .away = true,
                                                           .cause = "missing",
                                                           .since_ns = now,
                                                           .since_wall_ns = clock_wall(r->clock),
                                                           .due_ns = now + r->silence_ns };
}

unsigned signs_role(struct span name)
{
        static const enum role_id beating[] = { ROLE_SENSOR, ROLE_MONITOR, ROLE_UPLINK, ROLE_KEYS,
                                                ROLE_GATEWAY };

        for (size_t i = 0; i < ARRAY_LEN(beating); i++)
                if (span_eq_str(name, role_of(beating[i])->name))
                        return 1u << beating[i];
        return 0;
}

static void read_expected(struct recorder *r, struct span rest)
{
        while (rest.n) {
                const uint8_t *end = memchr(rest.p, '\n', rest.n);
                struct span name = span_of(rest.p, end ? (size_t)(end - rest.p) : rest.n);

                if (name.n && name.p[0] == '-')
                        r->retired |= signs_role(span_from(name, 1));
                else
                        r->expected |= signs_role(name);
                rest = span_from(rest, MIN_OF(name.n + 1, rest.n));
        }
        r->retired &= ~r->expected;
}

int signs_start(struct recorder *r, struct err *err)
{
        uint8_t *text = NULL;
        size_t n = 0;
        int rc = io_read_file(&io_kernel, r->private_fd, expected_name, EXPECTED_MAX, &text, &n,
                              err);

        r->listening_ns = r->signs_ns = clock_mono(r->clock);
        r->silence_ns = (int64_t)(r->o->silence_s ? r->o->silence_s : RECORDER_SILENCE_DEFAULT_S) *
                        NS_PER_S;
        read_expected(r, span_of(text, rc < 0 ? 0 : n));
        free(text);
        if (rc == -ENOENT || rc == -E2BIG || rc == -EFBIG)
                rc = 0; /* never written, or not by us: nobody was heard before */
        r->expected |= r->o->expect & ~r->retired;
        wait_for_expected(r);
        return rc;
}

/* ---- telling ---- */

static void make_id(struct recorder *r, char ret[SIGNS_ID_MAX + 1])
{
        snprintf(ret, SIGNS_ID_MAX + 1, "%llx-r%llu-%llu",
                 (unsigned long long)clock_wall(r->clock) / NS_PER_MS, (unsigned long long)r->run,
                 (unsigned long long)++r->alerts);
}

/* Without the sensor the host is blind; that it was asked to stop makes it no better, but is known.
 */
static const char *severity_of(enum role_id role, const struct absence *a)
{
        return role == ROLE_SENSOR && !a->farewell.said ? "critical" : "high";
}

/* On a full disk it is told later: false. */
static bool tell(struct recorder *r, enum role_id role, struct absence *a)
{
        make_id(r, a->id);
        a->told = own_silent(r, role, a, severity_of(role, a)) == 0;
        log_event(LOG_LEVEL_ERROR, "recorder.silent", log_str("proc", role_of(role)->name),
                  log_str("cause", a->cause), log_int("pid", a->pid), log_str("alert", a->id));
        a->due_ns = clock_mono(r->clock) + r->silence_ns;
        return a->told;
}

/* ---- from its connection ---- */

/* An alert says that it is silent, and it is not. */
static void speaks_again(struct peer *p)
{
        struct absence a = { .since_ns = p->heard_ns, .since_wall_ns = p->heard_wall_ns };

        memcpy(a.id, p->alert, sizeof a.id);
        p->silent = false;
        log_event(LOG_LEVEL_INFO, "recorder.heard", log_str("proc", role_of(p->role)->name),
                  log_str("alert", a.id));
        own_heard(p->r, p->role, &a, p);
}

void signs_heard(struct peer *p)
{
        if (p->silent)
                speaks_again(p);
        p->heard_ns = clock_mono(p->r->clock);
        p->heard_wall_ns = clock_wall(p->r->clock);
}

void signs_beat(struct peer *p)
{
        struct recorder *r = p->r;
        struct absence *a = &r->absence[p->role];

        p->beats = true;
        expect(r, p->role, true);
        if (!a->away)
                return;
        a->away = false;
        if (a->told)
                own_heard(r, p->role, a, p);
        a->told = false;
}

void signs_farewell(struct peer *p, struct msg_reader *m)
{
        unsigned why = msg_get_u8(m);
        uint32_t pid = msg_get_u32(m), uid = msg_get_u32(m);

        if (msg_close(m) < 0 || (why != MSG_BYE_STOP && why != MSG_BYE_AGAIN) || pid > INT32_MAX) {
                peer_close(p, true, "malformed good-bye");
                return;
        }
        p->farewell = (struct farewell){
                .said = true, .again = why == MSG_BYE_AGAIN, .pid = (pid_t)pid, .uid = uid
        };
}

void signs_left(struct peer *p)
{
        const struct farewell *f = &p->farewell;

        if (!f->said)
                peer_close(p, false, "it left");
        else if (f->pid)
                peer_close(p, false, "%s, asked to by process %d of user %u",
                           f->again ? "it starts anew" : "it stops", (int)f->pid, (unsigned)f->uid);
        else
                peer_close(p, false, f->again ? "it starts anew" : "it stops");
}

void signs_moved(struct peer *from, struct peer *to)
{
        if (!from->beats || from->cred.pid != to->cred.pid)
                return;
        to->beats = true;
        from->beats = false;
        to->silent = from->silent;
        to->heard_ns = from->heard_ns;
        to->heard_wall_ns = from->heard_wall_ns;
        memcpy(to->alert, from->alert, sizeof to->alert);
        if (to->silent)
                speaks_again(to);
        signs_heard(to);
}

/* Is this death worth an alert now?  The next ones of the same row wait: it may be back. */
static bool is_news(struct absence *a, int64_t now)
{
        uint64_t tenfold = 1;

        if (a->ended == 0 || now - a->ended_ns > FOLD_S * NS_PER_S) {
                a->ended = 1;
                a->ended_ns = now;
                return true;
        }
        a->ended++;
        while (tenfold < a->ended)
                tenfold *= 10;
        return tenfold == a->ended;
}

void signs_gone(struct peer *p)
{
        struct recorder *r = p->r;
        struct absence *a = &r->absence[p->role];
        int64_t now = clock_mono(r->clock);

        if (!p->beats)
                return;
        *a = (struct absence){ .away = true,
                               .told = p->silent,
                               .cause = p->farewell.said ? "stopped" : "ended",
                               .farewell = p->farewell,
                               .pid = p->cred.pid,
                               .run = p->run,
                               .since_ns = p->heard_ns,
                               .since_wall_ns = p->heard_wall_ns,
                               .due_ns = now + r->silence_ns,
                               .ended = a->ended,
                               .ended_ns = a->ended_ns };
        if (p->silent) {
                memcpy(a->id, p->alert, sizeof a->id);
                return;
        }
        if (!p->farewell.said && is_news(a, now))
                (void)!tell(r, p->role, a);
}

/* ---- now and then ---- */

static void look_at_peer(struct peer *p, int64_t now)
{
        struct recorder *r = p->r;
        struct absence a = { .cause = "silent",
                             .pid = p->cred.pid,
                             .run = p->run,
                             .since_ns = p->heard_ns,
                             .since_wall_ns = p->heard_wall_ns };

        if (!p->beats || p->silent || p->state != PEER_OPEN ||
            now - MAX_OF(p->heard_ns, r->listening_ns) < r->silence_ns)
                return;
        p->silent = tell(r, p->role, &a);
        if (!p->silent)
                r->listening_ns = now;
        memcpy(p->alert, a.id, sizeof p->alert);
}

void signs_tick(struct recorder *r)
{
        int64_t now = clock_mono(r->clock);

        if (r->held || now - r->signs_ns > DEAF_S * NS_PER_S)
                r->listening_ns = now; /* what they have said may not have been read */
        r->signs_ns = now;
        for (struct peer *p = r->peers; p; p = p->next)
                look_at_peer(p, now);
        for (enum role_id id = 0; id < ROLE_COUNT; id++) {
                struct absence *a = &r->absence[id];

                if (!a->away || a->told || now < a->due_ns)
                        continue;
                /* Once: whoever took it out of service is not told so at every start. */
                if (tell(r, id, a) && a->farewell.said)
                        expect(r, id, false);
        }
}

int64_t signs_away_ns(const struct recorder *r, enum role_id role)
{
        const struct absence *a = &r->absence[role];

        bool knew = a->away && a->pid; /* not from before we started */

        return knew ? clock_mono(r->clock) - a->since_ns : -1;
}

/* ---- status ---- */

static void put_absent(struct json_writer *w, enum role_id role, int64_t since_ns,
                       const char *cause)
{
        char text[TEXT_TIME_LEN + 1];

        text_time(since_ns, text);
        json_begin_array(w);
        json_put_string(w, span_str(role_of(role)->name));
        json_put_string(w, span_str(text));
        json_put_string(w, span_str(cause));
        json_end_array(w);
}

void signs_put_status(const struct recorder *r, struct json_writer *w)
{
        json_put_key(w, "absent");
        json_begin_array(w);
        for (const struct peer *p = r->peers; p; p = p->next)
                if (p->silent)
                        put_absent(w, p->role, p->heard_wall_ns, "silent");
        for (enum role_id id = 0; id < ROLE_COUNT; id++)
                if (r->absence[id].away && r->absence[id].told)
                        put_absent(w, id, r->absence[id].since_wall_ns, r->absence[id].cause);
        json_end_array(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* recorder_priv.h - the recorder's inside.  Floor 3.
 *
 * Invariants
 *  1. An ACK or NAK is sent only when the commit of its entry has ended well: of a peer's answers
 *     the first n_durable may be sent, those up to n_begun go with the commit under way.
 *  2. A peer's answers wait in the order of its sequences, and go out in that order.
 *  3. The publisher belongs to the worker while `publishing`, to nobody else; so do the row files,
 *     but while a slice of an act that is `alone` has them.
 *  4. An entry that is refused leaves ledger.refused in its sequence's place, so runs have no gaps.
 *  5. While `stopped`, nothing of any peer is appended.
 *  6. While `held`, no writer's packets are read, but for what one that left had sent before.
 *  7. Whoever has sent a beat or ought to, and gives no sign of life, is told of: signs.c.
 *  8. No gateway is let in before `calls_known`: what it may resume is in `calls`. */
#ifndef RECORDER_RECORDER_PRIV_H
#define RECORDER_RECORDER_PRIV_H

#include "base/buf.h"
#include "ledger/publish/publisher.h"
#include "ledger/vault/vault.h"
#include "ledger/writer/ledger.h"
#include "loop/loop.h"
#include "loop/pool.h"
#include "loop/presence.h"
#include "loop/role.h"
#include "recorder/act.h"
#include "recorder/calls.h"
#include "recorder/newcomers.h"
#include "recorder/recorder.h"
#include "sys/sock.h"
#include "sys/syncer.h"
#include "wire/json.h"
#include "wire/msg.h"

enum {
        RECORDER_PEERS_MAX = 96, /* below LEDGER_RUNS_MAX: some who went may come back */
        RECORDER_PACKETS = 16,   /* read from one peer before the next has its turn */
        RECORDER_TICK_MS = 250,
        ANSWERS_MAX = LEDGER_WINDOW + 1,
};

/* What a peer is to hear once the batch is durable. */
struct answer {
        uint64_t seq, index;
        uint32_t n; /* entries from seq on; 0: a refusal */
        int code;   /* of a refusal */
        char *text; /* of a refusal, malloc'd; NULL: there was no memory for it */
};

enum peer_state {
        PEER_NEW,     /* connected, HELLO is due */
        PEER_OPEN,    /* welcomed */
        PEER_CLOSING, /* to be dropped at the end of the turn */
};

/* A good-bye that was said. */
struct farewell {
        bool said, again; /* to come back at once */
        pid_t pid;        /* who had asked for it; 0: not known */
        uid_t uid;
};

enum { SIGNS_ID_MAX = 40 };

/* One role of those that send beats: away, where its connection ended and no other took its place.
 */
struct absence {
        bool away, told;                 /* an alert says so */
        const char *cause;               /* as in alert.silent */
        struct farewell farewell;        /* of the one that left */
        pid_t pid;                       /* its; 0: not known */
        uint64_t run;                    /* its; 0: not known */
        int64_t since_ns, since_wall_ns; /* its last sign */
        int64_t due_ns;                  /* when there has to be an alert, monotonic */
        char id[SIGNS_ID_MAX + 1];       /* of the last alert of this role */
        uint64_t ended;                  /* deaths since that was raised for one */
        int64_t ended_ns;                /* when it was, monotonic */
};

struct peer {
        struct recorder *r;
        enum peer_state state;
        int fd;
        struct sock_cred cred;
        int64_t since_ns; /* monotonic */
        enum role_id role;
        uint64_t run;     /* as in entries */
        uint64_t last;    /* last sequence staged */
        uint64_t begun;   /* last sequence in the commit under way, or in those before */
        uint64_t durable; /* last sequence in those that are over */
        bool discarding;  /* after a stop: until it begins again where we left off */
        bool unsent;      /* answers wait for room in its socket */
        struct loop_source *source;
        struct answer answer[ANSWERS_MAX];
        size_t n_answers, n_begun, n_durable; /* each one's first part: invariant 1 */
        bool beats, silent;                   /* it promised to; an alert says that it does not */
        int64_t heard_ns, heard_wall_ns;      /* its last message */
        bool calls;                           /* its run was met in the open calls */
        struct farewell farewell;
        char alert[SIGNS_ID_MAX + 1]; /* id of that alert */
        char why[128];                /* why it is closing; empty: it left */
        bool violation;
        struct peer *next;
};

struct counters {
        uint64_t appended, bytes, refused, resent, batches;
};

/* A batch on its way to the disk. */
struct commit_job {
        struct pool_job job; /* first */
        struct recorder *r;
        bool on;             /* under way */
        bool entries, slots; /* it has */
        int flushed;         /* of the slots, as vault_sync_end() wants it */
        uint64_t own_seq;    /* our own last one in it */
};

struct publish_job {
        struct pool_job job; /* first */
        struct recorder *r;
        struct ledger_position target;
        bool rotate;
        int result;
        struct err err;
};

struct segment_job {
        struct pool_job job; /* first */
        struct recorder *r;
        struct segment_order order;
};

/* The note of open calls on its way to the disk. */
struct keep_job {
        struct pool_job job; /* first */
        struct recorder *r;
        struct buf text;
        uint64_t at; /* it tells of entries below this */
        int result;
        struct err err;
};

/* One administrator's command waits until everything is published and the worker rests. */
struct waiting_command {
        struct peer *peer; /* NULL: none */
        int64_t since_ns;  /* monotonic */
        char verb[32];
        struct buf args;
};

struct recorder {
        const struct recorder_options *o;
        const struct clock *clock;
        struct loop *loop;
        struct pool *pool;
        struct pool *committer; /* the one thread that waits for commits; NULL: the loop does */
        struct syncer *syncer;  /* the publisher's and the vault's */
        int public_fd, private_fd, listen_fd, run_fd, statm_fd;
        struct ledger *ledger;
        struct vault *vault;
        struct publisher *publisher;
        struct role_users users;
        struct presence presence;
        struct sandbox_state sandbox;
        char host[65];

        struct loop_source *listener, *timer, *worker, *committed;
        struct sock_batch *packets;
        struct peer *peers;
        unsigned n_peers;
        uint64_t turned_away;      /* connections since the ledger last told of them */
        uint64_t turned_away_said; /* ... and those of them the log has told of */
        uid_t turned_away_uid;     /* the last one's */
        int64_t turned_away_ns;
        struct absence absence[ROLE_COUNT];
        unsigned expected;    /* bits 1 << role_id of those that ought to send beats */
        unsigned retired;     /* ... of those that said good-bye, were missed and told of */
        int64_t listening_ns; /* since then we do listen, so that silence is theirs */
        int64_t signs_ns;     /* the last look at them */
        int64_t silence_ns;   /* of a writer, then it is missed */
        uint64_t alerts;      /* raised in this life */

        uint64_t run, seq, last_run; /* our own writer identity; the highest run given out */
        struct counters total, beat;
        struct buf entry, rows, skeleton, out;

        struct commit_job commit;

        bool publishing, publish_failed;
        int64_t publish_not_before_ns, publish_at_ns; /* the next round; how late it may be */
        int64_t published_ns;                         /* the last one began */
        uint64_t cut_at;                              /* there a batch has to end; 0: anywhere */
        struct ledger_position whole;                 /* where it did; size 0: not yet */
        uint64_t published;
        struct publish_job publish;
        struct segment_job segment;

        struct calls calls;
        bool calls_known;             /* those that were open before this life are in it */
        char calls_why[ERR_TEXT_MAX]; /* why they will not be; empty: not yet */
        struct keep_job keep;
        bool keeping;
        uint64_t kept, keep_not_before; /* entries that the note tells of; that there have to be */

        bool full, short_of_room; /* entries are refused; the next turn has to refuse them */
        bool vault_short;         /* it was the vault that found no room */
        bool subjects_told;       /* in the log, that few may be new */
        struct newcomers newcomers;
        int64_t full_since_ns;
        uint64_t full_refused;
        int64_t started_ns, beat_ns;
        int64_t status_ns;                  /* the last look at both clocks */
        int64_t seen_wall_ns, seen_mono_ns; /* what the ledger knows of them */
        struct waiting_command command;
        struct act act;
        bool held;      /* writers are not read */
        bool behind;    /* ... because too much of the log is not published */
        bool succeeded; /* the ledger is closed for good; what comes next is another one */
        int stop_code;  /* why the loop ends: 0 a signal, else a negative errno */
};

/* ---- recorder.c ---- */

/* End the loop and say why. */
void recorder_stop(struct recorder *r, int code, const char *what, const struct err *err);
/* What a run is called in the WAL: the role is part of it, so nobody resumes another's. */
static inline uint64_t recorder_wal_run(uint64_t run, enum role_id role)
{
        assert(role < 16);
        return run << 4 | (uint64_t)role;
}
STATIC_ASSERT(ROLE_KEYS < 16, "a role that writes fits into four bits");

/* ---- commit.c ---- */

/* Begin to make durable what is staged, unless a commit is under way; its writers are answered when
 * it is over.  A failure ends the recorder, here and below.
 */
MUST_USE int commit_start(struct recorder *r);
/* Wait for the one under way, if any. */
MUST_USE int commit_await(struct recorder *r);
/* Everything that is staged is durable and answered on return. */
MUST_USE int recorder_commit(struct recorder *r);
/* Stage one entry, committing before it when the batch is full.  -ENOSPC: the disk is full. */
MUST_USE int recorder_stage(struct recorder *r, struct span entry, struct span rows, uint64_t run,
                            uint64_t seq, uint64_t *ret_index, struct err *err);
/* Of our own run, where only the reserve is left. */
MUST_USE int recorder_stage_reserved(struct recorder *r, struct span entry, uint64_t seq,
                                     struct err *err);

/* ---- publishing.c ---- */

/* Have the worker publish what is durable, if it rests, something is new and it is time. */
void publishing_start(struct recorder *r);
/* When to ask again, at the latest; monotonic. */
int64_t publishing_next_ns(const struct recorder *r);
/* A commit is over. */
void publishing_committed(struct recorder *r);
/* Everything durable signed, on this thread and without a look at the loop: the worker rests, its
 * publisher is there.  On failure that is gone, and the worker opens another. */
MUST_USE int publishing_here(struct recorder *r, struct err *err);
/* Everything durable signed, in this thread's time. */
MUST_USE int publishing_now(struct recorder *r, struct err *err);
/* Bytes that the publisher keeps for a full disk. */
uint64_t publishing_ballast(const struct recorder *r);

/* ---- room.c ---- */

/* Entries are refused until there is room again: say so to everybody, in the ledger too. */
void room_enter_full(struct recorder *r);
void room_leave_full(struct recorder *r);
/* The publisher has given up its ballast, so it can sign what there is and little more. */
bool room_is_short(const struct recorder *r);
/* Read no writer while more of the log is not published than may be, or an administrator waits for
 * everything to be; they wait in their sockets. */
void room_hold_writers(struct recorder *r);
/* Have a worker prepare a segment, if one is wanted. */
void room_order_segment(struct recorder *r);
/* It was ordered in good time; when it is late all the same there is nothing but to wait. */
void room_await_segment(struct recorder *r);

/* Subjects that entries of a role may make the vault know: gateways leave some for the others,
 * because what callers ask about is new every day. */
uint32_t room_for_subjects(const struct recorder *r, enum role_id role);
/* Few may be new: once a second will do. */
void room_watch_subjects(struct recorder *r);
bool room_has_few_subjects(const struct recorder *r);

/* ---- pulse.c ---- */

/* Both clocks as they are now; uptime and the first heartbeat's interval begin here. */
void pulse_start(struct recorder *r);
/* Every five seconds: true, and host.clock is staged if the wall clock went another way than the
 * monotonic one since the last look, by more than a second.  Where the disk is full it is told when
 * there is room again, with all that the clock has jumped by then. */
MUST_USE bool pulse_look(struct recorder *r);
/* The heartbeat, if it is due: 15 minutes behind the last one that was taken, counters since. */
void pulse_beat(struct recorder *r);

/* ---- peer.c ---- */

/* Keep a place for a run; where there is none left, one of a recorder that is gone goes first, then
 * that of a writer who is away.  false: all are in use. */
MUST_USE bool recorder_begin_run(struct recorder *r, uint64_t wal_run);

void peer_accept(struct recorder *r);
/* Words that quote a peer's bytes, for an entry: what is not UTF-8 becomes '?'. */
void peer_clean_words(char *text);
/* The same without what stands between its first and its last double quote, which is the peer's:
 * nobody knows of whom or what it speaks, and an entry stays for ever. */
void peer_hide_words(const char *text, char ret[ERR_TEXT_MAX]);
/* Queue an answer; sent by peer_send_answers() after the commit. */
void peer_answer(struct peer *p, uint64_t seq, uint64_t index);
void peer_refuse(struct peer *p, uint64_t seq, int code, const char *text);
void peer_send_answers(struct peer *p);
/* Have the loop tell of what is wanted from it now: nothing from a writer while writers are held.
 */
void peer_listen(struct peer *p);
void peer_send_stopped(struct peer *p, int code, const char *text);
void peer_reply(struct peer *p, int code, struct span body);
/* Mark for dropping; why is for the ledger. */
void peer_close(struct peer *p, bool violation, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Now and then: drop those who never said who they are, tell of those who were turned away. */
void peer_tend(struct recorder *r);
/* Drop what was marked. */
void peer_sweep(struct recorder *r);
void peer_drop_all(struct recorder *r);

/* ---- signs.c ---- */

/* Who was there before this life of ours, or ought to be there, is waited for. */
MUST_USE int signs_start(struct recorder *r, struct err *err);
/* It has sent something. */
void signs_heard(struct peer *p);
void signs_beat(struct peer *p);
void signs_farewell(struct peer *p, struct msg_reader *m);
/* It has closed its end: so is ours. */
void signs_left(struct peer *p);
/* Its run goes on over another connection: of the same process, then nothing is amiss. */
void signs_moved(struct peer *from, struct peer *to);
/* It is dropped. */
void signs_gone(struct peer *p);
void signs_tick(struct recorder *r);
/* How long nothing was heard of a role that comes back; negative: it was not away. */
int64_t signs_away_ns(const struct recorder *r, enum role_id role);
/* "absent": [[proc, time of its last sign, cause], ...] */
void signs_put_status(const struct recorder *r, struct json_writer *w);

/* ---- calls_keep.c ---- */

/* Calls that were open when we ended, once everything of before is published: from the note and
 * from what the ledger has since.  On a failure no gateway is let in, and the log says why. */
void calls_restore(struct recorder *r);
/* The note anew, by a worker, when the ledger has grown by so much; here and now. */
void calls_keep(struct recorder *r);
void calls_keep_now(struct recorder *r);
/* The next ledger's first note, as "calls_left" beside ours: none is open. */
MUST_USE int calls_leave(const struct recorder *r, const char *next_origin, struct err *err);

/* ---- calls_tend.c ---- */

/* Close what is due, some at a time. */
void calls_tend(struct recorder *r);
/* All that are open, before another ledger takes our place.  As own_end_by(). */
MUST_USE int calls_close_all(struct recorder *r, struct err *err);

/* ---- admit.c ---- */

/* Take the entries of an APPEND message. */
void admit_message(struct peer *p, struct msg_reader *m);

/* ---- own.c: entries about ourselves ---- */

/* Build what.* between own_begin() and own_end(); members ascend by byte. */
struct own_entry {
        struct json_writer w;
        const char *kind;
};
void own_begin(struct recorder *r, struct own_entry *e, const char *kind);
MUST_USE int own_end(struct recorder *r, struct own_entry *e);
/* For a command, by (may be NULL) behind what.  -EINVAL, -E2BIG: what was asked for does not fit
 * the kind, which is the administrator's mistake and not the recorder's; -EBUSY: the vault may know
 * nobody new. */
MUST_USE int own_end_by(struct recorder *r, struct own_entry *e, const struct peer *by,
                        struct err *err);
/* The same with sensitive fields, at most VAULT_FIELDS_MAX, whose values go to the vault. */
MUST_USE int own_end_sealed(struct recorder *r, struct own_entry *e, const struct peer *by,
                            const struct vault_field *fields, size_t n, struct err *err);

void own_opened(struct recorder *r);
void own_peer(struct recorder *r, const struct peer *p, const char *event, bool resumed);
/* -ENOSPC: the disk is full. */
MUST_USE int own_silent(struct recorder *r, enum role_id role, const struct absence *a,
                        const char *severity);
void own_heard(struct recorder *r, enum role_id role, const struct absence *a,
               const struct peer *p);
/* What ledger_stage() says; -ENOBUFS: the peer's window is full.  Others have ended the recorder,
 * but -ENOSPC. */
MUST_USE int own_refused(struct recorder *r, struct span refused, const struct peer *p,
                         uint64_t seq, int code, const char *reason);
/* api.unknown.  -ENOSPC: the disk is full. */
MUST_USE int own_unknown(struct recorder *r, const struct call *call, const char *reason);
/* -ENOSPC: the disk is full. */
MUST_USE int own_turned_away(struct recorder *r);
void own_full(struct recorder *r);
void own_resumed(struct recorder *r);
/* What a full disk took no heartbeat of, the next one counts. */
void own_heartbeat(struct recorder *r);
/* -ENOSPC: the disk is full. */
MUST_USE int own_clock(struct recorder *r, int64_t jump_ns, int64_t now_ns);
void own_stopped(struct recorder *r, const char *reason);
uint64_t own_disk_free(const struct recorder *r);

/* ---- command.c ---- */

void command_take(struct peer *p, struct msg_reader *m);
/* Run the waiting command, if any, when everything is published. */
void command_step(struct recorder *r);
/* Everything is published and the worker rests. */
bool command_may_run(const struct recorder *r);
/* It has been waiting for that for longer than it should. */
bool command_is_waiting(const struct recorder *r);
/* Tell whoever waits that it cannot be done now. */
void command_fail(struct recorder *r, int code, const char *text);
/* Finish what a crash interrupted; everything is published and the worker rests. */
MUST_USE int command_resume(struct recorder *r, struct err *err);

#endif

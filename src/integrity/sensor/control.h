/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the sensor's socket for administrators: <run>/sensor.sock.  Floor 3.
 *
 * Only the user the sensor runs as may speak there, as the kernel says who that is (SO_PEERCRED);
 * the socket's mode lets nobody else come that far.  Messages are those of wire/msg.h: a peer sends
 * COMMAND, hears any number of PART, then REPLY, and may send the next.  Arguments and answers are
 * canonical JSON objects; a failure is {"error":"..."} with a negative errno.
 *
 *   accept --COMMAND--> BUSY --control_reply()--> IDLE --COMMAND--> BUSY ...
 *
 * A peer that goes away while its command runs does not end it: what was begun is ended and told.
 *
 * SECURITY: reads packets of root's processes; they are checked all the same. */
#ifndef INTEGRITY_CONTROL_H
#define INTEGRITY_CONTROL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "sys/sock.h"
#include "wire/json.h"

struct control;
struct control_peer;
struct loop;

enum { CONTROL_VERB_MAX = 31, CONTROL_PEERS = 8, CONTROL_TEXT_MAX = 1024 };

/* One command under way.  The owner's, from control_ops.command until control_reply(). */
struct control_call {
        struct control_peer *peer; /* NULL: it has gone */
        struct sock_cred cred;
        int pidfd; /* -1: the kernel gave none */
        char verb[CONTROL_VERB_MAX + 1];
        struct buf args; /* a canonical object */
        void *data;      /* the owner's */
};

struct control_ops {
        /* Something is asked for.  c must be answered, at once or later. */
        void (*command)(void *ctx, struct control_call *c);
        /* Somebody was turned away. */
        void (*stranger)(void *ctx, const struct sock_cred *cred);
};

/* fd is a listening socket, taken over.  Peers of another user than uid are turned away. */
MUST_USE int control_new(struct loop *loop, int fd, uid_t uid, const struct control_ops *ops,
                         void *ctx, struct control **ret, struct err *err);
/* Calls that were not answered are lost: answer them first. */
struct control *control_free(struct control *c);
DEFINE_CLEANUP(struct control, control_free)

static inline struct json_value control_args(const struct control_call *c)
{
        return json_value_of(buf_span(&c->args));
}

/* A text member of the arguments, appended; -EINVAL names one that is missing, empty or longer than
 * ret takes. */
MUST_USE int control_get_text(const struct control_call *c, const char *key, struct buf *ret,
                              struct err *err);
/* A member true; false when it is absent. */
bool control_get_flag(const struct control_call *c, const char *key);

/* Before the answer.  Left out when the peer does not read. */
void control_part(struct control_call *c, struct span object);
/* The answer; c is gone then. */
void control_reply(struct control_call *c, struct span object);
void control_fail(struct control_call *c, int code, const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* msg.h - messages between a host's own processes, over unix seqpacket sockets.  Floor 1, pure.
 *
 * One packet is one message: a fixed header and a payload of typed fields, little-endian.
 *
 *   off len
 *    0   2  magic 0x5941 ("AY")
 *    2   1  version, 1
 *    3   1  type (enum msg_type)
 *    4   4  payload bytes; must equal the packet's length minus 8
 *    8   .  payload
 *
 *   HELLO    proc:u8-string  resume_run:u64 (0: new)            peer -> recorder, first message
 *   WELCOME  run:u64  last_seq:u64  max_inflight:u32  host:u8-string
 *   APPEND   acked:u64  count:u16  then count times:
 *              seq:u64  skeleton:u32-bytes  fields:u8  then fields times:
 *                subject:u16-bytes  name:u8-string  value:u32-bytes
 *              (one of a gateway's named MSG_FOR_WHOM may have a value of no bytes: it is no field
 *              of the entry, and its subject is the caller for whom that was made)
 *   ACK      count:u16  then count times: seq:u64  index:u64  n:u32
 *              (n entries from seq on got n indices from index on, durably: in this ledger, or
 *              in one that it succeeded, where they came to that)
 *   NAK      seq:u64  code:u32 (errno)  text:u16-bytes
 *              (the entry was refused; that fact took its place in the ledger)
 *   COMMAND  verb:u8-string  args:u32-bytes (canonical JSON object)   administrators only
 *   REPLY    code:u32 (0 or errno)  body:u32-bytes (canonical JSON object)
 *   STOPPED  code:u32 (errno, 0: go on)  text:u16-bytes   recorder -> peer: no entries now
 *   PART     body:u32-bytes (canonical JSON object)   before a REPLY: how far it is, or a part of
 *            what was asked for
 *   BEAT     (empty)   peer -> recorder: it lives.  Whoever sends one promises another within
 *            MSG_BEAT_S or a little more; any other message counts as well
 *   BYE      why:u8 (enum msg_bye)  pid:u32  uid:u32   peer -> recorder: it leaves, and which
 *            process of whom had asked for that (pid 0: not known)
 *
 * skeleton: a canonical object with k, t, v and whatever the kind has, without _sd, _subj, id and
 * src, which the recorder adds.  value: a canonical JSON value.  Each message must be consumed to
 * its last byte.
 *
 * SECURITY: the getters read bytes from less trusted processes. */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum {
        MSG_MAX = 192 * 1024, /* below the default socket buffer ceiling */
        MSG_HEADER = 8,
        MSG_FIELDS_MAX = 16, /* sensitive fields of one entry */
        MSG_ENTRIES_MAX = 1024,
};
#define MSG_FOR_WHOM "who.user"

enum msg_type {
        MSG_HELLO = 1,
        MSG_WELCOME,
        MSG_APPEND,
        MSG_ACK,
        MSG_NAK,
        MSG_COMMAND,
        MSG_REPLY,
        MSG_STOPPED,
        MSG_PART,
        MSG_BEAT,
        MSG_BYE,
        MSG_TYPE_END,
};

enum { MSG_BEAT_S = 10 };

enum msg_bye {
        MSG_BYE_STOP = 1, /* asked to */
        MSG_BYE_AGAIN,    /* to come back at once: a restart of its own */
};

/* Writing: begin, put fields, end (fills the length in).  Failures stick in the buf. */
size_t msg_begin(struct buf *b, enum msg_type type);
void msg_end(struct buf *b, size_t begun);
void msg_put_u8(struct buf *b, uint8_t v);
void msg_put_u16(struct buf *b, uint16_t v);
void msg_put_u32(struct buf *b, uint32_t v);
void msg_put_u64(struct buf *b, uint64_t v);
void msg_put_bytes8(struct buf *b, struct span s);
void msg_put_bytes16(struct buf *b, struct span s);
void msg_put_bytes32(struct buf *b, struct span s);

/* Reading: the first failure sticks in *err and every later get returns zero or empty. */
struct msg_reader {
        struct span rest;
        size_t offset; /* of rest in the message, for errors */
        struct err *err;
        bool failed;
};

/* Checks the header; *ret_type is one of enum msg_type.  -EBADMSG and what. */
MUST_USE int msg_open(struct span packet, struct msg_reader *ret, enum msg_type *ret_type,
                      struct err *err);
uint8_t msg_get_u8(struct msg_reader *r);
uint16_t msg_get_u16(struct msg_reader *r);
uint32_t msg_get_u32(struct msg_reader *r);
uint64_t msg_get_u64(struct msg_reader *r);
struct span msg_get_bytes8(struct msg_reader *r);
struct span msg_get_bytes16(struct msg_reader *r);
struct span msg_get_bytes32(struct msg_reader *r);
/* 0 when nothing failed and nothing is left over. */
MUST_USE int msg_close(struct msg_reader *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* runner.h - the process that starts the program of a command sink, as nobody.  Floor 3.
 *
 * It is forked before the uplink gives its rights away, for the filter of a sealed process goes on
 * in what it starts, and no program of others' lives with it.  It keeps no rights of its own: user
 * nobody, no capabilities, no new privileges.  What it is asked is one
 * packet; which program, it was told before.  An answer that comes when nobody waits for it any
 * more is known by its number and dropped: it is not the answer to what was asked since.
 *
 *   ask     off len
 *             0   8  number of the ask, least significant byte first
 *             8   .  bytes for standard input
 *   answer    0   8  number of the ask
 *             8   4  exit status, 256 + signal, or RUNNER_FAILED, least significant first
 *            12   .  what it said on standard error, cut, or why it could not be started */
#ifndef FLEET_RUNNER_H
#define FLEET_RUNNER_H

#include "base/base.h"
#include "base/err.h"
#include "fleet/message.h"
#include "wire/deliver_fact.h"

#define RUNNER_FAILED UINT32_MAX

enum {
        RUNNER_WORDS_MAX = 256,
        RUNNER_ASK_MAX = MESSAGE_JSON_MAX,
        RUNNER_PACKET_MAX = RUNNER_ASK_MAX + 8
};

/* Serve until the other end of the socket is closed; returns an exit status.  fd is its own. */
int runner_serve(const struct deliver_sink *config, int fd, bool keep_user);

/* Ask under a number not used before, and wait for the answer: up to timeout_s and some.
 * -EOWNERDEAD: the process has ended. */
MUST_USE int runner_ask(int fd, uint64_t number, struct span input, uint32_t timeout_s,
                        uint32_t *ret_status, char ret_words[RUNNER_WORDS_MAX + 1],
                        struct err *err);

#endif

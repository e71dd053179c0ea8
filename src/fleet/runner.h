/* SPDX-License-Identifier: Apache-2.0 */
/* runner.h - the process that starts the program of a command sink, as nobody.  Floor 3.
 *
 * It is forked before the uplink gives its rights away, for the filter of a sealed process goes on
 * in what it starts, and no program of others' lives with it.  It keeps no rights of its own: user
 * nobody, no capabilities, no new privileges.  What it is asked is one
 * packet with the bytes for standard input; which program, it was told before.
 *
 *   answer  off len
 *             0   4  exit status, 256 + signal, or RUNNER_FAILED, least significant first
 *             4   .  what it said on standard error, cut, or why it could not be started */
#ifndef FLEET_RUNNER_H
#define FLEET_RUNNER_H

#include "base/base.h"
#include "base/err.h"
#include "fleet/message.h"
#include "wire/deliver_fact.h"

#define RUNNER_FAILED UINT32_MAX

enum { RUNNER_WORDS_MAX = 256, RUNNER_ASK_MAX = MESSAGE_JSON_MAX };

/* Serve until the other end of the socket is closed; returns an exit status.  fd is its own. */
int runner_serve(const struct deliver_sink *config, int fd, bool keep_user);

/* Ask, and wait for the answer: up to timeout_s and some. */
MUST_USE int runner_ask(int fd, struct span input, uint32_t timeout_s, uint32_t *ret_status,
                        char ret_words[RUNNER_WORDS_MAX + 1], struct err *err);

#endif

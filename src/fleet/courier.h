/* SPDX-License-Identifier: Apache-2.0 */
/* courier.h - the process that serves one sink: reads the ledger, delivers, keeps the cursor.
 * Floor 3, a child of assay-uplink.
 *
 *          entry for it, time has come           accepted
 *   UNTRIED ----------------------> (delivers) ------------> UP
 *                                       |  ^                 |
 *                                  fails|  |back-off over    |fails
 *                                       v  |                 |
 *                                      DOWN <----------------'
 *
 * One process each, so that a sink that hangs or is down holds nothing up but itself, and whoever
 * takes one over by what a server answers has neither the other sinks nor the recorder.
 *
 * With the uplink it speaks in packets over its socket, each a canonical JSON object:
 *   {"sink":{...}}                                how it fares, for the status file
 *   {"id":3,"kind":"alert.sink_down","what":{...}} to be told in the ledger
 * and hears 8 bytes, the id of what is durable there. */
#ifndef FLEET_COURIER_H
#define FLEET_COURIER_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "wire/deliver_fact.h"

#include <sys/types.h>

enum { COURIER_PACKET_MAX = 16 * 1024 };

struct courier_options {
        const struct deliver_sink *config;
        const char *host;
        const char *state; /* the state directory: ledgers */
        const char *own;   /* <state>/uplink/<sink>: its cursor */
        int control;       /* to the uplink; becomes the courier's */
        int runner;        /* to its runner, or -1; the same */
        uid_t as;          /* 0: the user of the role */
        gid_t group;       /* who may read the ledger; 0: anybody */
        bool keep_user;
        const struct clock *clock;
};

/* Until the uplink closes the socket: 0.  Else an exit status; it has been said in the log. */
int courier_run(const struct courier_options *o);

#endif

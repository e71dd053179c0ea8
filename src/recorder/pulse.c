/* SPDX-License-Identifier: Apache-2.0 */
/* pulse.c - what the recorder looks at now and then: both clocks, and whether a heartbeat is due.
 *
 * The monotonic clock goes on while the machine is suspended, as the wall clock does: a suspend is
 * no jump, and makes the next heartbeat late. */
#include "recorder/recorder_priv.h"

enum {
        HEARTBEAT_S = 15 * 60,
        LOOK_S = 5,
        CLOCK_JUMP_MS = 1000,
};

void pulse_start(struct recorder *r)
{
        r->started_ns = r->beat_ns = r->status_ns = clock_mono(r->clock);
        r->seen_mono_ns = r->started_ns;
        r->seen_wall_ns = clock_wall(r->clock);
}

/* The wall clock against the monotonic one since the last look. */
static void watch_clock(struct recorder *r, int64_t mono)
{
        int64_t wall = clock_wall(r->clock);
        int64_t jump = wall - (r->seen_wall_ns + (mono - r->seen_mono_ns));

        r->status_ns = mono;
        if ((jump > CLOCK_JUMP_MS * NS_PER_MS || jump < -CLOCK_JUMP_MS * NS_PER_MS) &&
            own_clock(r, jump, wall) < 0)
                return;
        r->seen_wall_ns = wall;
        r->seen_mono_ns = mono;
}

bool pulse_look(struct recorder *r)
{
        int64_t now = clock_mono(r->clock);

        if (now - r->status_ns < LOOK_S * NS_PER_S)
                return false;
        watch_clock(r, now);
        return true;
}

void pulse_beat(struct recorder *r)
{
        int64_t now = clock_mono(r->clock);

        if (now - r->beat_ns < HEARTBEAT_S * NS_PER_S)
                return;
        watch_clock(r, now); /* a verifier holds its time against the last one's */
        own_heartbeat(r);
}

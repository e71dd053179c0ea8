/* SPDX-License-Identifier: Apache-2.0 */
/* jobframe.h - what a job says to its parent.  Floor 2, pure.
 *
 * One packet of a seqpacket socket is one frame:
 *
 *   off len
 *    0   1  type: 1 fact, 2 end, 3 failed
 *    1   .  fact: one canonical JSON object (wire/json.h)
 *           end: number of facts sent, 4 bytes, least significant first; exactly once and last
 *           failed: why, in words; last
 *
 * SECURITY: the parent may hold privileges and a job may be in the hands of whoever wrote its
 * input; this is all a parent ever parses of a foreign format. */
#ifndef LOOP_JOBFRAME_H
#define LOOP_JOBFRAME_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum { JOB_FRAME_MAX = 64 * 1024, JOB_FAILED_TEXT_MAX = 256 };

enum job_frame_type { JOB_FRAME_FACT = 1, JOB_FRAME_END, JOB_FRAME_FAILED };

struct job_frame {
        enum job_frame_type type;
        struct span fact; /* borrowed, checked canonical JSON */
        uint32_t count;
        struct span text; /* borrowed, any bytes */
};

/* -EBADMSG and what. */
MUST_USE int job_frame_parse(struct span packet, struct job_frame *ret, struct err *err);

/* Each puts one whole frame into an empty buf. */
void job_frame_put_fact(struct buf *b, struct span json);
void job_frame_put_end(struct buf *b, uint32_t count);
void job_frame_put_failed(struct buf *b, const char *text); /* cut at JOB_FAILED_TEXT_MAX */

#endif

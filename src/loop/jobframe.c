/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/jobframe.h"

#include "wire/json.h"

enum { END_SIZE = 5 };

static int parse_fact(struct span body, struct job_frame *ret, struct err *err)
{
        int r = json_check(body, err);

        if (r < 0) {
                err_wrap(err, "job: fact");
                return -EBADMSG;
        }
        ret->fact = body;
        return 0;
}

int job_frame_parse(struct span packet, struct job_frame *ret, struct err *err)
{
        struct job_frame f = { 0 };
        struct span body = span_from(packet, 1);
        int r = 0;

        if (packet.n == 0 || packet.n > JOB_FRAME_MAX)
                return err_set(err, -EBADMSG, "job: frame of %zu bytes", packet.n);
        switch (packet.p[0]) {
        case JOB_FRAME_FACT:
                r = parse_fact(body, &f, err);
                break;
        case JOB_FRAME_END:
                if (packet.n != END_SIZE)
                        return err_set(err, -EBADMSG, "job: end of %zu bytes", packet.n);
                for (int i = 3; i >= 0; i--)
                        f.count = f.count << 8 | body.p[i];
                break;
        case JOB_FRAME_FAILED:
                if (body.n > JOB_FAILED_TEXT_MAX)
                        return err_set(err, -EBADMSG, "job: %zu bytes of words", body.n);
                f.text = body;
                break;
        default:
                return err_set(err, -EBADMSG, "job: frame of type %u", packet.p[0]);
        }
        if (r < 0)
                return r;
        f.type = (enum job_frame_type)packet.p[0];
        *ret = f;
        return 0;
}

void job_frame_put_fact(struct buf *b, struct span json)
{
        buf_put_byte(b, JOB_FRAME_FACT);
        buf_put(b, json);
}

void job_frame_put_end(struct buf *b, uint32_t count)
{
        buf_put_byte(b, JOB_FRAME_END);
        for (int i = 0; i < 4; i++)
                buf_put_byte(b, (uint8_t)(count >> 8 * i));
}

void job_frame_put_failed(struct buf *b, const char *text)
{
        struct span s = span_str(text);

        buf_put_byte(b, JOB_FRAME_FAILED);
        buf_put(b, span_of(s.p, MIN_OF(s.n, (size_t)JOB_FAILED_TEXT_MAX)));
}

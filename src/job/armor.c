/* SPDX-License-Identifier: Apache-2.0 */
#include "job/armor.h"

#include "base/text.h"
#include "job/job.h"

enum { CRC_INIT = 0xb704ce, CRC_POLY = 0x1864cfb, CRC_LEN = 3, BINARY = 0x80 };

static const char begin_line[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
static const char end_line[] = "-----END PGP PUBLIC KEY BLOCK-----";

static uint32_t crc24(struct span s)
{
        uint32_t crc = CRC_INIT;

        for (size_t i = 0; i < s.n; i++) {
                crc ^= (uint32_t)s.p[i] << 16;
                for (int bit = 0; bit < 8; bit++) {
                        crc <<= 1;
                        if (crc & 0x1000000)
                                crc ^= CRC_POLY;
                }
        }
        return crc & 0xffffff;
}

static struct span trim_end(struct span s)
{
        while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
                s.n--;
        return s;
}

static int decode(struct span base64, struct span check, struct buf *out, struct err *err)
{
        size_t room = base64.n / 4 * 3, n, start = out->n;
        uint8_t sum[CRC_LEN];
        uint8_t *p = buf_extend(out, room);

        if (!p)
                return err_sys(err, buf_status(out), "keys");
        if (text_from_base64(base64, p, room, &n) < 0) {
                out->n = start;
                return err_set(err, -EBADMSG, "keys: a block is no base64");
        }
        out->n = start + n;
        if (check.n == 0)
                return 0;
        if (text_from_base64(check, sum, sizeof sum, &n) < 0 || n != CRC_LEN ||
            crc24(span_of(p, out->n - start)) !=
                    ((uint32_t)sum[0] << 16 | (uint32_t)sum[1] << 8 | sum[2])) {
                out->n = start;
                return err_set(err, -EBADMSG, "keys: a block's checksum does not hold");
        }
        return 0;
}

/* What stands between the two lines; *rest is behind them afterwards. */
static int take_block(struct span *rest, struct buf *base64, struct buf *out, struct err *err)
{
        struct span line, check = SPAN_NONE;
        bool body = false;

        buf_clear(base64);
        while (job_cut(rest, '\n', &line)) {
                line = trim_end(line);
                if (span_eq_str(line, end_line))
                        return buf_status(base64) < 0 ? err_sys(err, buf_status(base64), "keys")
                                                      : decode(buf_span(base64), check, out, err);
                if (!body) /* headers, up to an empty line */
                        body = line.n == 0;
                else if (line.n > 0 && line.p[0] == '=')
                        check = span_from(line, 1);
                else
                        buf_put(base64, line);
        }
        return err_set(err, -EBADMSG, "keys: a block has no end");
}

int armor_put_keys(struct span s, struct buf *out, struct err *err)
{
        CLEANUP(buf_done) struct buf base64 = BUF_INIT(s.n);
        unsigned blocks = 0;
        struct span line;
        int r;

        if (s.n == 0)
                return 0;
        if (s.p[0] & BINARY) {
                buf_put(out, s);
                return buf_status(out) < 0 ? err_sys(err, buf_status(out), "keys") : 0;
        }
        while (job_cut(&s, '\n', &line)) {
                if (!span_eq_str(trim_end(line), begin_line))
                        continue;
                r = take_block(&s, &base64, out, err);
                if (r < 0)
                        return r;
                blocks++;
        }
        return blocks ? 0 : err_set(err, -EBADMSG, "keys: neither packets nor a block of them");
}

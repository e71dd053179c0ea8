/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tlogproof.h"

#include "base/text.h"
#include "wire/note.h"

static const struct span first_line = SPAN_INIT("c2sp.org/tlog-proof@v1");
static const struct span extra_word = SPAN_INIT("extra ");
static const struct span index_word = SPAN_INIT("index ");

/* Where the parser stands. */
struct lines {
        struct span rest;
        size_t n; /* lines taken */
};

static bool next_line(struct lines *l, struct span *ret)
{
        const uint8_t *nl = l->rest.n ? memchr(l->rest.p, '\n', l->rest.n) : NULL;

        if (!nl)
                return false;
        *ret = span_of(l->rest.p, (size_t)(nl - l->rest.p));
        l->rest = span_from(l->rest, ret->n + 1);
        l->n++;
        return true;
}

static int bad(const struct lines *l, struct err *err, const char *what)
{
        return err_set(err, -EBADMSG, "proof line %zu: %s", l->n, what);
}

static int parse_extra(struct lines *l, struct span *line, struct buf *extra, struct tlog_proof *p,
                       struct err *err)
{
        struct span b64 = span_from(*line, extra_word.n);
        uint8_t *at;
        size_t n;

        if (b64.n > text_base64_len(TLOG_PROOF_EXTRA_MAX))
                return bad(l, err, "extra is too long");
        at = buf_extend(extra, b64.n / 4 * 3);
        if (!at && buf_status(extra))
                return err_set(err, buf_status(extra), "proof: no memory for extra");
        if (text_from_base64(b64, at, extra->n, &n))
                return bad(l, err, "extra is not strict base64");
        extra->n = n;
        p->has_extra = true;
        p->extra = buf_span(extra);
        return next_line(l, line) ? 0 : bad(l, err, "the file ends here");
}

static int parse_hashes(struct lines *l, struct tlog_proof *p, struct err *err)
{
        struct span line;
        size_t n;

        for (;;) {
                if (!next_line(l, &line))
                        return bad(l, err, "no blank line after the hashes");
                if (line.n == 0)
                        return 0;
                if (p->n == PROOF_MAX)
                        return bad(l, err, "more hashes than any tree has levels");
                if (text_from_base64(line, p->hash[p->n].b, HASH_LEN, &n) || n != HASH_LEN)
                        return bad(l, err, "not strict base64 of 32 bytes");
                p->n++;
        }
}

int tlog_proof_parse(struct span s, struct buf *extra, struct tlog_proof *ret, struct err *err)
{
        struct lines l = { .rest = s };
        struct tlog_proof p = { 0 };
        struct span line;
        int r;

        buf_clear(extra);
        if (s.n > TLOG_PROOF_MAX)
                return err_set(err, -EBADMSG, "proof: %zu bytes, at most %d are read", s.n,
                               TLOG_PROOF_MAX);
        if (!next_line(&l, &line) || !span_eq(line, first_line))
                return err_set(err, -EBADMSG, "proof line 1: not c2sp.org/tlog-proof@v1");
        if (!next_line(&l, &line))
                return bad(&l, err, "the file ends here");
        if (span_starts(line, extra_word)) {
                r = parse_extra(&l, &line, extra, &p, err);
                if (r)
                        return r;
        }
        if (!span_starts(line, index_word) || text_to_u64(span_from(line, index_word.n), &p.index))
                return bad(&l, err, "not \"index <number>\"");
        r = parse_hashes(&l, &p, err);
        if (r)
                return r;
        if (l.rest.n == 0 || l.rest.n > NOTE_MAX)
                return bad(&l, err, "no checkpoint of a sensible length follows");
        p.checkpoint = l.rest;
        *ret = p;
        return 0;
}

void tlog_proof_put(struct buf *out, const struct tlog_proof *p)
{
        buf_put(out, first_line);
        buf_put_byte(out, '\n');
        if (p->has_extra) {
                buf_put(out, extra_word);
                text_put_base64(out, p->extra);
                buf_put_byte(out, '\n');
        }
        buf_printf(out, "index %llu\n", (unsigned long long)p->index);
        for (size_t i = 0; i < p->n; i++) {
                text_put_base64(out, span_of(p->hash[i].b, HASH_LEN));
                buf_put_byte(out, '\n');
        }
        buf_put_byte(out, '\n');
        buf_put(out, p->checkpoint);
}

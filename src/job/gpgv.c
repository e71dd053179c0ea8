/* SPDX-License-Identifier: Apache-2.0 */
#include "job/gpgv.h"

#include "base/text.h"
#include "job/deb822.h"
#include "job/job.h"

static const char prefix[] = "[GNUPG:] ";

enum { HASH_MD5 = 1, HASH_SHA1 = 2, HASH_RIPEMD160 = 3 };
enum { REASON_KEY_TYPE = 4, REASON_HASH = 5, REASON_NO_KEY = 9 };
enum { WORDS_MAX = 12 };

static bool is_key(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'A' && s.p[i] <= 'F'))
                        return false;
        return s.n >= 8 && s.n <= SIGNATURE_KEY_MAX;
}

static bool copy_key(struct span s, char out[SIGNATURE_KEY_MAX + 1])
{
        if (!is_key(s))
                return false;
        memcpy(out, s.p, s.n);
        out[s.n] = '\0';
        return true;
}

/* ---- lines about one signature: words[0] is the keyword ---- */

/* A keyword with the key that was used. */
static bool take_known(struct signature *s, const struct span *words, size_t n)
{
        static const struct {
                const char *word;
                enum signature_status status;
        } known[] = {
                { "GOODSIG", SIGNATURE_GOOD },
                { "EXPSIG", SIGNATURE_EXPIRED },
                { "EXPKEYSIG", SIGNATURE_KEY_EXPIRED },
                { "REVKEYSIG", SIGNATURE_KEY_REVOKED },
                { "BADSIG", SIGNATURE_BAD },
        };

        for (size_t i = 0; i < ARRAY_LEN(known); i++)
                if (span_eq_str(words[0], known[i].word)) {
                        s->status = known[i].status;
                        return n >= 2 && copy_key(words[1], s->key);
                }
        return true;
}

static bool take_error(struct signature *s, const struct span *words, size_t n)
{
        uint64_t reason;

        if (n < 7 || text_to_u64(words[6], &reason) < 0)
                return false;
        s->status = reason == REASON_NO_KEY                              ? SIGNATURE_NO_KEY
                    : reason == REASON_KEY_TYPE || reason == REASON_HASH ? SIGNATURE_WEAK
                                                                         : SIGNATURE_BAD;
        return copy_key(n > 7 && is_key(words[7]) ? words[7] : words[1], s->key);
}

static bool take_valid(struct signature *s, const struct span *words, size_t n)
{
        uint64_t hash, time;

        if (n < 11 || text_to_u64(words[8], &hash) < 0 || text_to_u64(words[3], &time) < 0 ||
            time > JSON_INT_MAX)
                return false;
        if (s->status == SIGNATURE_GOOD &&
            (hash == HASH_MD5 || hash == HASH_SHA1 || hash == HASH_RIPEMD160))
                s->status = SIGNATURE_WEAK;
        s->time = (int64_t)time;
        return copy_key(words[1], s->key) && copy_key(words[10], s->fingerprint);
}

static bool take_words(struct gpgv_status *g, const struct span *words, size_t n)
{
        struct signature *s = g->n ? &g->sig[g->n - 1] : NULL;

        if (span_eq_str(words[0], "PLAINTEXT"))
                g->texts++;
        if (span_eq_str(words[0], "ERROR"))
                g->error = true;
        if (span_eq_str(words[0], "NEWSIG")) {
                if (g->n == GPGV_SIGS_MAX)
                        return false;
                g->sig[g->n++] = (struct signature){ .status = SIGNATURE_BAD };
                return true;
        }
        if (span_eq_str(words[0], "ERRSIG"))
                return s && take_error(s, words, n);
        if (span_eq_str(words[0], "VALIDSIG"))
                return s && take_valid(s, words, n);
        return s ? take_known(s, words, n) : true;
}

int gpgv_parse(struct span status, struct gpgv_status *ret, struct err *err)
{
        struct span line, words[WORDS_MAX];
        struct gpgv_status g = { 0 };
        unsigned number = 0;

        while (job_cut(&status, '\n', &line)) {
                size_t n = 0;

                number++;
                if (!span_starts(line, SPAN(prefix)))
                        return err_set(err, -EBADMSG, "gpgv: line %u is no status", number);
                line = span_from(line, sizeof prefix - 1);
                while (n < WORDS_MAX && deb822_word(&line, &words[n]))
                        n++;
                if (n > 0 && !take_words(&g, words, n))
                        return err_set(err, -EBADMSG, "gpgv: line %u is not understood", number);
        }
        *ret = g;
        return 0;
}

/* A good one without the fingerprint that VALIDSIG gives is none. */
static bool is_good(const struct signature *s)
{
        return s->status == SIGNATURE_GOOD && s->fingerprint[0];
}

enum signature_status gpgv_judge(const struct gpgv_status *g)
{
        /* the first of these that there is, says most about what to do */
        static const enum signature_status rest[] = {
                SIGNATURE_WEAK,        SIGNATURE_EXPIRED, SIGNATURE_KEY_EXPIRED,
                SIGNATURE_KEY_REVOKED, SIGNATURE_NO_KEY,
        };

        if (g->error)
                return SIGNATURE_BAD;
        for (size_t i = 0; i < g->n; i++)
                if (g->sig[i].status == SIGNATURE_BAD)
                        return SIGNATURE_BAD;
        for (size_t i = 0; i < g->n; i++)
                if (is_good(&g->sig[i]))
                        return SIGNATURE_GOOD;
        for (size_t k = 0; k < ARRAY_LEN(rest); k++)
                for (size_t i = 0; i < g->n; i++)
                        if (g->sig[i].status == rest[k])
                                return rest[k];
        return g->n ? SIGNATURE_BAD : SIGNATURE_NONE;
}

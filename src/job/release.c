/* SPDX-License-Identifier: Apache-2.0 */
/* Release, line by line. */
#include "job/release.h"

#include "base/clock.h"
#include "base/text.h"
#include "state/reading/fields.h"

#include <stdio.h>

/* ---- dates ---- */

bool release_parse_date(struct span s, int64_t *ret)
{
        int64_t ns;

        if (!field_date(s, &ns))
                return false;
        *ret = ns / NS_PER_S;
        return true;
}

/* ---- hashes ---- */

static void keep_hash(uint8_t list[][SHA256_LEN], unsigned *n, const uint8_t hash[SHA256_LEN])
{
        if (*n < RELEASE_HASHES_MAX)
                memcpy(list[(*n)++], hash, SHA256_LEN);
}

/* "<hash> <size> <path>": is it about our index? */
static int take_hash(struct release *r, const struct deb822_line *l, struct err *err)
{
        struct span rest = l->text, hex, size, path, index = span_str(r->index);
        uint8_t hash[SHA256_LEN];

        if (l->text.n == 0) /* the field's own line */
                return 0;
        if (l->cut || !deb822_word(&rest, &hex) || !deb822_word(&rest, &size) ||
            !deb822_word(&rest, &path) || deb822_trim(rest).n > 0 ||
            text_from_hex(hex, hash, sizeof hash) < 0)
                return err_set(err, -EBADMSG, "Release: line %llu is no SHA-256 of a file",
                               (unsigned long long)l->number);
        if (!span_starts(path, index))
                return 0;
        path = span_from(path, index.n);
        if (path.n == 0)
                keep_hash(r->plain, &r->n_plain, hash);
        else if (span_eq_str(path, r->suffix))
                keep_hash(r->packed, &r->n_packed, hash);
        return 0;
}

static bool has_hash(const uint8_t list[][SHA256_LEN], unsigned n, const uint8_t hash[SHA256_LEN])
{
        for (unsigned i = 0; i < n; i++)
                if (memcmp(list[i], hash, SHA256_LEN) == 0)
                        return true;
        return false;
}

bool release_lists(const struct release *r, const uint8_t plain[SHA256_LEN],
                   const uint8_t packed[SHA256_LEN])
{
        return has_hash(r->plain, r->n_plain, plain) || has_hash(r->packed, r->n_packed, packed);
}

/* ---- fields ---- */

static void take_name(const struct deb822_line *l, char out[RELEASE_NAME_MAX + 1])
{
        if (l->text.n > RELEASE_NAME_MAX || memchr(l->text.p, '\0', l->text.n))
                return;
        memcpy(out, l->text.p, l->text.n);
        out[l->text.n] = '\0';
}

static int on_line(void *ctx, const struct deb822_line *l, struct err *err)
{
        struct release *r = ctx;
        int64_t t;

        if (deb822_is(l->field, "SHA256"))
                return take_hash(r, l, err);
        if (l->more)
                return 0;
        if (deb822_is(l->field, "Suite"))
                take_name(l, r->fact.suite);
        else if (deb822_is(l->field, "Codename"))
                take_name(l, r->fact.codename);
        else if (deb822_is(l->field, "Date") && release_parse_date(l->text, &t))
                r->fact.date = t;
        else if (deb822_is(l->field, "Valid-Until") && release_parse_date(l->text, &t))
                r->fact.valid_until = t;
        return 0;
}

static int on_end(void *ctx, struct err *err)
{
        struct release *r = ctx;

        if (r->paragraphs++ > 0)
                return err_set(err, -EBADMSG, "Release: more than one paragraph");
        return 0;
}

void release_init(struct release *r, const char *index, const char *suffix)
{
        *r = (struct release){ .index = index,
                               .suffix = suffix,
                               .fact = { .kind = RELEASE_FACT_RELEASE } };
        deb822_init(&r->text, on_line, on_end, r);
}

void release_done(struct release *r)
{
        deb822_done(&r->text);
}

int release_feed(struct release *r, struct span bytes, struct err *err)
{
        return deb822_feed(&r->text, bytes, err);
}

int release_finish(struct release *r, struct err *err)
{
        return deb822_finish(&r->text, err);
}

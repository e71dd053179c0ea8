/* SPDX-License-Identifier: Apache-2.0 */
/* trust_chain.c - see trust_chain.h. */
#include "command/verify/trust_chain.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "sys/names.h"
#include "wire/entry.h"
#include "wire/json.h"

static const char prefix[] = "ledger.";

void trust_chain_done(struct trust_chain *c)
{
        reader_done(&c->reader);
        c->reader = (struct reader){ 0 };
}

static int take_key(struct trust_chain *c, const char *dir, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_MAX);
        int rc = ledger_put_vkey(dir, &text, err);

        return rc < 0 ? rc : note_vkey_parse(buf_span(&text), &c->key, err);
}

int trust_chain_open(const struct invocation *in, bool must_be_signed, struct trust_chain *c,
                     struct err *err)
{
        char dir[PLACES_PATH_MAX];
        int rc = places_ledger(in, dir, err);

        if (rc < 0)
                return rc;
        *c = (struct trust_chain){ .in = in };
        rc = take_key(c, dir, err);
        c->is_signed = rc == 0;
        if (rc < 0 && must_be_signed)
                return rc;
        return c->is_signed ? reader_open_any(dir, &c->key, &c->reader, err)
                            : reader_open(dir, &c->reader, err);
}

/* The first entry of a ledger: which one does it say was before? */
static void take_first(struct trust_chain *c, struct span bytes)
{
        struct json_value v;
        struct entry parsed;
        struct span text;

        if (json_check(bytes, NULL) == 0 && entry_parse(bytes, &parsed, NULL) == 0 &&
            span_eq_str(parsed.kind, "ledger.opened") &&
            json_get_path(parsed.object, "what.previous_root", &v) && json_value_plain(v, &text) &&
            text.n == 2 * HASH_LEN)
                memcpy(c->before, text.p, text.n);
}

int trust_chain_entry(struct trust_chain *c, uint64_t index, struct span *ret, struct err *err)
{
        int rc = reader_bind(&c->reader, index, err);

        if (rc == 0)
                rc = reader_entry(&c->reader, index, ret, err);
        if (rc == 0 && index == 0)
                take_first(c, *ret);
        return rc;
}

/* ---- the one before ---- */

struct finding {
        const struct trust_chain *c;
        struct reader found;
};

static bool is_ledger(const char *name)
{
        size_t n = sizeof prefix - 1;

        return strncmp(name, prefix, n) == 0 && name[n] != '\0' &&
               name[n + strspn(name + n, "0123456789")] == '\0';
}

/* 1: it is this one. */
static int look_at(void *ctx, int dirfd, const char *name)
{
        struct finding *f = ctx;
        char dir[PLACES_PATH_MAX], root[2 * HASH_LEN + 1];
        CLEANUP(reader_done) struct reader r = { 0 };

        (void)dirfd;
        if (!is_ledger(name) || places_join(f->c->in->state, name, dir, NULL) < 0 ||
            reader_open(dir, &r, NULL) < 0)
                return 0; /* what cannot be read is not here */
        text_hex(span_of(r.checkpoint.root.b, HASH_LEN), root);
        if (strcmp(root, f->c->before) != 0)
                return 0;
        f->found = r;
        r = (struct reader){ 0 };
        return 1;
}

int trust_chain_before(struct trust_chain *c, struct err *err)
{
        struct finding f = { .c = c };
        int rc;

        if (!c->before[0])
                return 0;
        rc = names_each(AT_FDCWD, c->in->state, look_at, &f);
        if (rc < 0)
                return err_sys(err, rc, "%s", c->in->state);
        if (rc == 0)
                return 0;
        reader_done(&c->reader);
        c->reader = f.found;
        c->before[0] = '\0';
        c->depth++;
        return 1;
}

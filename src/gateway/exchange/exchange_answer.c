/* SPDX-License-Identifier: Apache-2.0 */
/* exchange_answer.c - what a back-end said: checked, and each class of data in it asked about.
 * Floor 3. */
#include "gateway/exchange/exchange_priv.h"

static int make_read_context(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        struct err err = { 0 };
        int rc;

        if (!p->route.operation->n_reads)
                return 0;
        rc = call_read_context(x->package, &p->call, &p->asker.context, &p->asker.object, &x->arena,
                               &p->asker.read_context, &err);
        assert(rc == 0 || rc == -ENOMEM); /* the object is of the operation's own type */
        return rc;
}

static enum mask_answer ask_class(void *ctx, uint32_t class)
{
        const struct exchange *x = ctx;
        const struct exchange_private *p = x->priv;
        const size_t at = (size_t)(p->route.operation - x->package->api->operations);
        const struct cedar_uid *about = &p->api->ask.classes[class];
        struct cedar_answer a;

        if (!p->route.operation->n_reads)
                return MASK_WITHHELD; /* no question was derived for it */
        if (exchange_ask(x, &p->api->ask.reads[at], about, &p->asker.read_context, &a))
                return MASK_CLEAR;
        if (exchange_ask(x, &p->api->ask.masked[at], about, &p->asker.read_context, &a))
                return MASK_MASKED;
        return MASK_WITHHELD;
}

int exchange_check_answer(struct exchange *x, const struct answer_raw *raw)
{
        struct exchange_private *p = x->priv;
        const struct answer_asker asker = { .ask = ask_class,
                                            .ctx = x,
                                            .hash_key = p->gateway->hash_key };
        int rc;

        x->arena.max += (size_t)EXCHANGE_BYTES_PER_BYTE * x->answer_max;
        rc = make_read_context(x);
        if (rc < 0)
                return rc;
        return answer_check(x->package, p->route.operation, raw, &asker, &x->arena, &p->answer,
                            &p->refusal);
}

/* Whoever keeps an answer shows it again, and nobody records who reads it then: no proxy in front
 * may, and no browser.  What the back-end says of it is passed on where the document has that. */
int exchange_show_answer(struct exchange *x)
{
        static const struct http_header no_store = { SPAN_INIT("cache-control"),
                                                     SPAN_INIT("no-store") };
        const struct answer *a = &x->priv->answer;
        struct http_header *headers = arena_alloc(&x->arena, (a->n_headers + 1) * sizeof *headers);
        bool said = false;
        uint32_t n = 0;

        if (!headers)
                return -ENOMEM;
        for (; n < a->n_headers; n++) {
                headers[n] = a->headers[n];
                said = said || http_is_word(headers[n].name, "cache-control");
        }
        if (!said)
                headers[n++] = no_store;
        x->priv->reply = (struct reply){
                .status = a->status, .headers = headers, .n_headers = n, .body = a->body
        };
        return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - see serve.h.
 *
 *   begin --> READ --> RECORD --> CALL --> RECORD --> ANSWER      the steps are the exchange's
 *
 * Each step ends in the loop: the request waits for its body (client_body_timeout, for all of it),
 * the journal (JOURNAL_WAIT_MS) or the back-end (its timeouts).  A caller who goes in the meantime
 * changes nothing: what was asked is recorded with what came of it. */
#include "nginx/serve.h"

#include "nginx/asking.h"
#include "nginx/incoming.h"
#include "nginx/worker.h"

struct visit {
        ngx_http_request_t *r;
        struct worker *worker;
        struct request_raw raw;
        struct exchange *x;
        struct backends *backends; /* of the generation it began with */
        struct keyring_tokens *tokens;
        struct journal_waiter waiter;
        struct incoming_text text;
        struct incoming_body body;
        ngx_event_t late; /* a timer: all of the body has to be there */
        struct asking *asking;
        enum exchange_step step;
        int64_t recording_ns; /* since when it waits for the recorder */
};

static void take_step(struct visit *v, enum exchange_step step);

/* ---- the answer ---- */

/* Headers that nginx would add are not there twice. */
static bool put_header(ngx_http_request_t *r, const struct http_header *h)
{
        ngx_table_elt_t *e;

        if (http_is_word(h->name, "content-type")) {
                r->headers_out.content_type = settings_string(h->value);
                r->headers_out.content_type_len = h->value.n;
                return true;
        }
        e = ngx_list_push(&r->headers_out.headers);
        if (!e)
                return false;
        *e = (ngx_table_elt_t){ .hash = 1,
                                .key = settings_string(h->name),
                                .value = settings_string(h->value) };
        if (http_is_word(h->name, "server"))
                r->headers_out.server = e;
        else if (http_is_word(h->name, "date"))
                r->headers_out.date = e;
        return true;
}

static ngx_int_t send_body(ngx_http_request_t *r, struct span body)
{
        ngx_buf_t *b = ngx_calloc_buf(r->pool);
        ngx_chain_t out = { .buf = b };

        if (!b)
                return NGX_ERROR;
        b->start = b->pos = (u_char *)(uintptr_t)body.p;
        b->end = b->last = (u_char *)(uintptr_t)body.p + body.n;
        b->memory = body.n > 0;
        b->last_buf = 1;
        b->last_in_chain = 1;
        return ngx_http_output_filter(r, &out);
}

static ngx_int_t send_reply(ngx_http_request_t *r, const struct reply *reply)
{
        ngx_int_t rc;

        if (reply->close || (!r->request_body && ngx_http_discard_request_body(r) != NGX_OK))
                r->keepalive = 0;
        r->disable_not_modified = 1; /* what was done and recorded was not done on a condition */
        r->headers_out.status = reply->status;
        r->headers_out.content_length_n = (off_t)reply->body.n;
        for (uint32_t i = 0; i < reply->n_headers; i++)
                if (!put_header(r, &reply->headers[i]))
                        return NGX_ERROR;
        rc = ngx_http_send_header(r);
        if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
                return rc;
        return send_body(r, reply->body);
}

/* ---- steps ---- */

/* Nobody waits for it. */
static void tell_afterwards(struct visit *v)
{
        if (v->x->afterwards.n > 0)
                journal_tell(v->worker->journal, &v->x->afterwards);
}

static void on_recorded(struct journal_waiter *w, enum record_fate fate)
{
        struct visit *v = CONTAINER_OF(w, struct visit, waiter);
        ngx_connection_t *connection = v->r->connection;
        int64_t now_ns = worker_now_ns();
        enum exchange_step step;

        meters_waited(v->worker->lane, now_ns - v->recording_ns);
        if (fate == RECORD_DONE) {
                step = exchange_recorded(v->x, now_ns);
        } else if (fate == RECORD_PARTLY && w->limited && exchange_is_intent(v->x)) {
                step = exchange_limited(v->x, now_ns);
        } else {
                step = exchange_unrecorded(v->x, fate, now_ns);
                tell_afterwards(v);
        }
        take_step(v, step);
        ngx_http_run_posted_requests(connection);
}

static void record(struct visit *v)
{
        v->waiter.records = &v->x->records;
        v->waiter.done = on_recorded;
        v->waiter.patient = v->x->asked;
        v->recording_ns = worker_now_ns();
        journal_put(v->worker->journal, &v->waiter);
}

static void on_answered(void *ctx, const struct asking_end *end)
{
        struct visit *v = ctx;

        take_step(v, end->fault == REFUSED_NOT
                             ? exchange_answered(v->x, &end->answer, worker_now_ns())
                             : exchange_refuse(v->x, end->fault, end->text, worker_now_ns()));
}

/* The end may come before asking_new() returns, and with it the request's. */
static void ask(struct visit *v)
{
        ngx_http_request_t *r = v->r;
        struct asking_what what = {
                .backend = backend_hold(v->backends, v->x->package),
                .outgoing = &v->x->outgoing,
                .answer_max = v->x->answer_max,
                .done = on_answered,
                .ctx = v,
        };

        r->main->count++;
        v->asking = asking_new(r, &what);
        if (!v->asking) {
                backend_let_go(what.backend);
                take_step(v, exchange_refuse(v->x, REFUSED_BUSY, "no memory to ask the backend",
                                             worker_now_ns()));
        }
        ngx_http_finalize_request(r, NGX_DONE);
}

/* Why the body did not come, for the entry. */
static const struct body_fault {
        int code;
        enum refusal_reason reason;
        const char *text;
} body_faults[] = {
        { -EFBIG, REFUSED_SIZE, "the body is above caps.request" },
        { -ENOMEM, REFUSED_BUSY, "no memory for the body" },
        { -EPIPE, REFUSED_BODY, "the caller left before the body was there" },
        { -ETIMEDOUT, REFUSED_BODY, "the body did not come in time" },
        { -EBADMSG, REFUSED_BODY, "the body is malformed" },
};

static void on_body(struct visit *v, int rc)
{
        const struct body_fault *f = body_faults;

        if (rc == -EAGAIN)
                return;
        v->r->read_event_handler = ngx_http_block_reading;
        if (v->late.timer_set)
                ngx_del_timer(&v->late);
        if (rc == 0) {
                take_step(v, exchange_body(v->x, span_of(v->body.p, v->body.n)));
                return;
        }
        v->r->keepalive = 0; /* what follows may be the rest of this body */
        while (f->code != rc && f < body_faults + ARRAY_LEN(body_faults) - 1)
                f++;
        take_step(v, exchange_refuse(v->x, f->reason, f->text, worker_now_ns()));
}

static void on_readable(ngx_http_request_t *r)
{
        struct visit *v = ngx_http_get_module_ctx(r, ngx_http_assay_module);

        on_body(v, incoming_more(r, &v->body));
}

static void on_late(ngx_event_t *ev)
{
        struct visit *v = ev->data;
        ngx_connection_t *connection = v->r->connection;

        if (connection->read->timer_set)
                ngx_del_timer(connection->read);
        on_body(v, -ETIMEDOUT);
        ngx_http_run_posted_requests(connection);
}

/* nginx has a time between two pieces only: a byte now and then would last for ever. */
static void set_late(struct visit *v)
{
        const ngx_http_core_loc_conf_t *core =
                ngx_http_get_module_loc_conf(v->r, ngx_http_core_module);

        v->late.handler = on_late;
        v->late.data = v;
        v->late.log = v->r->connection->log;
        ngx_add_timer(&v->late, core->client_body_timeout);
}

static void read_body(struct visit *v)
{
        int rc = incoming_begin(v->r, v->x->body_max, &v->body);

        v->r->read_event_handler = on_readable;
        if (rc == -EAGAIN)
                set_late(v);
        on_body(v, rc);
}

static void take_step(struct visit *v, enum exchange_step step)
{
        v->step = step;
        switch (step) {
        case EXCHANGE_READ:
                read_body(v);
                break;
        case EXCHANGE_RECORD:
                record(v);
                break;
        case EXCHANGE_CALL:
                ask(v);
                break;
        case EXCHANGE_ANSWER:
                ngx_http_finalize_request(v->r, send_reply(v->r, &v->x->reply));
                break;
        }
}

/* ---- beginning, end ---- */

/* What was begun has an end in the ledger: most of all what was asked of a back-end. */
static void end_early(struct visit *v)
{
        enum refusal_reason reason = v->step == EXCHANGE_CALL ? REFUSED_BACKEND : REFUSED_BODY;

        if (v->asking)
                asking_cancel(v->asking);
        if (exchange_refuse(v->x, reason, "the connection ended before", worker_now_ns()) ==
            EXCHANGE_RECORD)
                journal_tell(v->worker->journal, &v->x->records);
}

/* Without an exchange there was no memory for one. */
static void count(const struct visit *v)
{
        struct meters_call c = { .result = METERS_REFUSED,
                                 .reason = REFUSED_BUSY,
                                 .backend_ns = -1 };

        if (v->x)
                c = exchange_count(v->x, worker_now_ns());
        meters_call(v->worker->lane, &c);
}

/* The request's pool goes: it was answered, or ended in the midst. */
static void on_end(void *data)
{
        struct visit *v = data;
        enum record_fate fate = journal_forget(v->worker->journal, &v->waiter);

        if (v->late.timer_set)
                ngx_del_timer(&v->late);
        if (v->x && v->step == EXCHANGE_RECORD) {
                exchange_left(v->x, fate, worker_now_ns());
                tell_afterwards(v);
        } else if (v->x && (v->step == EXCHANGE_READ || v->step == EXCHANGE_CALL)) {
                end_early(v);
        }
        count(v);
        v->x = exchange_free(v->x); /* whoever logs from here on looks for it */
        if (v->asking)
                asking_wipe(v->asking);
        incoming_wipe(v->r, &v->text, &v->raw, &v->body);
        keyring_let_go(v->tokens);
        backends_unref(v->backends);
}

static struct visit *new_visit(ngx_http_request_t *r, struct worker *w)
{
        ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, sizeof(struct visit));
        struct visit *v;

        if (!cleanup)
                return NULL;
        v = cleanup->data;
        *v = (struct visit){ .r = r, .worker = w, .step = EXCHANGE_ANSWER };
        incoming_note(r, &v->text);
        v->tokens = keyring_hold(w->keyring);
        v->backends = backends_ref(w->backends);
        cleanup->handler = on_end;
        ngx_http_set_ctx(r, v, ngx_http_assay_module);
        return v;
}

struct span serve_call_id(ngx_http_request_t *r)
{
        const struct visit *v = ngx_http_get_module_ctx(r, ngx_http_assay_module);

        return v && v->x ? span_str(v->x->id) : SPAN_NONE;
}

static bool is_as_sent(ngx_http_request_t *r)
{
        if (r == r->main && !r->internal && !r->error_page)
                return true;
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "assay: a request that was made, rewritten or redirected inside nginx is not "
                      "served");
        return false;
}

ngx_int_t serve_handler(ngx_http_request_t *r)
{
        struct worker *w = worker_here();
        enum exchange_step step;
        struct visit *v;

        if (!is_as_sent(r))
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
        v = w ? new_visit(r, w) : NULL;
        if (!v || incoming_raw(r, worker_now_ns(), &v->raw) < 0 ||
            exchange_begin(&w->gateway, w->serving, &v->raw, &v->x, &step) < 0)
                return send_reply(r, &problem_no_memory);
        r->main->count++;
        r->read_event_handler = ngx_http_block_reading;
        r->write_event_handler = ngx_http_request_empty_handler;
        take_step(v, step);
        return NGX_DONE;
}

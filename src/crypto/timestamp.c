/* SPDX-License-Identifier: Apache-2.0 */
/* timestamp.c - SECURITY: replies come from strangers and are parsed by OpenSSL; a size ceiling is
 * all that stands before it, so callers that hold keys leave this to assay-job. */
#include "crypto/timestamp.h"

#include "crypto/sha256.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <time.h>

enum {
        REPLY_MAX = 256 * 1024,
        AUTHORITIES_MAX = 1024 * 1024,
        NONCE_LEN = 8,
};

static void req_freep(TS_REQ **p)
{
        TS_REQ_free(*p);
}

static void resp_freep(TS_RESP **p)
{
        TS_RESP_free(*p);
}

static void ctx_freep(TS_VERIFY_CTX **p)
{
        TS_VERIFY_CTX_free(*p);
}

/* OpenSSL's last words, with its data ("status code: rejected"); the queue ends empty. */
static int fail(struct err *err, int code, const char *what)
{
        const char *data = NULL, *reason;
        int flags = 0;
        unsigned long e = ERR_peek_last_error_all(NULL, NULL, NULL, &data, &flags);

        reason = e ? ERR_reason_error_string(e) : NULL;
        err_set(err, code, "time stamp: %s%s%s%s%s", what, reason ? ": " : "", reason ? reason : "",
                data && (flags & ERR_TXT_STRING) && *data ? ": " : "",
                data && (flags & ERR_TXT_STRING) ? data : "");
        ERR_clear_error();
        return code;
}

void timestamp_prepare(void)
{
        (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
        tzset();
}

/* ---- requests ---- */

static bool set_imprint(TS_REQ *req, struct span data)
{
        TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
        X509_ALGOR *alg = X509_ALGOR_new();
        uint8_t digest[SHA256_LEN];
        bool ok;

        sha256(data, digest);
        ok = imprint && alg &&
             X509_ALGOR_set0(alg, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
             TS_MSG_IMPRINT_set_algo(imprint, alg) == 1 &&
             TS_MSG_IMPRINT_set_msg(imprint, digest, sizeof digest) == 1 &&
             TS_REQ_set_msg_imprint(req, imprint) == 1;
        X509_ALGOR_free(alg);
        TS_MSG_IMPRINT_free(imprint);
        return ok;
}

static bool set_nonce(TS_REQ *req)
{
        uint8_t raw[NONCE_LEN];
        ASN1_INTEGER *nonce = ASN1_INTEGER_new();
        uint64_t v;
        bool ok;

        ok = nonce && RAND_bytes(raw, sizeof raw) == 1;
        if (ok) {
                memcpy(&v, raw, sizeof v);
                ok = ASN1_INTEGER_set_uint64(nonce, v | 1) == 1 &&
                     TS_REQ_set_nonce(req, nonce) == 1;
        }
        ASN1_INTEGER_free(nonce);
        return ok;
}

/* A request over data; without a nonce it serves to judge replies whose request is lost. */
static TS_REQ *new_request(struct span data, bool nonce)
{
        TS_REQ *req = TS_REQ_new();

        if (req && TS_REQ_set_version(req, 1) == 1 && set_imprint(req, data) &&
            TS_REQ_set_cert_req(req, 1) == 1 && (!nonce || set_nonce(req)))
                return req;
        TS_REQ_free(req);
        return NULL;
}

int timestamp_request(struct span data, struct buf *out, struct err *err)
{
        CLEANUP(req_freep) TS_REQ *req = new_request(data, true);
        uint8_t *at;
        int n, r;

        n = req ? i2d_TS_REQ(req, NULL) : -1;
        if (n <= 0)
                return fail(err, -ENOMEM, "cannot make a request");
        at = buf_extend(out, (size_t)n);
        r = buf_status(out);
        if (!at)
                return err_set(err, r, "time stamp: no room for the request");
        i2d_TS_REQ(req, &at);
        return 0;
}

/* ---- replies ---- */

static int parse_request(struct span data, struct span request, TS_REQ **ret, struct err *err)
{
        CLEANUP(req_freep) TS_REQ *req = NULL;
        const uint8_t *p = request.p;
        ASN1_OCTET_STRING *msg;
        uint8_t digest[SHA256_LEN];

        if (request.n > REPLY_MAX)
                return err_set(err, -EBADMSG, "time stamp: request of %zu bytes", request.n);
        req = d2i_TS_REQ(NULL, &p, (long)request.n);
        if (!req || p != request.p + request.n)
                return fail(err, -EBADMSG, "the request is not a DER TimeStampReq");
        sha256(data, digest);
        msg = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(req));
        if (!span_eq(span_of(ASN1_STRING_get0_data(msg), (size_t)ASN1_STRING_length(msg)),
                     span_of(digest, sizeof digest)))
                return err_set(err, -EBADMSG, "time stamp: the request is about other data");
        *ret = req;
        req = NULL;
        return 0;
}

static int stamp_time(TS_RESP *resp, time_t *ret, struct err *err)
{
        TS_TST_INFO *info = TS_RESP_get_tst_info(resp);
        struct tm tm;

        if (!info || ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &tm) != 1)
                return fail(err, -EBADMSG, "the reply carries no stamp");
        *ret = timegm(&tm);
        return 0;
}

/* Whole, or what is wrong with it is said: a list that ends in the middle is none. */
static STACK_OF(X509_INFO) * read_certificates(struct span authorities)
{
        BIO *bio = BIO_new_mem_buf(authorities.p, (int)authorities.n);
        STACK_OF(X509_INFO) *list = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;

        BIO_free(bio);
        return list;
}

static size_t add_certificates(X509_STORE *store, STACK_OF(X509_INFO) * list)
{
        size_t n = 0;

        for (int i = 0; i < sk_X509_INFO_num(list); i++) {
                X509 *x = sk_X509_INFO_value(list, i)->x509;

                n += x && X509_STORE_add_cert(store, x) == 1;
        }
        return n;
}

/* Certificates are judged at the stamp's own time: a stamp has to outlive its signer's certificate.
 */
static X509_STORE *new_store(struct span authorities, time_t at)
{
        STACK_OF(X509_INFO) *list = NULL;
        X509_STORE *store = NULL;

        if (authorities.n <= AUTHORITIES_MAX)
                list = read_certificates(authorities);
        if (list)
                store = X509_STORE_new();
        if (store && add_certificates(store, list) == 0) {
                X509_STORE_free(store);
                store = NULL;
        }
        if (store)
                X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), at);
        sk_X509_INFO_pop_free(list, X509_INFO_free);
        return store;
}

/* Not granted: the authority's status and its own words, before anything else is looked at. */
static int check_status(TS_RESP *resp, struct err *err)
{
        long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(resp)));

        /* RFC 3161 2.4.2: 0 granted, 1 granted with modifications */
        if (status != 0 && status != 1)
                return err_set(err, -EBADMSG, "time stamp: the authority refused, status %ld",
                               status);
        return 0;
}

int timestamp_check(struct span data, struct span request, struct span reply,
                    struct span authorities, int64_t *ret_time_ns, struct err *err)
{
        CLEANUP(req_freep) TS_REQ *req = NULL;
        CLEANUP(resp_freep) TS_RESP *resp = NULL;
        CLEANUP(ctx_freep) TS_VERIFY_CTX *ctx = NULL;
        const uint8_t *p = reply.p;
        X509_STORE *store;
        time_t at = 0;
        int r;

        if (reply.n > REPLY_MAX)
                return err_set(err, -EBADMSG, "time stamp: reply of %zu bytes", reply.n);
        resp = d2i_TS_RESP(NULL, &p, (long)reply.n);
        if (!resp || p != reply.p + reply.n)
                return fail(err, -EBADMSG, "the reply is not a DER TimeStampResp");
        r = check_status(resp, err);
        if (!r)
                r = stamp_time(resp, &at, err);
        if (!r && request.n)
                r = parse_request(data, request, &req, err);
        if (r)
                return r;
        if (!request.n)
                req = new_request(data, false);
        ctx = req ? TS_REQ_to_TS_VERIFY_CTX(req, NULL) : NULL;
        if (!ctx)
                return fail(err, -ENOMEM, "cannot prepare the check");
        store = new_store(authorities, at);
        if (!store)
                return fail(err, -EINVAL, "no certificate of an authority can be read");
        TS_VERIFY_CTX_set_store(ctx, store); /* takes it */
        TS_VERIFY_CTX_add_flags(ctx, TS_VFY_SIGNATURE);
        if (TS_RESP_verify_response(ctx, resp) != 1)
                return fail(err, -EBADMSG, "does not hold");
        *ret_time_ns = (int64_t)at * INT64_C(1000000000);
        ERR_clear_error();
        return 0;
}

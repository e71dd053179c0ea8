/* SPDX-License-Identifier: Apache-2.0 */
#include "nginx/certificate.h"

#include <openssl/x509v3.h>

#include <ngx_http_ssl_module.h>

/* ---- names ---- */

/* As UTF-8 in the request's pool; empty: not there, twice there, or no text. */
static struct span text_of(ngx_pool_t *pool, const ASN1_STRING *s)
{
        unsigned char *utf8 = NULL;
        int n = s ? ASN1_STRING_to_UTF8(&utf8, s) : -1;
        u_char *copy = n > 0 ? ngx_pnalloc(pool, (size_t)n) : NULL;

        if (copy)
                memcpy(copy, utf8, (size_t)n);
        OPENSSL_free(utf8);
        return copy ? span_of(copy, (size_t)n) : SPAN_NONE;
}

static struct span common_name(ngx_pool_t *pool, X509 *cert)
{
        X509_NAME *name = X509_get_subject_name(cert);
        int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

        if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
                return SPAN_NONE;
        return text_of(pool, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

static struct span san_uri(ngx_pool_t *pool, const X509 *cert)
{
        GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
        struct span ret = SPAN_NONE;
        int n = 0;

        for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

                if (name->type == GEN_URI && n++ == 0)
                        ret = text_of(pool, name->d.uniformResourceIdentifier);
        }
        GENERAL_NAMES_free(names);
        return n == 1 ? ret : SPAN_NONE;
}

/* ---- a session that is gone on with ---- */

/* By the authorities of the context that the connection has come to. */
static bool is_good_now(SSL *ssl, X509 *cert)
{
        X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
        X509_STORE_CTX *c = X509_STORE_CTX_new();
        bool good = false;

        if (c && X509_STORE_CTX_init(c, store, cert, SSL_get_peer_cert_chain(ssl)) == 1 &&
            X509_STORE_CTX_set_default(c, "ssl_client") == 1) {
                X509_STORE_CTX_set_depth(c, SSL_get_verify_depth(ssl));
                good = X509_verify_cert(c) == 1;
        }
        X509_STORE_CTX_free(c);
        return good;
}

/* It costs as much as a handshake: once for all calls of a connection, which has what came of it as
 * a pointer that points nowhere. */
static bool is_session_good(SSL *ssl, X509 *cert)
{
        static int place = -1;
        static char good, bad;
        const void *known;

        if (place < 0)
                place = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
        known = place < 0 ? NULL : SSL_get_ex_data(ssl, place);
        if (!known) {
                known = is_good_now(ssl, cert) ? &good : &bad;
                if (place >= 0)
                        (void)SSL_set_ex_data(ssl, place, (void *)(uintptr_t)known);
        }
        return known == &good;
}

/* ---- the whole ---- */

/* Of the server that the handshake was with, which the Host header may not change. */
static const ngx_http_ssl_srv_conf_t *tls_settings(const ngx_http_request_t *r)
{
        return r->http_connection->conf_ctx->srv_conf[ngx_http_ssl_module.ctx_index];
}

void certificate_take(ngx_http_request_t *r, struct request_raw *ret)
{
        const ngx_http_ssl_srv_conf_t *tls = tls_settings(r);
        SSL *ssl = r->connection->ssl->connection;
        X509 *cert;

        if (!tls->verify || tls->trusted_certificate.len || !tls->client_certificate.len ||
            SSL_get_verify_result(ssl) != X509_V_OK)
                return;
        cert = SSL_get1_peer_certificate(ssl);
        if (!cert)
                return;
        if (!SSL_session_reused(ssl) || is_session_good(ssl, cert)) {
                ret->client_ca = settings_span(tls->client_certificate);
                ret->client_subject_cn = common_name(r->pool, cert);
                ret->client_san_uri = san_uri(r->pool, cert);
        }
        X509_free(cert);
        ERR_clear_error();
}

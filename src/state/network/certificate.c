/* SPDX-License-Identifier: Apache-2.0 */
#include "state/network/certificate.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

enum { NAMES_MAX = 1000, SERIAL_MAX = 64 };

void certificate_prepare(void)
{
        (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

void certificate_done(struct certificate *c)
{
        buf_done(&c->subject);
        buf_done(&c->issuer);
        buf_done(&c->serial);
        buf_done(&c->signature);
        buf_done(&c->key_type);
}

/* As RFC 4514, but with what is no ASCII left as UTF-8. */
static bool put_dn(struct buf *out, const X509_NAME *name)
{
        unsigned long flags = (XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
        BIO *bio = BIO_new(BIO_s_mem());
        char *text = NULL;
        long n = -1;

        if (bio && X509_NAME_print_ex(bio, name, 0, flags) >= 0)
                n = BIO_get_mem_data(bio, &text);
        if (n > 0)
                buf_put(out, span_of(text, (size_t)n));
        BIO_free(bio);
        return n >= 0 && buf_status(out) == 0;
}

static bool put_serial(struct buf *out, const X509 *x)
{
        const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
        BIGNUM *bn =
                serial && serial->length <= SERIAL_MAX ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
        char *hex = bn ? BN_bn2hex(bn) : NULL;

        for (const char *c = hex; c && *c; c++)
                buf_put_byte(out, (uint8_t)(*c >= 'A' && *c <= 'F' ? *c | 0x20 : *c));
        OPENSSL_free(hex);
        BN_free(bn);
        return hex && buf_status(out) == 0;
}

/* Its name, or its number where OpenSSL has none for it. */
static void put_object(struct buf *out, const ASN1_OBJECT *o)
{
        char text[128];
        int nid = OBJ_obj2nid(o), n;

        if (nid != NID_undef) {
                buf_put_str(out, OBJ_nid2ln(nid));
                return;
        }
        n = OBJ_obj2txt(text, sizeof text, o, 1);
        if (n > 0)
                buf_put_str(out, text);
}

static void put_key(struct certificate *c, const X509 *x)
{
        static const struct {
                int nid;
                const char *name;
        } types[] = { { NID_rsaEncryption, "rsa" },
                      { NID_rsassaPss, "rsa-pss" },
                      { NID_X9_62_id_ecPublicKey, "ec" },
                      { NID_ED25519, "ed25519" },
                      { NID_ED448, "ed448" },
                      { NID_dsa, "dsa" } };
        EVP_PKEY *key = X509_get0_pubkey(x);
        ASN1_OBJECT *o = NULL;

        if (key)
                c->bits = EVP_PKEY_get_bits(key);
        if (!X509_PUBKEY_get0_param(&o, NULL, NULL, NULL, X509_get_X509_PUBKEY(x)))
                return;
        for (size_t i = 0; i < ARRAY_LEN(types); i++)
                if (OBJ_obj2nid(o) == types[i].nid) {
                        buf_put_str(&c->key_type, types[i].name);
                        return;
                }
        put_object(&c->key_type, o);
}

/* Seconds since 1970 of a date in UTC.  Not by timegm(3), which looks for the zone's file first.
 * Years begin in March here, so that the leap day is the last of its year. */
static int64_t seconds_of(const struct tm *tm)
{
        int64_t year = 1900LL + tm->tm_year - (tm->tm_mon < 2 ? 1 : 0);
        int64_t day = (153LL * (tm->tm_mon < 2 ? tm->tm_mon + 10 : tm->tm_mon - 2) + 2) / 5 +
                      tm->tm_mday - 1;
        int64_t days = 365 * year + year / 4 - year / 100 + year / 400 + day - 719468;

        return ((days * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec;
}

static bool get_time(const ASN1_TIME *t, int64_t *ret)
{
        struct tm tm;

        if (!t || !ASN1_TIME_to_tm(t, &tm))
                return false;
        *ret = seconds_of(&tm);
        return true;
}

/* ---- names ---- */

static void put_string(struct buf *out, const char *sort, const ASN1_STRING *s)
{
        buf_put_str(out, sort);
        buf_put(out, span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)));
}

static void put_address(struct buf *out, const ASN1_STRING *s)
{
        char text[INET6_ADDRSTRLEN];
        int n = ASN1_STRING_length(s);

        if ((n == 4 || n == 16) &&
            inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text, sizeof text))
                buf_printf(out, "IP:%s", text);
}

static void put_general(struct buf *out, const GENERAL_NAME *g)
{
        switch (g->type) {
        case GEN_DNS:
                put_string(out, "DNS:", g->d.dNSName);
                break;
        case GEN_EMAIL:
                put_string(out, "email:", g->d.rfc822Name);
                break;
        case GEN_URI:
                put_string(out, "URI:", g->d.uniformResourceIdentifier);
                break;
        case GEN_IPADD:
                put_address(out, g->d.iPAddress);
                break;
        case GEN_DIRNAME:
                buf_put_str(out, "DN:");
                if (!put_dn(out, g->d.directoryName))
                        buf_clear(out);
                break;
        default:
                break;
        }
}

static void put_names(const X509 *x, void (*fn)(void *ctx, struct span name), void *ctx)
{
        GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
        struct buf b = BUF_INIT(CERTIFICATE_NAME_MAX);

        for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < NAMES_MAX; i++) {
                buf_clear(&b);
                put_general(&b, sk_GENERAL_NAME_value(names, i));
                if (b.n && buf_status(&b) == 0)
                        fn(ctx, buf_span(&b));
        }
        buf_done(&b);
        GENERAL_NAMES_free(names);
}

/* ---- all of it ---- */

static const char *read_fields(X509 *x, struct certificate *c)
{
        uint32_t flags = X509_get_extension_flags(x);

        if (!put_dn(&c->subject, X509_get_subject_name(x)) ||
            !put_dn(&c->issuer, X509_get_issuer_name(x)))
                return "a certificate with a name that is too long";
        if (!put_serial(&c->serial, x))
                return "a certificate with a serial number that is too long";
        if (!get_time(X509_get0_notBefore(x), &c->not_before_s) ||
            !get_time(X509_get0_notAfter(x), &c->not_after_s))
                return "a certificate with a time that is none";
        put_object(&c->signature, X509_get0_tbs_sigalg(x)->algorithm);
        put_key(c, x);
        c->ca = (flags & EXFLAG_CA) != 0;
        c->self_signed = (flags & EXFLAG_SS) != 0;
        return NULL;
}

const char *certificate_read(struct span der, struct certificate *ret,
                             void (*fn)(void *ctx, struct span name), void *ctx)
{
        struct certificate c = { .subject = BUF_INIT(CERTIFICATE_NAME_MAX),
                                 .issuer = BUF_INIT(CERTIFICATE_NAME_MAX),
                                 .serial = BUF_INIT(2 * SERIAL_MAX + 2),
                                 .signature = BUF_INIT(256),
                                 .key_type = BUF_INIT(256) };
        const unsigned char *at = der.p;
        X509 *x = der.n && der.n <= LONG_MAX ? d2i_X509(NULL, &at, (long)der.n) : NULL;
        const char *why = x ? read_fields(x, &c) : "no certificate";

        if (why) {
                certificate_done(&c);
        } else {
                c.size = (size_t)(at - der.p);
                put_names(x, fn, ctx);
                *ret = c;
        }
        X509_free(x);
        ERR_clear_error(); /* what OpenSSL keeps of it is of no interest */
        return why;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of X.509 (RFC 5280), in PEM (RFC 7468) or as they are, where servers of Debian keep
 * theirs.  Private keys that stand in the same file are passed over.
 *
 * What the host trusts lies in /etc/ssl/certs: a file or link for each authority, another one by
 * its number that OpenSSL finds it by, and one file that holds them all.  Left out of these are
 * those that ca-certificates brings, and those that are told where they come from.
 *
 * How long one is still good is told in steps, so that a certificate that runs out is a change
 * although nobody touched it. */
#include "base/clock.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "state/network/certificate.h"
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <sys/stat.h>

enum { DER_MAX = 64 * 1024, OF_A_FILE_MAX = 2000, DAY_S = 86400, KNOWN_MAX = 10000 * SHA256_LEN };

static const struct state_column columns[] = {
        { "bits", STATE_INT, 0, "length of the key" },
        { "ca", STATE_BOOL, 0, "may sign others" },
        { "days_left", STATE_INT, STATE_LOOSE,
          "whole days until it ends; negative: since it ended" },
        { "expiry", STATE_TEXT, 0,
          "valid, in 90 days, in 30 days, in 14 days, in 7 days, expired, not yet" },
        { "file", STATE_TEXT, STATE_KEY, "where it is" },
        { "fingerprint", STATE_TEXT, 0, "SHA-256 of it, hexadecimal" },
        { "issuer", STATE_TEXT, 0, "who signed it, as RFC 4514 writes it" },
        { "key_type", STATE_TEXT, 0, "rsa, ec, ed25519, ..." },
        { "names", STATE_LIST, 0, "for whom it is: DNS:, IP:, email:, URI:" },
        { "not_after", STATE_TIME, 0, "its last moment; none: later than a time reaches" },
        { "not_before", STATE_TIME, 0, "its first moment" },
        { "nth", STATE_INT, STATE_KEY, "which one of its file" },
        { "self_signed", STATE_BOOL, 0, "signed by its own key" },
        { "serial", STATE_TEXT, 0, "serial number, hexadecimal" },
        { "signature", STATE_TEXT, 0, "algorithm of the signature" },
        { "subject", STATE_TEXT, 0, "whose it is" },
};

#define FILES_IN(dir)                                                                              \
        { STATE_FILES, STATE_FOLLOW, dir "/*.pem" }, { STATE_FILES, STATE_FOLLOW, dir "/*.crt" },  \
        {                                                                                          \
                STATE_FILES, STATE_FOLLOW, dir "/*.cer"                                            \
        }

#define SHARED  "/usr/share/ca-certificates/"
#define TRUSTED "/etc/ssl/certs/"

static const struct state_source sources[] = {
        { STATE_BUILTIN, 0, "day" },
        { STATE_FILES, STATE_FOLLOW, SHARED "*.crt" },
        { STATE_FILES, STATE_FOLLOW, SHARED "*/*.crt" },
        { STATE_FILES, STATE_FOLLOW, "/etc/letsencrypt/live/*/cert.pem" },
        { STATE_FILES, STATE_FOLLOW, "/etc/letsencrypt/live/*/chain.pem" },
        { STATE_FILES, STATE_FOLLOW, "/var/lib/postgresql/*/*/*.crt" },
        { STATE_FILES, STATE_FOLLOW, "/etc/postgresql/*/*/*.crt" },
        { STATE_FILES, STATE_FOLLOW, "/etc/docker/certs.d/*/*.crt" },
        FILES_IN("/etc/ssl"),
        FILES_IN("/usr/local/share/ca-certificates"),
        FILES_IN("/usr/local/share/ca-certificates/*"),
        FILES_IN("/etc/nginx"),
        FILES_IN("/etc/nginx/*"),
        FILES_IN("/etc/apache2"),
        FILES_IN("/etc/apache2/*"),
        FILES_IN("/etc/haproxy"),
        FILES_IN("/etc/haproxy/*"),
        FILES_IN("/etc/postfix"),
        FILES_IN("/etc/postfix/*"),
        FILES_IN("/etc/exim4"),
        FILES_IN("/etc/dovecot"),
        FILES_IN("/etc/ldap"),
        FILES_IN("/etc/ldap/*"),
        FILES_IN("/etc/mysql"),
        FILES_IN("/etc/mysql/*"),
        FILES_IN("/etc/openvpn"),
        FILES_IN("/etc/openvpn/*"),
        FILES_IN("/etc/ipsec.d/certs"),
        FILES_IN("/etc/ipsec.d/cacerts"),
        FILES_IN("/etc/kubernetes/pki"),
        FILES_IN("/etc/kubernetes/pki/*"),
        FILES_IN("/etc/cockpit/ws-certs.d"),
        /* behind all others */
        { STATE_FILES, STATE_FOLLOW, TRUSTED "*.pem" },
        { STATE_FILES, STATE_FOLLOW, TRUSTED "*.crt" },
        { STATE_FILES, STATE_FOLLOW, TRUSTED "*.[0-9]" },
        { STATE_FILES, STATE_FOLLOW, TRUSTED "*.[0-9][0-9]" },
};

enum way {
        WAY_TELL,
        WAY_TELL_UNKNOWN,
        WAY_KNOW, /* it is told nowhere */
};

struct reading {
        struct state_out *out;
        int64_t today; /* days since 1970; negative: not known */
        struct buf der;
        enum way way;     /* of the file at hand */
        struct buf known; /* fingerprints, of SHA256_LEN each */
};

/* ---- how long ---- */

static int64_t floor_days(int64_t s)
{
        return s / DAY_S - (s % DAY_S < 0);
}

static const char *expiry_of(const struct certificate *c, int64_t today)
{
        int64_t left = floor_days(c->not_after_s) - today;

        if (floor_days(c->not_before_s) > today)
                return "not yet";
        return left < 0     ? "expired"
               : left <= 7  ? "in 7 days"
               : left <= 14 ? "in 14 days"
               : left <= 30 ? "in 30 days"
               : left <= 90 ? "in 90 days"
                            : "valid";
}

static void put_time(struct state_out *out, const char *column, int64_t s)
{
        if (s > INT64_MIN / NS_PER_S && s < INT64_MAX / NS_PER_S)
                state_time(out, column, s * NS_PER_S);
}

static void put_times(const struct reading *r, const struct certificate *c)
{
        put_time(r->out, "not_before", c->not_before_s);
        put_time(r->out, "not_after", c->not_after_s);
        if (r->today < 0)
                return;
        state_str(r->out, "expiry", expiry_of(c, r->today));
        state_int(r->out, "days_left", floor_days(c->not_after_s) - r->today);
}

/* ---- one ---- */

static void put_name(void *ctx, struct span name)
{
        state_item(ctx, "names", name);
}

/* Is it one that is told, or need not be?  From here on it is. */
static bool was_known(struct reading *r, const uint8_t digest[SHA256_LEN])
{
        for (size_t at = 0; at < r->known.n; at += SHA256_LEN)
                if (memcmp(r->known.p + at, digest, SHA256_LEN) == 0)
                        return true;
        buf_put(&r->known, span_of(digest, SHA256_LEN));
        return false;
}

static int put(struct reading *r, const struct state_part *p, uint32_t line, unsigned nth,
               struct span der)
{
        struct certificate c;
        uint8_t digest[SHA256_LEN];
        char hex[2 * SHA256_LEN + 1];
        const char *why;
        bool known;
        int rc;

        state_begin(r->out);
        state_no_items(r->out, "names");
        why = certificate_read(der, &c, put_name, r->out);
        if (why)
                return state_fault(r->out, p, line, "%s", why);
        sha256(span_of(der.p, c.size), digest);
        known = was_known(r, digest);
        if (r->way == WAY_KNOW || (r->way == WAY_TELL_UNKNOWN && known)) {
                certificate_done(&c);
                return 0;
        }
        text_hex(span_of(digest, sizeof digest), hex);
        state_text(r->out, "file", p->name);
        state_int(r->out, "nth", nth);
        state_str(r->out, "fingerprint", hex);
        state_text(r->out, "subject", buf_span(&c.subject));
        state_text(r->out, "issuer", buf_span(&c.issuer));
        state_text(r->out, "serial", buf_span(&c.serial));
        state_text(r->out, "signature", buf_span(&c.signature));
        state_text(r->out, "key_type", buf_span(&c.key_type));
        if (c.bits)
                state_int(r->out, "bits", c.bits);
        state_bool(r->out, "ca", c.ca);
        state_bool(r->out, "self_signed", c.self_signed);
        put_times(r, &c);
        rc = state_end(r->out);
        certificate_done(&c);
        return rc;
}

/* ---- files ---- */

static bool is_line(struct span line, const char *side)
{
        static const char *const labels[] = { "CERTIFICATE-----", "X509 CERTIFICATE-----",
                                              "TRUSTED CERTIFICATE-----" };
        size_t n = strlen(side);

        if (!span_starts(line, span_str(side)))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(labels); i++)
                if (span_eq_str(field_trim(span_from(line, n)), labels[i]))
                        return true;
        return false;
}

/* The lines of base64 up to the END, which is taken; what it says into r->der.  False: it is cut,
 * too long, or no base64. */
static bool read_block(struct reading *r, struct field_lines *lines)
{
        struct buf base64 = BUF_INIT(2 * DER_MAX);
        struct span line;
        size_t n = 0;
        bool ended = false;
        uint8_t *der;
        int rc = -EINVAL;

        while (!ended && field_line(lines, &line)) {
                ended = is_line(line, "-----END ");
                if (!ended)
                        buf_put(&base64, field_trim(line));
        }
        buf_clear(&r->der);
        der = buf_extend(&r->der, DER_MAX);
        if (der && ended && buf_status(&base64) == 0)
                rc = text_from_base64(buf_span(&base64), der, DER_MAX, &n);
        r->der.n = rc == 0 ? n : 0;
        state_memory(r->out, &base64);
        state_memory(r->out, &r->der);
        buf_done(&base64);
        return rc == 0;
}

static int read_pem(struct reading *r, const struct state_part *p)
{
        struct field_lines lines = { .rest = p->bytes };
        struct span line;
        unsigned nth = 0;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                uint32_t first = lines.number;

                if (!is_line(line, "-----BEGIN "))
                        continue;
                if (++nth > OF_A_FILE_MAX)
                        return state_fault(r->out, p, first, "more than %d certificates",
                                           OF_A_FILE_MAX);
                rc = read_block(r, &lines) ? put(r, p, first, nth, buf_span(&r->der))
                                           : state_fault(r->out, p, first, "no PEM that ends");
        }
        return rc;
}

static int read_file(struct reading *r, const struct state_part *p)
{
        if (S_ISDIR(p->mode))
                return 0;
        r->way = span_starts(p->name, SPAN(SHARED))    ? WAY_KNOW
                 : span_starts(p->name, SPAN(TRUSTED)) ? WAY_TELL_UNKNOWN
                                                       : WAY_TELL;
        if (p->bytes.n && p->bytes.p[0] == 0x30)
                return put(r, p, 0, 1, p->bytes);
        return read_pem(r, p);
}

static int64_t read_day(struct span text)
{
        struct span line;
        uint64_t day;

        if (!field_cut(&text, '\n', &line) || !field_number(line, &day) || day > INT32_MAX)
                return -1;
        return (int64_t)day;
}

static int read_certificates(struct state_in *in, struct state_out *out, struct err *err)
{
        struct reading r = {
                .out = out, .today = -1, .der = BUF_INIT(DER_MAX), .known = BUF_INIT(KNOWN_MAX)
        };
        struct state_part p;
        int rc = 0;

        (void)err;
        while (rc == 0 && state_next(in, &p)) {
                if (p.status == ENOENT || !state_readable(out, &p, STATE_ONE_OF_MANY))
                        continue; /* a link that leads nowhere trusts nobody */
                if (span_eq_str(p.name, "day"))
                        r.today = read_day(p.bytes);
                else
                        rc = read_file(&r, &p);
        }
        state_memory(out, &r.known);
        buf_done(&r.der);
        buf_done(&r.known);
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_certificates = {
        .name = "certificates",
        .about = "certificates of servers and local authorities, and how long they last",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 30,
        .read = read_certificates,
};

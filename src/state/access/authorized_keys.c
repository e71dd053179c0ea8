/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that open accounts, by sshd(8), "AUTHORIZED_KEYS FILE FORMAT": options, type, the key in
 * base64, comment.  The key itself is RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section
 * 4 or PROTOCOL.u2f of OpenSSH.
 *
 * What is a key goes by what sshd does, which ssh-keygen -l shows: a NUL ends a line, only a blank
 * and a tab end a word, what else is space within base64 is none of it, and a key of RSA may be
 * called by the signatures that it makes.
 *
 * Whose a file is: the account whose home it is in (passwd(5); several may share one home), the
 * name below /home, or the file's own name below /etc/ssh. */
#include "base/text.h"
#include "crypto/sha256.h"
#include "state/reading/account_line.h"
#include "state/reading/fields.h"
#include "state/reading/mask.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

enum { KEY_MAX = 16 * 1024, ACCOUNTS_MAX = 100000 };

static const struct state_column columns[] = {
        { "bits", STATE_INT, 0, "length of the key" },
        { "comment", STATE_TEXT, 0, "what stands behind it" },
        { "file", STATE_TEXT, STATE_KEY, "where it is" },
        { "file_mode", STATE_TEXT, 0, "permissions of that file" },
        { "file_uid", STATE_INT, 0, "owner of that file" },
        { "fingerprint", STATE_TEXT, STATE_KEY, "SHA256:... as ssh-keygen -l tells it" },
        { "line", STATE_INT, STATE_LOOSE, "where in the file" },
        { "options", STATE_LIST, 0,
          "what it may not, and what it must; values of variables left out" },
        { "type", STATE_TEXT, 0, "ssh-ed25519, ssh-rsa, ..." },
        { "user", STATE_TEXT, STATE_KEY, "account that it opens" },
};

static const struct state_source sources[] = {
        { STATE_FILE, 0, "/etc/passwd" },
        { STATE_HOMES, STATE_OTHERS, ".ssh/authorized_keys" },
        { STATE_HOMES, STATE_OTHERS, ".ssh/authorized_keys2" },
        { STATE_FILES, STATE_FOLLOW | STATE_OTHERS, "/etc/ssh/authorized_keys/*" },
        { STATE_FILES, STATE_FOLLOW | STATE_OTHERS, "/etc/ssh/authorized_keys.d/*" },
        { STATE_FILES, STATE_FOLLOW | STATE_OTHERS, "/etc/ssh/authorized_keys" },
};

/* ---- accounts by their homes ---- */

struct account {
        struct span home, name;
};

struct accounts {
        struct account *at;
        size_t n;
};

static int by_home(const void *a, const void *b)
{
        const struct account *x = a, *y = b;
        int c = span_cmp(x->home, y->home);

        return c ? c : span_cmp(x->name, y->name);
}

static int read_accounts(struct span passwd, struct accounts *ret)
{
        struct field_lines lines = { .rest = passwd };
        struct account_user u;
        struct span line;
        size_t max = 0;

        while (field_line(&lines, &line)) {
                if (account_user(line, &u) || ret->n >= ACCOUNTS_MAX)
                        continue;
                if (ret->n == max) {
                        size_t more = max ? 2 * max : 64;
                        struct account *at = realloc(ret->at, more * sizeof(*at));

                        if (!at)
                                return -ENOMEM;
                        ret->at = at;
                        max = more;
                }
                ret->at[ret->n++] =
                        (struct account){ .home = account_home(u.home), .name = u.name };
        }
        if (ret->n)
                qsort(ret->at, ret->n, sizeof(*ret->at), by_home);
        return 0;
}

/* Index of the first one that has this home, or of where it would be. */
static size_t accounts_at(const struct accounts *a, struct span home)
{
        size_t lo = 0, hi = a->n;

        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;

                if (span_cmp(a->at[mid].home, home) < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo;
}

/* The home that the file is in, as account_home() has it: what is before "/.ssh/" and the file's
 * name.  false: it is in none. */
static bool home_of(struct span file, struct span *ret)
{
        static const struct span dir = SPAN_INIT("/.ssh/");
        struct span above = span_of(file.p, file.n - field_base(file).n);

        if (above.n < dir.n || !span_eq(span_from(above, above.n - dir.n), dir))
                return false;
        *ret = account_home(span_of(above.p, above.n - dir.n));
        return true;
}

/* ---- a line ---- */

/* Up to a blank that is in no quotes; inside, \" is a quote. */
static struct span cut_options(struct span *s)
{
        bool quoted = false;
        size_t n = 0;
        struct span ret;

        for (; n < s->n && (quoted || (s->p[n] != ' ' && s->p[n] != '\t')); n++) {
                if (s->p[n] == '\\' && n + 1 < s->n && s->p[n + 1] == '"')
                        n++;
                else if (s->p[n] == '"')
                        quoted = !quoted;
        }
        n = MIN_OF(n, s->n);
        ret = span_of(s->p, n);
        *s = span_from(*s, n);
        return ret;
}

/* Blanks and tabs before it are taken as well. */
static bool cut_word(struct span *s, struct span *ret)
{
        size_t n = 0;

        while (s->n && (s->p[0] == ' ' || s->p[0] == '\t'))
                *s = span_from(*s, 1);
        while (n < s->n && s->p[n] != ' ' && s->p[n] != '\t')
                n++;
        *ret = span_of(s->p, n);
        *s = span_from(*s, n);
        return n > 0;
}

static bool is_rsa_by_signature(struct span s)
{
        return span_eq_str(s, "rsa-sha2-256") || span_eq_str(s, "rsa-sha2-512");
}

static bool is_type(struct span s)
{
        static const char *const starts[] = { "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-" };

        if (is_rsa_by_signature(s))
                return true;
        for (size_t i = 0; i < ARRAY_LEN(starts); i++)
                if (span_starts(s, span_str(starts[i])))
                        return true;
        return false;
}

/* environment="NAME=value": the value may be anything. */
static void put_option(struct state_out *out, struct span s)
{
        static const char variable[] = "environment=\"";
        size_t n = sizeof variable - 1;
        struct buf b = BUF_INIT(STATE_ROW_MAX);
        const uint8_t *at;

        if (s.n < n || strncasecmp((const char *)s.p, variable, n) != 0) {
                mask_item(out, "options", s);
                return;
        }
        at = memchr(s.p + n, '=', s.n - n);
        buf_put(&b, at ? span_of(s.p, (size_t)(at - s.p)) : s);
        buf_put_str(&b, at ? "=***\"" : "");
        state_item(out, "options", buf_status(&b) < 0 ? SPAN("***") : buf_span(&b));
        state_memory(out, &b);
        buf_done(&b);
}

/* One option at a time: a comma inside quotes separates nothing. */
static void put_options(struct state_out *out, struct span s)
{
        bool quoted = false;
        size_t from = 0;

        for (size_t i = 0; i <= s.n; i++) {
                if (i < s.n && s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '"') {
                        i++;
                        continue;
                }
                if (i < s.n && s.p[i] == '"')
                        quoted = !quoted;
                if (i < s.n && (s.p[i] != ',' || quoted))
                        continue;
                if (i > from)
                        put_option(out, span_of(s.p + from, i - from));
                from = i + 1;
        }
}

/* ---- a key ---- */

static bool cut_string(struct span *s, struct span *ret)
{
        uint32_t n;

        if (s->n < 4)
                return false;
        n = (uint32_t)s->p[0] << 24 | (uint32_t)s->p[1] << 16 | (uint32_t)s->p[2] << 8 | s->p[3];
        if (n > s->n - 4)
                return false;
        *ret = span_of(s->p + 4, n);
        *s = span_from(*s, 4 + (size_t)n);
        return true;
}

static uint64_t bits_of_number(struct span n)
{
        uint64_t bits;

        while (n.n && n.p[0] == 0)
                n = span_from(n, 1);
        if (n.n == 0)
                return 0;
        bits = 8 * (uint64_t)(n.n - 1);
        for (uint8_t top = n.p[0]; top; top >>= 1)
                bits++;
        return bits;
}

/* Bits of a key of that type, 0 when it is none. */
static uint64_t bits_of(struct span type, struct span rest)
{
        struct span part;

        if (span_starts(type, SPAN("ssh-rsa")))
                return cut_string(&rest, &part) && cut_string(&rest, &part) ? bits_of_number(part)
                                                                            : 0;
        if (span_starts(type, SPAN("ssh-dss")))
                return cut_string(&rest, &part) ? bits_of_number(part) : 0;
        if (!cut_string(&rest, &part))
                return 0;
        if (memmem(type.p, type.n, "ed25519", 7))
                return part.n == 32 ? 256 : 0;
        return span_eq_str(part, "nistp256")   ? 256
               : span_eq_str(part, "nistp384") ? 384
               : span_eq_str(part, "nistp521") ? 521
                                               : 0;
}

static void put_fingerprint(struct state_out *out, struct span key)
{
        struct buf b = BUF_INIT(64);
        uint8_t digest[SHA256_LEN];

        sha256(key, digest);
        buf_put_str(&b, "SHA256:");
        text_put_base64(&b, span_of(digest, sizeof digest));
        while (b.n && b.p[b.n - 1] == '=')
                b.n--;
        state_text(out, "fingerprint", buf_span(&b));
        state_memory(out, &b);
        buf_done(&b);
}

static int decode(struct state_out *out, struct span word, uint8_t key[KEY_MAX], size_t *ret_n)
{
        struct buf base64 = BUF_INIT(2 * KEY_MAX);
        int rc;

        for (size_t i = 0; i < word.n; i++)
                if (word.p[i] < '\t' || word.p[i] > '\r')
                        buf_put_byte(&base64, word.p[i]);
        rc = buf_status(&base64);
        if (rc == 0)
                rc = text_from_base64(buf_span(&base64), key, KEY_MAX, ret_n);
        if (rc == -ENOMEM)
                state_memory(out, &base64);
        buf_done(&base64);
        return rc;
}

/* Type, bits and fingerprint, or why not. */
static const char *put_key(struct state_out *out, struct span type, struct span base64)
{
        uint8_t key[KEY_MAX];
        struct span rest, inner;
        uint64_t bits;
        size_t n = 0;
        int rc = decode(out, base64, key, &n);

        if (memmem(type.p, type.n, "-cert-v01@", 10))
                return "a certificate, which opens nothing from here";
        if (rc < 0)
                return rc == -E2BIG ? "a key that is too long" : "a key that is no base64";
        rest = span_of(key, n);
        if (!cut_string(&rest, &inner) ||
            !(is_rsa_by_signature(type) ? span_eq_str(inner, "ssh-rsa") : span_eq(inner, type)))
                return "a key of another type than it says";
        bits = bits_of(inner, rest);
        if (bits == 0)
                return "a key that is none of its type";
        state_text(out, "type", type);
        state_u64(out, "bits", bits);
        put_fingerprint(out, span_of(key, n));
        return NULL;
}

/* ---- a file ---- */

static int put_for(struct state_out *out, const struct state_part *p, struct span line,
                   uint32_t number, struct span user)
{
        struct span rest = field_trim(line), options = SPAN_NONE, type, base64;
        const char *why = "no key";
        struct span from = rest;
        char mode[8];

        if (cut_word(&rest, &type) && !is_type(type)) {
                rest = from;
                options = cut_options(&rest);
                type = SPAN_NONE;
                (void)cut_word(&rest, &type);
        }
        state_begin(out);
        if (is_type(type) && cut_word(&rest, &base64))
                why = put_key(out, type, base64);
        if (why)
                return state_fault(out, p, number, "%s", why);
        snprintf(mode, sizeof mode, "%04o", p->mode & 07777);
        state_text(out, "user", user);
        state_text(out, "file", p->name);
        state_str(out, "file_mode", mode);
        state_u64(out, "file_uid", p->uid);
        state_u64(out, "line", number);
        state_text(out, "comment", field_trim(rest));
        put_options(out, options);
        return state_end(out);
}

static int put_file_for(struct state_out *out, const struct state_part *p, struct span user)
{
        struct field_lines lines = { .rest = p->bytes };
        struct span line;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                const uint8_t *nul = line.n ? memchr(line.p, 0, line.n) : NULL;

                if (nul)
                        line.n = (size_t)(nul - line.p);
                line = field_trim(line);
                if (line.n && line.p[0] != '#')
                        rc = put_for(out, p, line, lines.number, user);
        }
        return rc;
}

static int put_file(struct state_out *out, const struct state_part *p, const struct accounts *a)
{
        struct span home = SPAN_NONE;
        bool in_home = home_of(p->name, &home);
        size_t i = in_home ? accounts_at(a, home) : a->n;
        int rc = 0;

        if (i >= a->n || !span_eq(a->at[i].home, home))
                return put_file_for(out, p, field_base(in_home ? home : p->name));
        for (; i < a->n && span_eq(a->at[i].home, home) && rc == 0; i++)
                rc = put_file_for(out, p, a->at[i].name);
        return rc;
}

static int read_authorized_keys(struct state_in *in, struct state_out *out, struct err *err)
{
        struct accounts accounts = { 0 };
        struct state_part p;
        int rc = 0;

        (void)err;
        if (state_next(in, &p) && state_readable(out, &p, STATE_MUST_BE))
                rc = read_accounts(p.bytes, &accounts);
        while (rc == 0 && state_next(in, &p))
                if (state_readable(out, &p, STATE_ONE_OF_MANY) &&
                    (rc = put_file(out, &p, &accounts)) == 0)
                        rc = state_fault_if_cut(out, &p);
        free(accounts.at);
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_authorized_keys = {
        .name = "authorized_keys",
        .alert = "yes",
        .about = "keys that open accounts over SSH",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 5,
        .flags = STATE_PERSONAL,
        .subject = "user",
        .subject_column = "user",
        .read = read_authorized_keys,
};

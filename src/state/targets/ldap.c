/* SPDX-License-Identifier: Apache-2.0 */
/* A directory's entries, as ldapsearch(1) writes them: LDIF, RFC 2849.  A row for each entry, and
 * one for each member of a group, so that who came and who went is a row of its own.
 *
 * SECURITY: what may be a secret is told only as there, or by the name of its scheme. */
#include "base/text.h"
#include "crypto/sha256.h"
#include "state/reading/fields.h"
#include "state/reading/settings.h"
#include "state/rows/row.h"
#include "state/rows/sorted.h"
#include "state/tables.h"
#include "state/targets/answer.h"

#include <stdio.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 16 * 1024 * 1024, VALUE_SHOWN = 512, VALUES_MAX = 4096, OTHERS_MAX = 2048 };

static const struct state_column columns[] = {
        { "attributes", STATE_LIST, 0, "its other attributes, as name=value" },
        { "classes", STATE_LIST, 0, "its object classes" },
        { "dn", STATE_TEXT, STATE_KEY, "distinguished name of the entry" },
        { "member", STATE_TEXT, STATE_KEY, "empty: the entry itself; else one of its members" },
        { "member_of", STATE_LIST, 0, "groups that it says it is in" },
        { "modified", STATE_TIME, 0, "when the directory says it was changed" },
        { "modified_by", STATE_TEXT, 0, "who the directory says changed it" },
};

static const struct state_setting settings[] = {
        { "attributes", SETTING_TEXTS, false, NULL, "an attribute to ask for" },
        { "base", SETTING_TEXT, true, NULL, "the DN below which entries are read" },
        { "bind_dn", SETTING_TEXT, false, NULL, "who to bind as" },
        { "ca_file", SETTING_FILE, false, NULL, "CAs that the server's certificate may be of" },
        { "cert_file", SETTING_FILE, false, NULL, "our certificate" },
        { "filter", SETTING_TEXT, false, NULL, "a filter of RFC 4515" },
        { "key_file", SETTING_FILE, false, NULL, "its key" },
        { "password_file", SETTING_FILE, false, NULL, "a file with the password" },
        { "sasl", SETTING_CHOICE, false, "external", "how else to bind" },
        { "tls", SETTING_CHOICE, false, "starttls|none", "of an ldap:// URI" },
        { "uri", SETTING_TEXT, true, NULL, "ldaps://host, ldap://host or ldapi://path" },
};

static const char *settings_wrong(const struct state_value *v, size_t n,
                                  const struct state_value **ret_at)
{
        const struct state_value *uri = state_value_of(v, n, "uri"),
                                 *tls = state_value_of(v, n, "tls"),
                                 *dn = state_value_of(v, n, "bind_dn"),
                                 *sasl = state_value_of(v, n, "sasl"),
                                 *password = state_value_of(v, n, "password_file");
        bool plain = span_starts(uri->value, SPAN("ldap://"));

        *ret_at = uri;
        if (!plain && !span_starts(uri->value, SPAN("ldaps://")) &&
            !span_starts(uri->value, SPAN("ldapi://")))
                return "a URI that begins with ldaps://, ldap:// or ldapi:// should stand here";
        *ret_at = dn ? dn : password;
        if (!dn != !password)
                return "bind_dn and password_file go together";
        *ret_at = sasl;
        if (dn && sasl)
                return "a bind_dn and sasl exclude each other";
        *ret_at = tls;
        if (dn && plain && tls && span_eq_str(tls->value, "none"))
                return "a password would go over the network in clear: tls none is for anonymous "
                       "access";
        return NULL;
}

/* ---- what an attribute is ---- */

enum attribute {
        OTHER,
        CLASS,
        MEMBER,
        MEMBER_OF,
        MODIFIED,
        MODIFIER,
        SECRET,
        RESTLESS, /* moves by itself, with each login */
};

static const struct {
        const char *name;
        enum attribute is;
} known[] = {
        { "objectClass", CLASS },
        { "member", MEMBER },
        { "uniqueMember", MEMBER },
        { "memberUid", MEMBER },
        { "roleOccupant", MEMBER },
        { "memberOf", MEMBER_OF },
        { "modifyTimestamp", MODIFIED },
        { "whenChanged", MODIFIED },
        { "modifiersName", MODIFIER },
        { "authTimestamp", RESTLESS },
        { "badPasswordTime", RESTLESS },
        { "badPwdCount", RESTLESS },
        { "contextCSN", RESTLESS },
        { "dSCorePropagationData", RESTLESS },
        { "entryCSN", RESTLESS },
        { "krbLastFailedAuth", RESTLESS },
        { "krbLastSuccessfulAuth", RESTLESS },
        { "krbLoginFailedCount", RESTLESS },
        { "lastLogoff", RESTLESS },
        { "lastLogon", RESTLESS },
        { "lastLogonTimestamp", RESTLESS },
        { "logonCount", RESTLESS },
        { "pwdFailureTime", RESTLESS },
        { "pwdGraceUseTime", RESTLESS },
        { "pwdLastSuccess", RESTLESS },
        { "uSNChanged", RESTLESS },
        { "ipaNTHash", SECRET },
        { "krbMKey", SECRET },
        { "krbPrincipalKey", SECRET },
        { "olcDbACLBind", SECRET },
        { "olcDbIDAssertBind", SECRET },
        { "olcRootPW", SECRET },
        { "olcSyncrepl", SECRET },
        { "pwdHistory", SECRET },
        { "supplementalCredentials", SECRET },
        { "unicodePwd", SECRET },
        { "userPKCS12", SECRET },
};

static bool is_word(struct span name, const char *word)
{
        return name.n == strlen(word) && strncasecmp((const char *)name.p, word, name.n) == 0;
}

static bool has_word(struct span name, const char *word)
{
        size_t n = strlen(word);

        for (size_t i = 0; i + n <= name.n; i++)
                if (strncasecmp((const char *)name.p + i, word, n) == 0)
                        return true;
        return false;
}

/* An attribute of a server we do not know: by what its name has in it. */
static bool sounds_secret(struct span name)
{
        static const char *const words[] = { "passw",          "secret", "credential", "privatekey",
                                             "certificatekey", "token",  "rootpw" };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (has_word(name, words[i]))
                        return true;
        return false;
}

static enum attribute attribute_of(struct span name)
{
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
                if (is_word(name, known[i].name))
                        return known[i].is;
        return sounds_secret(name) ? SECRET : OTHER;
}

/* ---- lines of LDIF ---- */

/* One attribute and its value; the value is in value, the name in the input. */
struct ldif {
        struct span rest; /* of the entry */
        uint32_t line;
        struct buf value, raw;
        struct span name; /* without options */
        bool bad;
};

/* A line with those that go on behind it, which begin with a blank. */
static bool whole_line(struct ldif *l, struct buf *out)
{
        struct span part;

        buf_clear(out);
        if (!field_cut(&l->rest, '\n', &part))
                return false;
        l->line++;
        buf_put(out, part.n && part.p[part.n - 1] == '\r' ? span_of(part.p, part.n - 1) : part);
        while (l->rest.n && l->rest.p[0] == ' ' && field_cut(&l->rest, '\n', &part)) {
                l->line++;
                part = span_from(part, 1);
                buf_put(out,
                        part.n && part.p[part.n - 1] == '\r' ? span_of(part.p, part.n - 1) : part);
        }
        return true;
}

static bool take_base64(struct ldif *l, struct span text)
{
        size_t n = text.n / 4 * 3 + 3, got = 0;
        uint8_t *p = buf_extend(&l->value, n);

        if (!p || text_from_base64(text, p, n, &got) < 0)
                return false;
        l->value.n -= n - got;
        return true;
}

/* The next one of the entry; false at its end.  One that is none of LDIF is bad. */
static bool ldif_next(struct ldif *l)
{
        struct span line, name;
        bool base64;

        l->bad = false;
        do
                if (!whole_line(l, &l->raw))
                        return false;
        while (l->raw.n && l->raw.p[0] == '#');
        line = buf_span(&l->raw);
        buf_clear(&l->value);
        l->bad = !memchr(line.n ? (const void *)line.p : "", ':', line.n) ||
                 !field_cut(&line, ':', &name) || name.n == 0;
        if (l->bad)
                return true;
        base64 = line.n && line.p[0] == ':';
        line = field_trim(span_from(line, base64));
        if (base64)
                l->bad = !take_base64(l, line);
        else
                buf_put(&l->value, line);
        l->bad = l->bad || buf_status(&l->value) < 0 || buf_status(&l->raw) < 0;
        l->name = name;
        field_cut(&name, ';', &l->name);
        return true;
}

/* ---- values ---- */

/* YYYYMMDDHHMMSS, a fraction, Z: GeneralizedTime of RFC 4517 as servers write it. */
static bool put_time(struct state_out *out, struct span s)
{
        char text[TEXT_TIME_LEN + 1];
        int64_t ns;

        if (s.n < 15 || s.p[s.n - 1] != 'Z')
                return false;
        snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.000000000Z", (const char *)s.p,
                 (const char *)s.p + 4, (const char *)s.p + 6, (const char *)s.p + 8,
                 (const char *)s.p + 10, (const char *)s.p + 12);
        if (text_to_time(span_str(text), &ns) < 0)
                return false;
        state_time(out, "modified", ns);
        return true;
}

static void put_scheme(struct buf *out, struct span v)
{
        const uint8_t *end =
                v.n && v.p[0] == '{' ? memchr(v.p, '}', MIN_OF(v.n, (size_t)32)) : NULL;

        if (end)
                text_put_safe(out, span_of(v.p, (size_t)(end + 1 - v.p)));
        else
                buf_put_str(out, "(set)");
}

static bool is_plain(struct span v)
{
        for (size_t i = 0; i < v.n; i++)
                if (v.p[i] < ' ' && v.p[i] != '\t' && v.p[i] != '\n' && v.p[i] != '\r')
                        return false;
        return text_is_utf8(v, NULL);
}

static void put_value(struct buf *out, struct span v)
{
        char hex[2 * SHA256_LEN + 1];
        uint8_t digest[SHA256_LEN];

        if (v.n <= VALUE_SHOWN && is_plain(v)) {
                buf_put(out, v);
                return;
        }
        sha256(v, digest);
        text_hex(span_of(digest, sizeof digest), hex);
        buf_printf(out, "sha256:%s, %zu bytes", hex, v.n);
}

/* ---- an entry ---- */

struct reading {
        struct state_out *out;
        const struct state_part *part;
        struct ldif ldif;
        struct buf text, dn;
        struct sorted others, classes, groups;
};

static void take_attribute(struct reading *r, enum attribute is)
{
        struct span v = buf_span(&r->ldif.value);

        switch (is) {
        case CLASS:
                sorted_add(&r->classes, v);
                return;
        case MEMBER_OF:
                sorted_add(&r->groups, v);
                return;
        case MODIFIER:
                state_text(r->out, "modified_by", v);
                return;
        case MODIFIED:
                if (put_time(r->out, v))
                        return;
                break;
        case MEMBER:
        case RESTLESS:
                return;
        case OTHER:
        case SECRET:
                break;
        }
        buf_clear(&r->text);
        buf_put(&r->text, r->ldif.name);
        buf_put_byte(&r->text, '=');
        if (is == SECRET)
                put_scheme(&r->text, v);
        else
                put_value(&r->text, v);
        sorted_add(&r->others, buf_span(&r->text));
}

static int end_entry(struct reading *r)
{
        int rc;

        state_text(r->out, "dn", buf_span(&r->dn));
        state_str(r->out, "member", "");
        rc = sorted_put(&r->others, r->out, "attributes", VALUES_MAX);
        if (rc == 0)
                rc = sorted_put(&r->classes, r->out, "classes", OTHERS_MAX);
        if (rc == 0)
                rc = sorted_put(&r->groups, r->out, "member_of", OTHERS_MAX);
        return rc < 0 ? rc : state_end(r->out);
}

static int put_members(struct reading *r, struct span entry)
{
        int rc = 0;

        r->ldif.rest = entry;
        while (rc == 0 && ldif_next(&r->ldif)) {
                if (r->ldif.bad || attribute_of(r->ldif.name) != MEMBER)
                        continue;
                state_begin(r->out);
                state_text(r->out, "dn", buf_span(&r->dn));
                state_text(r->out, "member", buf_span(&r->ldif.value));
                rc = state_end(r->out);
        }
        return rc;
}

/* Not LDIF: the answer cannot be believed. */
static int bad_line(const struct reading *r, struct err *err)
{
        return err_set(err, -EBADMSG, "the directory's answer, line %u: no LDIF",
                       (unsigned)r->ldif.line);
}

static int put_entry(struct reading *r, struct span entry, struct err *err)
{
        uint32_t line = r->ldif.line;
        bool first = true;
        int rc;

        sorted_clear(&r->others);
        sorted_clear(&r->classes);
        sorted_clear(&r->groups);
        state_begin(r->out);
        r->ldif.rest = entry;
        while (ldif_next(&r->ldif)) {
                if (r->ldif.bad || (first && !is_word(r->ldif.name, "dn")))
                        return bad_line(r, err);
                if (first) {
                        buf_clear(&r->dn);
                        buf_put(&r->dn, buf_span(&r->ldif.value));
                } else {
                        take_attribute(r, attribute_of(r->ldif.name));
                }
                first = false;
        }
        if (first)
                return 0;
        rc = end_entry(r);
        if (rc == 0) {
                r->ldif.line = line;
                rc = put_members(r, entry);
        }
        return rc < 0 ? err_sys(err, rc, "entry in line %u", (unsigned)line + 1) : 0;
}

/* Entries, with an empty line behind each. */
static bool next_entry(struct span *all, struct span *ret)
{
        const uint8_t *end;

        if (all->n == 0)
                return false;
        end = memmem(all->p, all->n, "\n\n", 2);
        *ret = span_of(all->p, end ? (size_t)(end + 1 - all->p) : all->n);
        *all = span_from(*all, ret->n + (end ? 1 : 0));
        return true;
}

static int read_ldap(struct state_in *in, struct state_out *out, struct err *err)
{
        struct reading r = { .out = out,
                             .text = BUF_INIT(LINE_MAX_BYTES),
                             .dn = BUF_INIT(LINE_MAX_BYTES) };
        struct answer a;
        struct span all, entry;
        int rc = answer_open(in, &a, err);

        if (rc < 0)
                return rc;
        r.part = &a.part;
        r.ldif.value = r.ldif.raw = BUF_INIT(LINE_MAX_BYTES);
        sorted_init(&r.others);
        sorted_init(&r.classes);
        sorted_init(&r.groups);
        for (all = a.part.bytes; rc == 0 && next_entry(&all, &entry);) {
                rc = put_entry(&r, entry, err);
                r.ldif.line++; /* the empty one */
        }
        if (rc == 0 && out->rows == 0 &&
            out->faults == 0) /* the base itself is one, so it is hidden */
                rc = err_set(err, -EIO, "the directory shows no entry there");
        sorted_done(&r.others);
        sorted_done(&r.classes);
        sorted_done(&r.groups);
        buf_done(&r.text);
        buf_done(&r.dn);
        buf_done(&r.ldif.value);
        buf_done(&r.ldif.raw);
        return rc;
}

const struct state_table state_ldap = {
        .name = "ldap",
        .alert = "yes",
        .about = "entries of a directory, and who is in which of its groups",
        STATE_COLUMNS(columns),
        STATE_SETTINGS(settings),
        .settings_wrong = settings_wrong,
        .every_s = 600,
        .flags = STATE_PERSONAL,
        .read = read_ldap,
};

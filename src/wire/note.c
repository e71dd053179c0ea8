/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/note.h"

#include "base/text.h"

/* Before each signature: em dash, blank. */
static const struct span sig_prefix = SPAN_INIT("\xe2\x80\x94 ");

/* ---- names ---- */

/* One code point of valid UTF-8, *p advanced. */
static uint32_t next_rune(const uint8_t **p)
{
        const uint8_t *s = *p;
        uint32_t r = s[0];
        unsigned more = r < 0x80 ? 0 : r < 0xe0 ? 1 : r < 0xf0 ? 2 : 3;

        if (more)
                r &= 0x3fu >> more;
        for (unsigned i = 1; i <= more; i++)
                r = r << 6 | (s[i] & 0x3fu);
        *p += 1 + more;
        return r;
}

/* Blank in Unicode's sense (White_Space), or a control character. */
static bool is_blank_or_control(uint32_t r)
{
        return r <= 0x20 || (r >= 0x7f && r <= 0xa0) || r == 0x1680 ||
               (r >= 0x2000 && r <= 0x200a) || r == 0x2028 || r == 0x2029 || r == 0x202f ||
               r == 0x205f || r == 0x3000;
}

bool note_name_ok(struct span name)
{
        const uint8_t *p = name.p;
        uint32_t r;

        if (name.n == 0 || name.n > NOTE_NAME_MAX || !text_is_utf8(name, NULL))
                return false;
        while (p < name.p + name.n) {
                r = next_rune(&p);
                if (r == '+' || is_blank_or_control(r))
                        return false;
        }
        return true;
}

/* What looks like nothing, or turns what follows: two names that look the same are for fraud. */
static bool is_invisible(uint32_t r)
{
        return r == 0xad || r == 0x61c || r == 0x180e || (r >= 0x200b && r <= 0x200f) ||
               (r >= 0x202a && r <= 0x202e) || (r >= 0x2060 && r <= 0x206f) || r == 0xfeff ||
               (r >= 0xfff0 && r <= 0xfffb) || (r >= 0xe0000 && r <= 0xe0fff);
}

/* A URL without segments that lead elsewhere once it is one. */
static bool has_plain_segments(struct span origin)
{
        const uint8_t *slash;
        size_t n;

        for (;; origin = span_from(origin, n + 1)) {
                slash = origin.n ? memchr(origin.p, '/', origin.n) : NULL;
                n = slash ? (size_t)(slash - origin.p) : origin.n;
                if (n == 0 || span_eq_str(span_of(origin.p, n), ".") ||
                    span_eq_str(span_of(origin.p, n), ".."))
                        return false;
                if (!slash)
                        return true;
        }
}

bool note_origin_ok(struct span origin)
{
        const uint8_t *p = origin.p;

        if (!note_name_ok(origin) || memmem(origin.p, origin.n, "://", 3))
                return false;
        while (p < origin.p + origin.n)
                if (is_invisible(next_rune(&p)))
                        return false;
        return has_plain_segments(origin);
}

/* ---- notes ---- */

static size_t line_of(struct span s, size_t at)
{
        size_t line = 1;

        for (size_t i = 0; i < at && i < s.n; i++)
                line += s.p[i] == '\n';
        return line;
}

/* Takes one line off *rest, without its newline; false when none is complete. */
static bool next_line(struct span *rest, struct span *ret)
{
        const uint8_t *nl = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;

        if (!nl)
                return false;
        *ret = span_of(rest->p, (size_t)(nl - rest->p));
        *rest = span_from(*rest, ret->n + 1);
        return true;
}

/* NULL, or what is wrong with a signature line. */
static const char *parse_sig(struct span line, struct note_sig *ret)
{
        uint8_t raw[NOTE_KEYID + NOTE_SIG_MAX];
        const uint8_t *blank;
        size_t n;

        if (!span_starts(line, sig_prefix))
                return "does not begin with an em dash and a blank";
        line = span_from(line, sig_prefix.n);
        blank = line.n ? memchr(line.p, ' ', line.n) : NULL;
        if (!blank)
                return "has no blank between name and signature";
        ret->name = span_of(line.p, (size_t)(blank - line.p));
        if (!note_name_ok(ret->name))
                return "has a malformed key name";
        if (text_from_base64(span_from(line, ret->name.n + 1), raw, sizeof raw, &n))
                return "is not strict base64, or too long";
        if (n <= NOTE_KEYID)
                return "is shorter than a key ID and a signature";
        memcpy(ret->keyid, raw, NOTE_KEYID);
        ret->sig_n = n - NOTE_KEYID;
        memcpy(ret->sig, raw + NOTE_KEYID, ret->sig_n);
        return NULL;
}

/* UTF-8 without control characters other than the newline. */
static int check_text(struct span s, struct err *err)
{
        size_t at;

        if (!text_is_utf8(s, &at))
                return err_set(err, -EBADMSG, "note line %zu: byte %zu is not UTF-8",
                               line_of(s, at), at);
        for (at = 0; at < s.n; at++)
                if (s.p[at] < 0x20 && s.p[at] != '\n')
                        return err_set(err, -EBADMSG,
                                       "note line %zu: control character 0x%02x at byte %zu",
                                       line_of(s, at), s.p[at], at);
        return 0;
}

static int split(struct span s, struct note *ret, struct err *err)
{
        for (size_t i = s.n; i >= 2; i--)
                if (s.p[i - 1] == '\n' && s.p[i - 2] == '\n') {
                        ret->text = span_of(s.p, i - 1);
                        ret->sigs = span_from(s, i);
                        return 0;
                }
        return err_set(err, -EBADMSG, "note: no blank line before the signatures");
}

int note_parse(struct span s, struct note *ret, struct err *err)
{
        struct note n = { 0 };
        struct note_sig sig;
        struct span rest, line;
        const char *why;
        int r;

        if (s.n > NOTE_MAX)
                return err_set(err, -EBADMSG, "note: %zu bytes, at most %d are read", s.n,
                               NOTE_MAX);
        r = check_text(s, err);
        if (!r)
                r = split(s, &n, err);
        if (r)
                return r;
        if (n.sigs.n == 0 || n.sigs.p[n.sigs.n - 1] != '\n')
                return err_set(err, -EBADMSG,
                               n.sigs.n ? "note: the last line has no newline"
                                        : "note: no signature");
        rest = n.sigs;
        while (next_line(&rest, &line)) {
                why = parse_sig(line, &sig);
                if (why || n.n_sigs == NOTE_SIGS_MAX)
                        return err_set(err, -EBADMSG, "note line %zu: signature %zu %s",
                                       line_of(s, (size_t)(line.p - s.p)), n.n_sigs + 1,
                                       why ? why : "is one too many");
                n.n_sigs++;
        }
        *ret = n;
        return 0;
}

bool note_next_sig(struct span *rest, struct note_sig *ret)
{
        struct span line;
        const char *why;

        if (!next_line(rest, &line))
                return false;
        why = parse_sig(line, ret);
        assert(!why);
        return true;
}

void note_put_sig(struct buf *out, struct span name, const uint8_t keyid[NOTE_KEYID],
                  struct span sig)
{
        uint8_t raw[NOTE_KEYID + NOTE_SIG_MAX];

        assert(note_name_ok(name) && sig.n > 0 && sig.n <= NOTE_SIG_MAX);
        memcpy(raw, keyid, NOTE_KEYID);
        memcpy(raw + NOTE_KEYID, sig.p, sig.n);
        buf_put(out, sig_prefix);
        buf_put(out, name);
        buf_put_byte(out, ' ');
        text_put_base64(out, span_of(raw, NOTE_KEYID + sig.n));
        buf_put_byte(out, '\n');
}

/* ---- verifier keys ---- */

/* Up to the first plus; false when there is none. */
static bool until_plus(struct span *rest, struct span *ret)
{
        const uint8_t *plus = rest->n ? memchr(rest->p, '+', rest->n) : NULL;

        if (!plus)
                return false;
        *ret = span_of(rest->p, (size_t)(plus - rest->p));
        *rest = span_from(*rest, ret->n + 1);
        return true;
}

static size_t key_length(uint8_t alg)
{
        switch (alg) {
        case NOTE_ED25519:
        case NOTE_COSIGNATURE_V1:
                return 32;
        case NOTE_ML_DSA_44:
                return 1312;
        default:
                return 0; /* unknown: any */
        }
}

int note_vkey_parse(struct span s, struct note_vkey *ret, struct err *err)
{
        uint8_t raw[1 + sizeof ret->key];
        struct note_vkey k = { 0 };
        struct span name, id;
        size_t n, want;

        if (!until_plus(&s, &name) || !until_plus(&s, &id))
                return err_set(err, -EBADMSG, "vkey: not of the form name+keyid+key");
        if (!note_name_ok(name))
                return err_set(err, -EBADMSG, "vkey: malformed name");
        if (text_from_hex(id, k.keyid, NOTE_KEYID))
                return err_set(err, -EBADMSG, "vkey: the key ID is not 8 lower-case hex digits");
        if (text_from_base64(s, raw, sizeof raw, &n) || n < 2)
                return err_set(err, -EBADMSG,
                               "vkey: the key is not strict base64 of a type and a key");
        k.alg = raw[0];
        k.key_n = n - 1;
        want = key_length(k.alg);
        if (want && want != k.key_n)
                return err_set(err, -EBADMSG, "vkey: a key of type %u has %zu bytes, not %zu",
                               k.alg, want, k.key_n);
        memcpy(k.name, name.p, name.n);
        memcpy(k.key, raw + 1, k.key_n);
        *ret = k;
        return 0;
}

void note_vkey_put(struct buf *out, const struct note_vkey *k)
{
        uint8_t raw[1 + sizeof k->key];
        char id[2 * NOTE_KEYID + 1];

        assert(k->key_n <= sizeof k->key);
        raw[0] = k->alg;
        memcpy(raw + 1, k->key, k->key_n);
        text_hex(span_of(k->keyid, NOTE_KEYID), id);
        buf_printf(out, "%s+%s+", k->name, id);
        text_put_base64(out, span_of(raw, 1 + k->key_n));
}

/* ---- checkpoints ---- */

static int check_extensions(struct span s, struct err *err)
{
        struct span line;
        size_t n = 4;

        for (; next_line(&s, &line); n++)
                if (line.n == 0)
                        return err_set(err, -EBADMSG, "checkpoint line %zu: empty", n);
        if (s.n)
                return err_set(err, -EBADMSG, "checkpoint line %zu: no newline at the end", n);
        return 0;
}

int checkpoint_parse(struct span text, struct checkpoint *ret, struct err *err)
{
        struct checkpoint c = { 0 };
        struct span origin, size, root;
        size_t n;

        if (!next_line(&text, &origin) || !next_line(&text, &size) || !next_line(&text, &root))
                return err_set(err, -EBADMSG, "checkpoint: fewer than three lines");
        if (!note_name_ok(origin))
                return err_set(err, -EBADMSG, "checkpoint line 1: malformed origin");
        if (text_to_u64(size, &c.size))
                return err_set(err, -EBADMSG, "checkpoint line 2: the size is not a plain number");
        if (c.size > INT64_MAX)
                return err_set(err, -EBADMSG, "checkpoint line 2: the size is above 2^63 - 1");
        if (text_from_base64(root, c.root.b, HASH_LEN, &n) || n != HASH_LEN)
                return err_set(err, -EBADMSG,
                               "checkpoint line 3: the root is not strict base64 of 32 bytes");
        if (check_extensions(text, err))
                return -EBADMSG;
        memcpy(c.origin, origin.p, origin.n);
        c.extensions = text;
        *ret = c;
        return 0;
}

void checkpoint_put(struct buf *out, const struct checkpoint *c)
{
        buf_printf(out, "%s\n%llu\n", c->origin, (unsigned long long)c->size);
        text_put_base64(out, span_of(c->root.b, HASH_LEN));
        buf_put_byte(out, '\n');
        buf_put(out, c->extensions);
}

void cosignature_put_message(struct buf *out, uint64_t seconds, struct span text)
{
        buf_printf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)seconds);
        buf_put(out, text);
}

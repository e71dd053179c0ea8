/* SPDX-License-Identifier: Apache-2.0 */
#include "package/registry/approval.h"

#include "base/text.h"
#include "crypto/sha256.h"

static const char title[] = "assay deployment";

bool approval_change_ok(struct span change)
{
        if (change.n == 0 || change.n > APPROVAL_CHANGE_MAX || change.p[0] == ' ' ||
            change.p[change.n - 1] == ' ' || !text_is_utf8(change, NULL))
                return false;
        for (size_t i = 0; i < change.n; i++)
                if (change.p[i] < ' ' || change.p[i] == 0x7f)
                        return false;
        return true;
}

static void put_text(const struct approval *a, struct buf *out)
{
        char hex[2 * PACKAGE_HASH + 1], time[TEXT_TIME_LEN + 1];

        text_hex(span_of(a->sha256, PACKAGE_HASH), hex);
        text_time(a->until_ns, time);
        buf_printf(out, "%s\n%s\n%s\n%s\n%s\n%s\n", title, a->api, a->version, hex, a->change,
                   time);
}

/* ---- reading ---- */

/* The line, without its newline; false: there is none. */
static bool next_line(struct span *rest, struct span *ret)
{
        const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;

        if (!end)
                return false;
        *ret = span_of(rest->p, (size_t)(end - rest->p));
        *rest = span_from(*rest, ret->n + 1);
        return true;
}

static void keep(struct span s, char *out)
{
        memcpy(out, s.p, s.n);
        out[s.n] = '\0';
}

static int read_text(struct span text, struct approval *a, struct err *err)
{
        struct span line, rest = text;

        if (!next_line(&rest, &line) || !span_eq_str(line, title))
                return err_set(err, -EBADMSG, "line 1: this is no approval of a deployment");
        if (!next_line(&rest, &line) || !package_api_ok(line))
                return err_set(err, -EBADMSG, "line 2: no name of an API");
        keep(line, a->api);
        if (!next_line(&rest, &line) || !package_version_ok(line))
                return err_set(err, -EBADMSG, "line 3: no version");
        keep(line, a->version);
        if (!next_line(&rest, &line) || text_from_hex(line, a->sha256, PACKAGE_HASH) < 0)
                return err_set(err, -EBADMSG, "line 4: no SHA-256");
        if (!next_line(&rest, &line) || !approval_change_ok(line))
                return err_set(err, -EBADMSG, "line 5: no id of a change");
        keep(line, a->change);
        if (!next_line(&rest, &line) || text_to_time(line, &a->until_ns) < 0)
                return err_set(err, -EBADMSG, "line 6: no time");
        if (rest.n > 0)
                return err_set(err, -EBADMSG, "line 7: nothing should stand here");
        sha256(text, a->digest);
        return 0;
}

int approval_read(struct span note, struct approval *ret, struct err *err)
{
        struct approval a = { 0 };
        struct note n;
        int r = note.n <= APPROVAL_MAX
                        ? note_parse(note, &n, err)
                        : err_set(err, -EBADMSG, "longer than %d bytes", APPROVAL_MAX);

        if (r == 0)
                r = read_text(n.text, &a, err);
        if (r < 0)
                return err_wrap(err, "approval"), r;
        *ret = a;
        return 0;
}

int approval_verify(struct span note, const struct span *vkeys, size_t n, size_t *ret_key,
                    struct err *err)
{
        struct note_vkey key;
        struct note parsed;
        int r = note_parse(note, &parsed, err);

        for (size_t i = 0; i < n && r == 0; i++) {
                r = verifier_parse(vkeys[i], &key, err);
                if (r == 0)
                        r = verifier_check(&key, &parsed, NULL, err);
                if (r == 0) {
                        *ret_key = i;
                        return 0;
                }
                if (r == -ENOENT) /* it is not signed by this one */
                        r = 0;
        }
        if (r == 0)
                r = err_set(err, -ENOKEY, "signed by none of the %zu who may", n);
        return err_wrap(err, "approval"), r;
}

/* ---- signing ---- */

int approval_sign(struct approval *a, const struct signer *signer, struct buf *out, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(APPROVAL_MAX);
        struct approval same;
        struct note_vkey key;
        int r;

        signer_vkey(signer, &key);
        if (key.alg != NOTE_ED25519)
                return err_set(err, -EINVAL, "key %s: approvals are signed with Ed25519 keys",
                               key.name);
        put_text(a, &text);
        r = buf_status(&text);
        if (r < 0)
                return err_sys(err, r, "approval");
        if (read_text(buf_span(&text), &same, err) < 0)
                return err_set(err, -EINVAL,
                               "approval: the API, the version or the change is none");
        memcpy(a->digest, same.digest, sizeof a->digest);
        buf_put(out, buf_span(&text));
        buf_put_byte(out, '\n');
        return signer_sign(signer, buf_span(&text), 0, out, err);
}

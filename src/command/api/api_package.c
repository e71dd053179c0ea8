/* SPDX-License-Identifier: Apache-2.0 */
/* api_package.c - see api_package.h. */
#include "command/api/api_package.h"

#include <stdlib.h>

#include "base/text.h"
#include "sys/io.h"

enum { ARENA_MAX = 1 << 20, NOTE_TEXT_MAX = 512 };

int api_package_read(const char *path, struct api_package *ret, struct err *err)
{
        struct api_package p = { .arena = ARENA_INIT(ARENA_MAX) };
        bool input = strcmp(path, "-") == 0;
        size_t n;
        int r = io_read_given(input ? "/dev/stdin" : path, PACKAGE_FILE_MAX, &p.bytes, &n, err);

        if (r < 0)
                return r;
        r = package_file_read(span_of(p.bytes, n), &p.arena, &p.file, err);
        if (r < 0) {
                api_package_done(&p);
                return err_wrap(err, "%s", input ? "standard input" : path);
        }
        *ret = p;
        return 0;
}

void api_package_done(struct api_package *p)
{
        free(p->bytes);
        arena_done(&p->arena);
        *p = (struct api_package){ 0 };
}

void api_package_put_title(const struct package_file *f, struct buf *out)
{
        buf_put(out, f->api); /* its name and version are of letters, digits and a few marks */
        buf_put_byte(out, ' ');
        buf_put(out, f->version);
}

/* ---- signatures ---- */

static bool is_of(const struct api_signature *s, const struct note_vkey *key)
{
        return span_eq_str(s->name, key->name) && memcmp(s->keyid, key->keyid, NOTE_KEYID) == 0;
}

/* What one key says of the signatures that bear its name and number. */
static int judge(const struct package_file *f, const char *text, struct api_signature *list,
                 size_t n, struct err *err)
{
        struct span vkey = span_str(text);
        struct note_vkey key;
        struct err why = { 0 };
        size_t which;
        int r = verifier_parse(vkey, &key, err);

        if (r < 0)
                return err_wrap(err, "--key %s", text);
        r = package_file_verify(f, &vkey, 1, &which, &why);
        if (r < 0 && r != -ENOKEY && r != -EBADMSG)
                return err_set(err, r, "--key %s: %s", text, err_text(&why));
        for (size_t i = 0; i < n; i++)
                if (is_of(&list[i], &key))
                        list[i].state = r == 0 ? API_SIGNATURE_GOOD : API_SIGNATURE_BAD;
        return 0;
}

static int check_text(const struct package_file *f, const struct note *note, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_TEXT_MAX);

        package_note_text(f, &text);
        if (buf_status(&text) < 0)
                return err_sys(err, buf_status(&text), "signatures");
        if (!span_eq(note->text, buf_span(&text)))
                return err_set(err, -EBADMSG, "signatures: they are of another package");
        return 0;
}

int api_package_signatures(const struct package_file *f, const struct option_texts *keys,
                           struct api_signature *ret, size_t *ret_n, struct err *err)
{
        struct note note = { 0 };
        struct note_sig sig;
        struct span rest;
        size_t n = 0;
        int r = 0;

        if (f->note.n) {
                r = note_parse(f->note, &note, err);
                if (r == 0)
                        r = check_text(f, &note, err);
        }
        for (rest = note.sigs; r == 0 && n < NOTE_SIGS_MAX && note_next_sig(&rest, &sig); n++) {
                ret[n].name = sig.name;
                memcpy(ret[n].keyid, sig.keyid, NOTE_KEYID);
                ret[n].state = API_SIGNATURE_UNJUDGED;
        }
        for (size_t i = 0; r == 0 && i < keys->n; i++)
                r = judge(f, keys->at[i], ret, n, err);
        if (r == 0)
                *ret_n = n;
        return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs "aptlist" and "aptsources": sources.list(5) in its two forms; wire/source_fact.h has
 * their facts.
 *
 *   deb [signed-by=/k.gpg,/l.gpg trusted=yes] http://example.org/debian stable main
 *
 *   Types: deb
 *   URIs: http://example.org/debian
 *   Suites: stable stable-updates
 *   Components: main
 *   Signed-By: /k.gpg */
#include "base/text.h"
#include "job/deb822.h"
#include "job/job.h"
#include "wire/source_fact.h"

#include <stdlib.h>
#include <string.h>

/* A paragraph, or a line, as far as it has been read. */
struct source {
        struct job_out *out;
        bool binary, disabled;
        struct buf uris, suites; /* words with blanks between */
        struct buf key;
        bool in_key;
        const char *bad; /* why it cannot be told */
        struct source_fact fact;
};

static bool is_yes(struct span s)
{
        static const char *const words[] = { "yes", "true", "with", "on", "enable", "1" };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (deb822_is(s, words[i]))
                        return true;
        return false;
}

static bool is_text(struct span s, size_t max)
{
        return s.n <= max && text_is_utf8(s, NULL) && (s.n == 0 || !memchr(s.p, '\0', s.n));
}

static void begin(struct source *s)
{
        s->binary = s->disabled = s->in_key = false;
        s->bad = NULL;
        buf_clear(&s->uris);
        buf_clear(&s->suites);
        buf_clear(&s->key);
        source_fact_clear(&s->fact);
}

static void put_text(char *out, struct span text)
{
        if (text.n)
                memcpy(out, text.p, text.n);
        out[text.n] = '\0';
}

static void add_words(struct buf *b, struct span text)
{
        buf_put(b, text);
        buf_put_byte(b, ' ');
}

static void add_signer(struct source *s, struct span name)
{
        if (s->fact.n_signers == SOURCE_SIGNERS_MAX || !is_text(name, SOURCE_SIGNER_MAX) ||
            memchr(name.p, '"', name.n) || memchr(name.p, '\\', name.n))
                s->bad = "keyrings that cannot be told";
        else
                put_text(s->fact.signer[s->fact.n_signers++], name);
}

/* Nobody needs the password. */
static void put_uri(struct span uri, char out[SOURCE_URI_MAX + 1])
{
        const uint8_t *end = memmem(uri.p, uri.n, "://", 3), *at;
        size_t scheme = end ? (size_t)(end - uri.p) + 3 : 0, host;
        struct span rest = span_from(uri, scheme);
        const uint8_t *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;

        host = slash ? (size_t)(slash - rest.p) : rest.n;
        at = scheme && host ? memrchr(rest.p, '@', host) : NULL;
        if (at)
                rest = span_from(rest, (size_t)(at - rest.p) + 1);
        memcpy(out, uri.p, scheme);
        memcpy(out + scheme, rest.p, rest.n);
        out[scheme + rest.n] = '\0';
}

static int tell_pair(struct source *s, struct span uri, struct span suite, uint32_t line)
{
        if (!is_text(uri, SOURCE_URI_MAX) || !is_text(suite, SOURCE_SUITE_MAX))
                return job_out_bad_line(s->out, line, "no URI or suite");
        put_uri(uri, s->fact.uri);
        put_text(s->fact.suite, suite);
        source_fact_put(job_out_begin(s->out), &s->fact);
        return job_out_end(s->out);
}

/* One fact for each pair of URI and suite. */
static int tell(struct source *s, uint32_t line)
{
        struct span uris = buf_span(&s->uris), suites, uri, suite;
        int r;

        r = MIN_OF(MIN_OF(buf_status(&s->uris), buf_status(&s->suites)), buf_status(&s->key));
        if (s->bad || r == -E2BIG)
                return job_out_bad_line(s->out, line, s->bad ? s->bad : "longer than any source");
        if (r < 0 || !s->binary || s->disabled)
                return r;
        put_text(s->fact.key, buf_span(&s->key));
        while (r == 0 && deb822_word(&uris, &uri)) {
                suites = buf_span(&s->suites);
                while (r == 0 && deb822_word(&suites, &suite))
                        r = tell_pair(s, uri, suite, line);
        }
        return r;
}

/* ---- paragraphs ---- */

struct paragraphs {
        struct source *s;
        struct deb822 text;
};

/* A keyring's path, a key's fingerprint, or the key itself on the lines that follow. */
static void take_signed_by(struct source *s, const struct deb822_line *l)
{
        struct span rest = l->text, word;

        if (span_starts(l->text, SPAN("-----BEGIN ")))
                s->in_key = true;
        if (s->in_key) {
                if (!is_text(l->text, SOURCE_KEY_MAX))
                        s->bad = "a key that is no text";
                if (!span_eq_str(l->text, ".")) /* an empty line, as paragraphs write it */
                        buf_put(&s->key, l->text);
                buf_put_byte(&s->key, '\n');
                return;
        }
        while (deb822_word(&rest, &word))
                add_signer(s, word);
}

static int on_line(void *ctx, const struct deb822_line *l, struct err *err)
{
        struct paragraphs *p = ctx;
        struct source *s = p->s;
        struct span rest = l->text, word;

        if (l->cut)
                s->bad = "a line that is too long";
        else if (deb822_is(l->field, "Types"))
                while (deb822_word(&rest, &word))
                        s->binary |= span_eq_str(word, "deb");
        else if (deb822_is(l->field, "URIs"))
                add_words(&s->uris, l->text);
        else if (deb822_is(l->field, "Suites"))
                add_words(&s->suites, l->text);
        else if (deb822_is(l->field, "Enabled"))
                s->disabled = !is_yes(l->text);
        else if (deb822_is(l->field, "Trusted"))
                s->fact.trusted = is_yes(l->text);
        else if (deb822_is(l->field, "Signed-By"))
                take_signed_by(s, l);
        return 0;
}

static int on_end(void *ctx, struct err *err)
{
        struct paragraphs *p = ctx;
        int r = tell(p->s, (uint32_t)p->text.number);

        begin(p->s);
        return r < 0 ? err_sys(err, r, "sources") : 0;
}

static int read_paragraphs(struct source *s, struct span text, struct err *err)
{
        struct paragraphs p = { .s = s };
        int r;

        deb822_init(&p.text, on_line, on_end, &p);
        p.text.comments = true;
        r = deb822_feed(&p.text, text, err);
        if (r == 0)
                r = deb822_finish(&p.text, err);
        deb822_done(&p.text);
        return r;
}

/* ---- lines ---- */

static void take_option(struct source *s, struct span option)
{
        struct span name, one;

        if (!job_cut(&option, '=', &name))
                return;
        if (deb822_is(name, "trusted"))
                s->fact.trusted = is_yes(option);
        if (deb822_is(name, "signed-by"))
                while (job_cut(&option, ',', &one))
                        if (one.n > 0)
                                add_signer(s, one);
}

/* "[a=b c=d]": takes it off *rest. */
static void take_options(struct source *s, struct span *rest)
{
        struct span inside, option;
        const uint8_t *end;

        *rest = deb822_trim(*rest);
        if (rest->n == 0 || rest->p[0] != '[')
                return;
        end = memchr(rest->p, ']', rest->n);
        if (!end) {
                s->bad = "options without end";
                return;
        }
        inside = span_of(rest->p + 1, (size_t)(end - rest->p) - 1);
        *rest = span_from(*rest, inside.n + 2);
        while (deb822_word(&inside, &option))
                take_option(s, option);
}

static int take_line(struct source *s, struct span line, uint32_t number)
{
        const uint8_t *hash = line.n ? memchr(line.p, '#', line.n) : NULL;
        struct span type, uri, suite;

        if (hash)
                line.n = (size_t)(hash - line.p);
        if (!deb822_word(&line, &type))
                return 0;
        begin(s);
        s->binary = span_eq_str(type, "deb");
        if (!s->binary && !span_eq_str(type, "deb-src"))
                s->bad = "no source";
        take_options(s, &line);
        if (deb822_word(&line, &uri) && deb822_word(&line, &suite)) {
                add_words(&s->uris, uri);
                add_words(&s->suites, suite);
        } else {
                s->bad = s->bad ? s->bad : "no URI or suite";
        }
        return tell(s, number);
}

static int read_lines(struct source *s, struct span text, struct err *err)
{
        struct span line;
        int r = 0;

        for (uint32_t n = 1; r == 0 && job_cut(&text, '\n', &line); n++)
                r = take_line(s, line, n);
        return r < 0 ? err_sys(err, r, "sources") : 0;
}

/* ---- the job ---- */

static int read_form(struct job_out *out, struct span text, bool lines, struct err *err)
{
        struct source *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return err_sys(err, -ENOMEM, "sources");
        s->out = out;
        s->uris = s->suites = BUF_INIT(64 * 1024);
        s->key = BUF_INIT(SOURCE_KEY_MAX);
        r = lines ? read_lines(s, text, err) : read_paragraphs(s, text, err);
        buf_done(&s->uris);
        buf_done(&s->suites);
        buf_done(&s->key);
        free(s);
        return r;
}

int job_aptlist(struct job_out *out, struct span input, struct err *err)
{
        return read_form(out, input, true, err);
}

int job_aptsources(struct job_out *out, struct span input, struct err *err)
{
        return read_form(out, input, false, err);
}

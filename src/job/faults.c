/* SPDX-License-Identifier: Apache-2.0 */
#include "job/faults.h"

#include "base/text.h"
#include "wire/kind.h"
#include "wire/retention_fact.h"

#include <stdio.h>

int faults_read(struct faults *f, struct span input, struct arena *a, struct yaml_node **ret)
{
        struct yaml_fault fault;
        int rc = yaml_read(input, a, ret, &fault);

        if (rc == -EBADMSG)
                faults_add(f, fault.mark, "%s", fault.text);
        return rc == -EBADMSG ? 0 : rc < 0 ? rc : 1;
}

static bool before(struct yaml_mark a, struct yaml_mark b)
{
        return a.line != b.line ? a.line < b.line : a.column < b.column;
}

void faults_add_v(struct faults *f, struct yaml_mark at, const char *fmt, va_list ap)
{
        struct yaml_fault new = { .mark = at };
        size_t i = f->n;

        vsnprintf(new.text, sizeof new.text, fmt, ap);
        for (size_t n = strlen(new.text); n > 0 && !text_is_utf8(span_of(new.text, n), NULL);)
                new.text[--n] = '\0'; /* cut within a character */
        if (i == FAULTS_MAX) {
                f->more++;
                if (!before(at, f->at[--i].mark))
                        return;
        } else {
                f->n++;
        }
        while (i > 0 && before(at, f->at[i - 1].mark)) {
                f->at[i] = f->at[i - 1];
                i--;
        }
        f->at[i] = new;
}

void faults_add(struct faults *f, struct yaml_mark at, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        faults_add_v(f, at, fmt, ap);
        va_end(ap);
}

static int tell(struct job_out *out, struct yaml_mark at, const char *text)
{
        struct json_writer *j = job_out_begin(out);

        json_member_u64(j, "column", at.column);
        json_member_text(j, "fault", text);
        json_member_u64(j, "line", at.line);
        return job_out_end(out);
}

int faults_tell(const struct faults *f, struct job_out *out)
{
        char more[32];
        int rc = 0;

        for (size_t i = 0; i < f->n && rc == 0; i++)
                rc = tell(out, f->at[i].mark, f->at[i].text);
        if (rc < 0 || f->more == 0)
                return rc;
        snprintf(more, sizeof more, "and %zu more", f->more);
        return tell(out, (struct yaml_mark){ 0 }, more);
}

/* ---- values ---- */

bool yaml_get_text(struct faults *f, const struct yaml_node *n, const char *wanted,
                   struct span *ret)
{
        if (n->type != YAML_TEXT || (n->plain && n->text.n == 0)) {
                faults_add(f, n->mark, "%s should stand here, not %s", wanted,
                           n->type == YAML_MAP    ? "keys"
                           : n->type == YAML_LIST ? "a list"
                                                  : "nothing");
                return false;
        }
        *ret = n->text;
        return true;
}

bool yaml_get_number(struct faults *f, const struct yaml_node *n, const char *wanted,
                     const struct yaml_unit *units, size_t n_units, uint64_t *ret)
{
        size_t digits = 0;
        uint64_t v;
        struct span s;

        if (!yaml_get_text(f, n, wanted, &s))
                return false;
        while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
                digits++;
        if (text_to_u64(span_of(s.p, digits), &v) == 0)
                for (size_t i = 0; i < n_units; i++)
                        if (span_eq_str(span_from(s, digits), units[i].name) &&
                            !__builtin_mul_overflow(v, units[i].times, &v) && v < 1ull << 53) {
                                *ret = v;
                                return true;
                        }
        faults_add(f, n->mark, "%s should stand here, not \"%.*s\"", wanted, SHOWN(s));
        return false;
}

/* A family of Assay's own has only the kinds of the table; a ledger may hold others besides. */
static bool is_misspelt(struct span name)
{
        const uint8_t *dot = memchr(name.p, '.', name.n);
        struct span family = span_of(name.p, dot ? (size_t)(dot + 1 - name.p) : 0);
        bool known = false;

        for (size_t i = 0; i < kind_count; i++) {
                struct span kind = span_str(kind_table[i].name);

                if (name.p[name.n - 1] == '*' ? span_starts(kind, span_of(name.p, name.n - 1))
                                              : span_eq(kind, name))
                        return false;
                known = known || span_starts(kind, family);
        }
        return known;
}

bool yaml_check_kind(struct faults *f, struct yaml_mark at, struct span name)
{
        if (!retention_name_ok(name))
                faults_add(f, at,
                           "\"%.*s\" is no kind: as integrity.change, or integrity.* for all of "
                           "them",
                           SHOWN(name));
        else if (is_misspelt(name))
                faults_add(f, at, "there is no kind \"%.*s\"", SHOWN(name));
        else
                return true;
        return false;
}

/* ---- keys ---- */

const struct yaml_node *yaml_same_key(const struct yaml_node *map, const struct yaml_node *key)
{
        const struct yaml_node *k = map->child;

        while (k != key && !span_eq(k->text, key->text))
                k = k->next;
        return k == key ? NULL : k;
}

void yaml_take_each(struct faults *f, const struct yaml_node *map,
                    void (*take)(void *ctx, const struct yaml_node *key), void *ctx)
{
        for (const struct yaml_node *k = map->child; k; k = k->next) {
                const struct yaml_node *same = yaml_same_key(map, k);

                if (same)
                        faults_add(f, k->mark, "%.*s is there twice, first in line %u",
                                   SHOWN(k->text), (unsigned)same->mark.line);
                else
                        take(ctx, k);
        }
}

static void unknown_key(struct faults *f, const struct yaml_node *k, const struct yaml_key *keys,
                        size_t n)
{
        char known[160];
        size_t used = 0;

        for (size_t i = 0; i < n; i++)
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                         keys[i].name);
        assert(used < sizeof known);
        faults_add(f, k->mark, "unknown key \"%.*s\": there are %s", SHOWN(k->text), known);
}

void yaml_take_keys(struct faults *f, const struct yaml_node *map, const struct yaml_key *keys,
                    size_t n, void *ctx, const char *what, struct yaml_mark at)
{
        uint32_t seen = 0;

        assert(n <= 32);
        for (const struct yaml_node *k = map->child; k; k = k->next) {
                const struct yaml_node *same = yaml_same_key(map, k);
                size_t i = 0;

                if (same) {
                        faults_add(f, k->mark, "key \"%.*s\" is there twice, first in line %u",
                                   SHOWN(k->text), (unsigned)same->mark.line);
                        continue;
                }
                while (i < n && !span_eq_str(k->text, keys[i].name))
                        i++;
                if (i == n) {
                        unknown_key(f, k, keys, n);
                        continue;
                }
                seen |= 1u << i;
                keys[i].take(ctx, k->value);
        }
        for (size_t i = 0; i < n; i++)
                if (keys[i].required && !(seen >> i & 1))
                        faults_add(f, at, "%s has no %s", what, keys[i].name);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "job/yaml_source.h"

#include "job/yaml.h"
#include "package/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
        struct arena scratch; /* the texts and maps of yaml.h */
        struct arena *arena;
        struct lint *l;
        const struct source_node *odd; /* the first number that JSON has not; NULL */
        uint32_t n_odd;
};

/* A span of theirs within a message, for "%.*s". */
#define SHOWN(s) (int)MIN_OF((s).n, (size_t)60), (const char *)(s).p

/* A text in quotes is marked behind its first one, and people look for the quote. */
static struct source_mark mark_of(const struct yaml_node *n)
{
        return (struct source_mark){ n->mark.line, n->mark.column - n->quoted };
}

static bool one_of(struct span s, const char *const *names)
{
        for (; *names; names++)
                if (span_eq_str(s, *names))
                        return true;
        return false;
}

/* ---- numbers ---- */

static size_t digits_from(struct span s, size_t at)
{
        size_t n = 0;

        while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
                n++;
        return n;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?  in its parts. */
struct number {
        bool negative;
        struct span whole, fraction, exponent; /* the last with its letter */
};

static bool take_number(struct span s, struct number *ret)
{
        bool sign = s.n && (s.p[0] == '-' || s.p[0] == '+');
        size_t at = sign, n = digits_from(s, at);
        struct number x = { .negative = sign && s.p[0] == '-', .whole = span_of(s.p + at, n) };

        at += n;
        if (at < s.n && s.p[at] == '.') {
                n = digits_from(s, ++at);
                x.fraction = span_of(s.p + at, n);
                at += n;
        }
        if (x.whole.n + x.fraction.n == 0)
                return false;
        if (at < s.n && (s.p[at] | 0x20) == 'e') {
                size_t signs = at + 1 < s.n && (s.p[at + 1] == '-' || s.p[at + 1] == '+');

                n = digits_from(s, at + 1 + signs);
                if (n == 0)
                        return false;
                x.exponent = span_of(s.p + at, 1 + signs + n);
                at += x.exponent.n;
        }
        *ret = x;
        return at == s.n;
}

static uint8_t *put(uint8_t *to, struct span s)
{
        if (s.n)
                memcpy(to, s.p, s.n);
        return to + s.n;
}

/* As RFC 8259 has it: no plus, a digit on both sides of the point. */
static int spell_number(struct reader *r, const struct number *x, struct span *ret)
{
        uint8_t *p = arena_alloc(r->arena, x->whole.n + x->fraction.n + x->exponent.n + 3);
        uint8_t *at = p;

        if (!p)
                return -ENOMEM;
        at = put(at, x->negative ? SPAN("-") : SPAN_NONE);
        at = put(at, x->whole.n ? x->whole : SPAN("0"));
        if (x->fraction.n) {
                at = put(at, SPAN("."));
                at = put(at, x->fraction);
        }
        at = put(at, x->exponent);
        *ret = span_of(p, (size_t)(at - p));
        return 0;
}

/* 0x1F and 0o17, which the core schema has and JSON has not. */
static bool is_prefixed(struct span s)
{
        static const char hex[] = "0123456789abcdefABCDEF";
        const char *allowed = span_starts(s, SPAN("0x")) ? hex : "01234567";

        if (s.n < 3 || (!span_starts(s, SPAN("0x")) && !span_starts(s, SPAN("0o"))))
                return false;
        for (size_t i = 2; i < s.n; i++)
                if (s.p[i] == 0 || !strchr(allowed, s.p[i]))
                        return false;
        return true;
}

static bool is_no_number(struct span s)
{
        static const char *const names[] = { ".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",
                                             ".INF",  "-.inf", "-.Inf", "-.INF", "+.inf",
                                             "+.Inf", "+.INF", NULL };

        return one_of(s, names);
}

/* ---- values without quotes ---- */

static void warn_boolean(struct reader *r, const struct source_node *n)
{
        static const char *const yes[] = { "yes", "Yes", "YES", "on", "On", "ON", NULL };
        static const char *const no[] = { "no", "No", "NO", "off", "Off", "OFF", NULL };
        bool is_yes = one_of(n->text, yes);

        if (is_yes || one_of(n->text, no))
                lint_warning(r->l, &n->mark,
                             "%.*s is a string and no boolean: write %s, or \"%.*s\" in quotes",
                             SHOWN(n->text), is_yes ? "true" : "false", SHOWN(n->text));
}

/* It is kept as it was written: only who uses it needs to know what it is. */
static void take_odd(struct reader *r, struct source_node *n)
{
        n->kind = SOURCE_ODD_NUMBER;
        if (r->n_odd++ == 0)
                r->odd = n;
}

static int take_number_of(struct reader *r, const struct number *x, struct source_node *n)
{
        if (x->whole.n > 1 && x->whole.p[0] == '0') {
                take_odd(r, n);
                return 0;
        }
        n->kind = SOURCE_NUMBER;
        return spell_number(r, x, &n->text);
}

static int take_plain(struct reader *r, struct source_node *n)
{
        static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
        static const char *const trues[] = { "true", "True", "TRUE", NULL };
        static const char *const falses[] = { "false", "False", "FALSE", NULL };
        struct number x;

        if (one_of(n->text, nulls)) {
                n->kind = SOURCE_NULL;
                n->text = SPAN_NONE;
        } else if (one_of(n->text, trues) || one_of(n->text, falses)) {
                n->kind = SOURCE_BOOL;
                n->boolean = one_of(n->text, trues);
                n->text = SPAN_NONE;
        } else if (take_number(n->text, &x)) {
                return take_number_of(r, &x, n);
        } else if (is_prefixed(n->text) || is_no_number(n->text)) {
                take_odd(r, n);
        } else {
                warn_boolean(r, n);
        }
        return 0;
}

static int copy_text(struct reader *r, struct span s, struct span *ret)
{
        const char *p = arena_copy(r->arena, s);

        *ret = span_of(p, s.n);
        return p ? 0 : -ENOMEM;
}

/* ---- maps ---- */

static int by_key(const void *a, const void *b)
{
        const struct yaml_node *x = *(struct yaml_node *const *)a;
        const struct yaml_node *y = *(struct yaml_node *const *)b;
        int c = span_cmp(x->text, y->text);

        if (c == 0)
                c = (x->mark.line > y->mark.line) - (x->mark.line < y->mark.line);
        return c ? c : (x->mark.column > y->mark.column) - (x->mark.column < y->mark.column);
}

/* Keys that may not stand there lose their value and are passed over afterwards. */
static void refuse_key(struct reader *r, struct yaml_node *key)
{
        struct source_mark mark = mark_of(key);

        if (key->plain && key->text.n == 0)
                lint_error(r->l, &mark, "a value without a key");
        else if (key->plain && span_eq_str(key->text, "<<"))
                lint_error(r->l, &mark, "merge keys (<<) are not taken");
        else
                return;
        key->value = NULL;
}

static void refuse_doubles(struct reader *r, struct yaml_node *const *keys, size_t n)
{
        for (size_t i = 1, first = 0; i < n; i++) {
                struct source_mark mark = mark_of(keys[i]);

                if (!span_eq(keys[i]->text, keys[first]->text)) {
                        first = i;
                        continue;
                }
                lint_error(r->l, &mark, "key \"%.*s\" is there twice, first in line %u",
                           SHOWN(keys[i]->text), (unsigned)keys[first]->mark.line);
                keys[i]->value = NULL;
        }
}

static int check_keys(struct reader *r, const struct yaml_node *map)
{
        struct yaml_node **keys;
        size_t n = 0;

        for (struct yaml_node *k = map->child; k; k = k->next)
                n++;
        keys = arena_alloc(&r->scratch, n * sizeof(struct yaml_node *));
        if (!keys)
                return -ENOMEM;
        n = 0;
        for (struct yaml_node *k = map->child; k; k = k->next)
                keys[n++] = k;
        qsort(keys, n, sizeof(struct yaml_node *), by_key);
        refuse_doubles(r, keys, n);
        for (size_t i = 0; i < n; i++)
                refuse_key(r, keys[i]);
        return 0;
}

static int take(struct reader *r, const struct yaml_node *from, struct source_node **ret);

static int take_map(struct reader *r, const struct yaml_node *from, struct source_node *map)
{
        const struct source_node **tail = &map->child;
        int rc = check_keys(r, from);

        for (const struct yaml_node *k = from->child; k && rc == 0; k = k->next) {
                struct source_node *member;

                if (!k->value)
                        continue;
                rc = take(r, k->value, &member);
                if (rc == 0)
                        rc = copy_text(r, k->text, &member->key);
                if (rc < 0)
                        return rc;
                member->key_mark = mark_of(k);
                *tail = member;
                tail = &member->next;
                map->n++;
        }
        return rc;
}

static int take_list(struct reader *r, const struct yaml_node *from, struct source_node *list)
{
        const struct source_node **tail = &list->child;

        for (const struct yaml_node *i = from->child; i; i = i->next) {
                struct source_node *item;
                int rc = take(r, i, &item);

                if (rc < 0)
                        return rc;
                *tail = item;
                tail = &item->next;
                list->n++;
        }
        return 0;
}

/* Recursive: YAML_SOURCE_DEPTH_MAX holds for what it is given. */
static int take(struct reader *r, const struct yaml_node *from, struct source_node **ret)
{
        static const enum source_kind kinds[] = {
                [YAML_TEXT] = SOURCE_STRING,
                [YAML_LIST] = SOURCE_LIST,
                [YAML_MAP] = SOURCE_MAP,
        };
        struct source_node *n = arena_alloc(r->arena, sizeof(*n));
        int rc;

        if (!n)
                return -ENOMEM;
        n->kind = kinds[from->type];
        n->mark = mark_of(from);
        *ret = n;
        if (from->type == YAML_MAP)
                return take_map(r, from, n);
        if (from->type == YAML_LIST)
                return take_list(r, from, n);
        n->text = from->text;
        rc = from->plain ? take_plain(r, n) : 0;
        if (rc == 0 && (n->kind == SOURCE_STRING || n->kind == SOURCE_ODD_NUMBER))
                rc = copy_text(r, n->text, &n->text);
        return rc;
}

static int read_all(struct reader *r, struct span text, struct source_node **ret)
{
        static const struct yaml_limits limits = { YAML_SOURCE_DEPTH_MAX, YAML_SOURCE_NODES_MAX };
        struct yaml_node *root = NULL;
        struct yaml_fault f;
        int rc = yaml_read_within(text, &limits, &r->scratch, &root, &f);

        if (rc == -EBADMSG) {
                lint_error(r->l, &(struct source_mark){ f.mark.line, f.mark.column }, "%s", f.text);
                return -EINVAL;
        }
        return rc == 0 && root ? take(r, root, ret) : rc;
}

/* Once for all: documents have hundreds in their examples. */
static void tell_odd(struct reader *r)
{
        char more[40] = "";

        if (r->n_odd == 0)
                return;
        if (r->n_odd > 1)
                snprintf(more, sizeof(more), " (and %" PRIu32 " more such)", r->n_odd - 1);
        lint_warning(r->l, &r->odd->mark,
                     "%.*s is a number that JSON has not, and is not taken where one is wanted: "
                     "write it in decimal without a 0 in front, or in quotes when it is a "
                     "string%s",
                     SHOWN(r->odd->text), more);
}

int yaml_source(void *ctx, struct span text, struct arena *arena, struct lint *l,
                const struct source_node **ret, struct err *err)
{
        struct reader r = { ARENA_INIT(YAML_SOURCE_MEMORY_MAX), arena, l, NULL, 0 };
        struct source_node *root = NULL;
        int rc;

        (void)ctx;
        if (text.n > PACKAGE_FILE_MAX)
                return err_set(err, -E2BIG, "%.*s is longer than %d MiB", SHOWN(l->file),
                               PACKAGE_FILE_MAX >> 20);
        rc = read_all(&r, text, &root);
        arena_done(&r.scratch);
        if (rc == -EINVAL)
                return err_set(err, rc, "%.*s cannot be read", SHOWN(l->file));
        if (rc < 0)
                return err_sys(err, rc, "%.*s", SHOWN(l->file));
        tell_odd(&r);
        *ret = root;
        return 0;
}

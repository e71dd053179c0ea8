/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pattern.h"

/* ---- a part's pieces: a star, or a set of bytes of which one must stand there ---- */

/* The piece at p, of a part that parsed; returns its length. */
static size_t piece_len(const uint8_t *p)
{
        size_t n = 1;

        if (p[0] != '[')
                return 1;
        n += p[n] == '!';
        n += p[n] == ']';
        while (p[n] != ']')
                n++;
        return n + 1;
}

static bool set_has(const uint8_t *p, size_t n, uint8_t c)
{
        size_t at = p[1] == '!' ? 2 : 1;
        bool found = false;

        for (size_t i = at; i + 1 < n; i++) {
                if (i + 3 < n && p[i + 1] == '-') {
                        found = found || (c >= p[i] && c <= p[i + 2]);
                        i += 2;
                } else {
                        found = found || c == p[i];
                }
        }
        return found != (at == 2);
}

/* Does the piece, which is no star, stand for this byte? */
static bool piece_fits(const uint8_t *p, size_t n, uint8_t c)
{
        return p[0] == '?' || (p[0] == '[' ? set_has(p, n, c) : p[0] == c);
}

static bool pieces_meet(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
        for (unsigned c = 1; c <= UINT8_MAX; c++)
                if (c != '/' && piece_fits(a, a_n, (uint8_t)c) && piece_fits(b, b_n, (uint8_t)c))
                        return true;
        return false;
}

/* ---- parsing ---- */

static int refuse(struct err *err, size_t *ret_at, size_t at, const char *why)
{
        *ret_at = at;
        return err_set(err, -EINVAL, "%s", why);
}

/* The set that begins at p[at]: its length, 0 when it is none; then *why says so. */
static size_t check_set(struct span p, size_t at, const char **why)
{
        size_t i = at + 1, first;

        if (i < p.n && p.p[i] == '^') {
                *why = "a set of other bytes is written [!...]";
                return 0;
        }
        i += i < p.n && p.p[i] == '!';
        for (first = i; i < p.n && (p.p[i] != ']' || i == first); i++) {
                if (i + 2 >= p.n || p.p[i + 1] != '-' || p.p[i + 2] == ']')
                        continue;
                if (p.p[i] > p.p[i + 2]) {
                        *why = "a range in [] runs backwards";
                        return 0;
                }
                i += 2;
        }
        if (i < p.n)
                return i + 1 - at;
        *why = "\"[\" without its \"]\"";
        return 0;
}

/* What the text between two slashes is.  at: where it begins, for *ret_at. */
static int parse_part(struct span text, size_t at, struct pattern_part *ret,
                      struct pattern_rank *rank, size_t *ret_at, struct err *err)
{
        enum pattern_kind kind = PATTERN_LITERAL;
        const char *why = NULL;
        unsigned bytes = 0;
        size_t n;

        if (text.n == 0)
                return refuse(err, ret_at, at, "a path has no empty parts and no slash at its end");
        if (span_eq_str(text, ".") || span_eq_str(text, ".."))
                return refuse(err, ret_at, at, "\".\" and \"..\" are not followed");
        if (text.n > PATTERN_PART_MAX)
                return refuse(err, ret_at, at, "no name is longer than 255 bytes");
        for (size_t i = 0; i < text.n; i += n) {
                n = 1;
                if (text.p[i] == '[')
                        n = check_set(text, i, &why);
                if (n == 0)
                        return refuse(err, ret_at, at + i, why);
                if (i > 0 && text.p[i] == '*' && text.p[i - 1] == '*' && text.n > 2)
                        return refuse(err, ret_at, at + i - 1,
                                      "\"**\" stands alone between slashes");
                if (text.p[i] == '[' || text.p[i] == '?' || text.p[i] == '*')
                        kind = PATTERN_GLOB;
                bytes += text.p[i] != '?' && text.p[i] != '*';
        }
        if (span_eq_str(text, "*"))
                kind = PATTERN_ANY;
        if (span_eq_str(text, "**"))
                kind = PATTERN_DEEP;
        rank->literals += kind == PATTERN_LITERAL;
        rank->parts += kind != PATTERN_DEEP;
        rank->bytes += kind == PATTERN_GLOB ? bytes : 0;
        *ret = (struct pattern_part){ kind, text };
        return 0;
}

static int parse_parts(struct span text, struct pattern *p, size_t *ret_at, struct err *err)
{
        size_t at = 1;
        int rc = 0;

        while (at <= text.n && rc == 0) {
                const uint8_t *slash = text.n > at ? memchr(text.p + at, '/', text.n - at) : NULL;
                size_t end = slash ? (size_t)(slash - text.p) : text.n;

                if (p->n == PATTERN_PARTS_MAX)
                        return refuse(err, ret_at, at, "more than 64 parts");
                rc = parse_part(span_of(text.p + at, end - at), at, &p->part[p->n], &p->rank,
                                ret_at, err);
                if (rc == 0 && p->n && p->part[p->n].kind == PATTERN_DEEP &&
                    p->part[p->n - 1].kind == PATTERN_DEEP)
                        return refuse(err, ret_at, at, "\"**\" twice says no more than once");
                p->n++;
                at = end + 1;
        }
        return rc;
}

int pattern_parse(struct span text, struct pattern *ret, size_t *ret_at, struct err *err)
{
        struct pattern p = { .n = 0 };
        const uint8_t *nul;
        int rc = 0;

        if (text.n == 0 || text.p[0] != '/')
                return refuse(err, ret_at, 0, "a path begins with a slash");
        if (text.n > PATTERN_MAX)
                return refuse(err, ret_at, PATTERN_MAX, "no path is longer than 4095 bytes");
        nul = memchr(text.p, 0, text.n);
        if (nul)
                return refuse(err, ret_at, (size_t)(nul - text.p), "no name has a byte 0");
        if (text.n > 1)
                rc = parse_parts(text, &p, ret_at, err);
        if (rc < 0)
                return rc;
        if (p.n && p.part[p.n - 1].kind == PATTERN_DEEP) {
                p.part[p.n - 1] = (struct pattern_part){ PATTERN_ANY, SPAN("*") };
                p.rank.parts++;
        }
        *ret = p;
        return 0;
}

void pattern_put_literal(struct buf *out, struct span path)
{
        for (size_t i = 0; i < path.n; i++) {
                bool wild = path.p[i] == '*' || path.p[i] == '?' || path.p[i] == '[';

                if (wild)
                        buf_put_byte(out, '[');
                buf_put_byte(out, path.p[i]);
                if (wild)
                        buf_put_byte(out, ']');
        }
}

/* ---- fitting ---- */

/* A star is first tried empty, then, from the last one met, a byte longer each time. */
static bool glob_fits(struct span glob, struct span name)
{
        size_t g = 0, i = 0, star = SIZE_MAX, star_i = 0;

        while (i < name.n) {
                size_t n = g < glob.n ? piece_len(glob.p + g) : 0;

                if (n && glob.p[g] == '*') {
                        star = ++g;
                        star_i = i;
                } else if (n && piece_fits(glob.p + g, n, name.p[i])) {
                        g += n;
                        i++;
                } else if (star != SIZE_MAX) {
                        g = star;
                        i = ++star_i;
                } else {
                        return false;
                }
        }
        while (g < glob.n && glob.p[g] == '*')
                g++;
        return g == glob.n;
}

bool pattern_part_fits(const struct pattern_part *part, struct span name)
{
        switch (part->kind) {
        case PATTERN_LITERAL:
                return span_eq(part->text, name);
        case PATTERN_GLOB:
                return glob_fits(part->text, name);
        default:
                return true;
        }
}

/* row[i]: the names so far have used up the parts before i. */
bool pattern_covers(const struct pattern *p, struct span path)
{
        bool row[PATTERN_PARTS_MAX + 1] = { true }, next[PATTERN_PARTS_MAX + 1];

        for (;;) {
                const uint8_t *slash;
                struct span name;

                for (size_t i = 0; i < p->n; i++)
                        if (row[i] && p->part[i].kind == PATTERN_DEEP)
                                row[i + 1] = true;
                path = span_from(path, 1);
                if (row[p->n] || path.n == 0)
                        return row[p->n];
                slash = memchr(path.p, '/', path.n);
                name = span_of(path.p, slash ? (size_t)(slash - path.p) : path.n);
                path = span_from(path, name.n);
                memset(next, 0, sizeof next);
                for (size_t i = 0; i < p->n; i++) {
                        if (row[i] && p->part[i].kind == PATTERN_DEEP)
                                next[i] = true;
                        else if (row[i] && pattern_part_fits(&p->part[i], name))
                                next[i + 1] = true;
                }
                memcpy(row, next, sizeof row);
        }
}

/* ---- comparing ---- */

int pattern_rank_cmp(const struct pattern_rank *a, const struct pattern_rank *b)
{
        if (a->literals != b->literals)
                return a->literals < b->literals ? -1 : 1;
        if (a->parts != b->parts)
                return a->parts < b->parts ? -1 : 1;
        return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

/* Is there a name that fits both?  A row says which places of b can be reached with a up to i. */
static bool globs_meet(struct span a, struct span b)
{
        bool row[PATTERN_PART_MAX + 1] = { true }, next[PATTERN_PART_MAX + 1];
        size_t a_n, b_n;

        for (size_t i = 0;; i += a_n) {
                a_n = i < a.n ? piece_len(a.p + i) : 0;
                memset(next, 0, sizeof next);
                for (size_t j = 0; j <= b.n; j += b_n ? b_n : 1) {
                        bool a_star = a_n && a.p[i] == '*', b_star = j < b.n && b.p[j] == '*';

                        b_n = j < b.n ? piece_len(b.p + j) : 0;
                        if (!row[j])
                                continue;
                        if (!a_n && !b_n)
                                return true;
                        if (b_n && (a_star || b_star))
                                row[j + b_n] = true;
                        if (a_n && (a_star || b_star))
                                next[j] = true;
                        if (a_n && b_n && !a_star && !b_star &&
                            pieces_meet(a.p + i, a_n, b.p + j, b_n))
                                next[j + b_n] = true;
                }
                if (!a_n)
                        return false;
                memcpy(row, next, sizeof row);
        }
}

static bool parts_meet(const struct pattern_part *a, const struct pattern_part *b)
{
        if (a->kind == PATTERN_LITERAL)
                return pattern_part_fits(b, a->text);
        if (b->kind == PATTERN_LITERAL)
                return pattern_part_fits(a, b->text);
        if (a->kind != PATTERN_GLOB || b->kind != PATTERN_GLOB)
                return true;
        return globs_meet(a->text, b->text);
}

static bool part_includes(const struct pattern_part *a, const struct pattern_part *b)
{
        if (a->kind == PATTERN_ANY)
                return b->kind != PATTERN_DEEP;
        if (b->kind == PATTERN_LITERAL)
                return pattern_part_fits(a, b->text);
        return a->kind == b->kind && span_eq(a->text, b->text);
}

/* As globs_meet(), by parts.  Where one pattern has come to its end the other may go on: what is
 * below a path belongs to it. */
bool pattern_meets(const struct pattern *a, const struct pattern *b)
{
        bool row[PATTERN_PARTS_MAX + 1] = { true }, next[PATTERN_PARTS_MAX + 1];

        for (size_t i = 0; i < a->n; i++) {
                bool a_deep = a->part[i].kind == PATTERN_DEEP;

                memset(next, 0, sizeof next);
                for (size_t j = 0; j < b->n; j++) {
                        bool b_deep = b->part[j].kind == PATTERN_DEEP;

                        if (!row[j])
                                continue;
                        if (a_deep || b_deep)
                                row[j + 1] = next[j] = true;
                        else if (parts_meet(&a->part[i], &b->part[j]))
                                next[j + 1] = true;
                }
                if (row[b->n])
                        return true;
                memcpy(row, next, sizeof row);
        }
        for (size_t j = 0; j <= b->n; j++)
                if (row[j])
                        return true;
        return false;
}

bool pattern_includes(const struct pattern *a, const struct pattern *b)
{
        bool row[PATTERN_PARTS_MAX + 1] = { true }, next[PATTERN_PARTS_MAX + 1];

        for (size_t i = 0; i < a->n; i++) {
                bool deep = a->part[i].kind == PATTERN_DEEP;

                memset(next, 0, sizeof next);
                for (size_t j = 0; j <= b->n; j++) {
                        if (!row[j])
                                continue;
                        if (deep) {
                                next[j] = true;
                                if (j < b->n)
                                        row[j + 1] = true;
                        } else if (j < b->n && part_includes(&a->part[i], &b->part[j])) {
                                next[j + 1] = true;
                        }
                }
                memcpy(row, next, sizeof row);
        }
        for (size_t j = 0; j <= b->n; j++)
                if (row[j])
                        return true;
        return false;
}

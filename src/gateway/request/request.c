/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/request.h"

#include <arpa/inet.h>

#include "base/text.h"
#include "gateway/request/request_priv.h"

#define LETTER(upper, lower) [upper] = (lower), [lower] = (lower)

const uint8_t request_token[256] = {
        LETTER('A', 'a'), LETTER('B', 'b'), LETTER('C', 'c'), LETTER('D', 'd'), LETTER('E', 'e'),
        LETTER('F', 'f'), LETTER('G', 'g'), LETTER('H', 'h'), LETTER('I', 'i'), LETTER('J', 'j'),
        LETTER('K', 'k'), LETTER('L', 'l'), LETTER('M', 'm'), LETTER('N', 'n'), LETTER('O', 'o'),
        LETTER('P', 'p'), LETTER('Q', 'q'), LETTER('R', 'r'), LETTER('S', 's'), LETTER('T', 't'),
        LETTER('U', 'u'), LETTER('V', 'v'), LETTER('W', 'w'), LETTER('X', 'x'), LETTER('Y', 'y'),
        LETTER('Z', 'z'), ['0'] = '0',      ['1'] = '1',      ['2'] = '2',      ['3'] = '3',
        ['4'] = '4',      ['5'] = '5',      ['6'] = '6',      ['7'] = '7',      ['8'] = '8',
        ['9'] = '9',      ['!'] = '!',      ['#'] = '#',      ['$'] = '$',      ['%'] = '%',
        ['&'] = '&',      ['\''] = '\'',    ['*'] = '*',      ['+'] = '+',      ['-'] = '-',
        ['.'] = '.',      ['^'] = '^',      ['_'] = '_',      ['`'] = '`',      ['|'] = '|',
        ['~'] = '~',
};

struct reader {
        const struct request_raw *raw;
        struct arena *arena;
        struct request *q;
        struct refusal *refusal;
};

#define REFUSE(r, ...) refuse((r)->refusal, REFUSED_HEADER, __VA_ARGS__)

/* ---- words ---- */

bool http_is_word(struct span s, const char *word)
{
        for (size_t i = 0; i < s.n; i++)
                if (!word[i] || request_token[s.p[i]] != (uint8_t)word[i])
                        return false;
        return !word[s.n];
}

/* Up to the next comma, which is passed over. */
static struct span cut_item(struct span *list)
{
        const uint8_t *comma = memchr(list->p, ',', list->n);
        struct span item = span_of(list->p, comma ? (size_t)(comma - list->p) : list->n);

        *list = span_from(*list, item.n + 1);
        return item;
}

bool http_has_word(struct span list, const char *word)
{
        while (list.n > 0) {
                struct span item = cut_item(&list);
                size_t n = 0;

                while (item.n > 0 && (item.p[0] == ' ' || item.p[0] == '\t'))
                        item = span_from(item, 1);
                while (n < item.n && !memchr(" \t=", item.p[n], 3))
                        n++;
                if (http_is_word(span_of(item.p, n), word))
                        return true;
        }
        return false;
}

/* ---- addresses ---- */

/* A call has one or two of these, and inet_ntop() takes as long for one as all headers do. */
static void v4_text(const uint8_t address[4], char *ret)
{
        for (size_t i = 0; i < 4; i++) {
                ret += text_u64(address[i], ret);
                *ret++ = i < 3 ? '.' : '\0';
        }
}

void request_address_text(const struct cedar_ip *address, char ret[REQUEST_ADDRESS_MAX + 1])
{
        STATIC_ASSERT(REQUEST_ADDRESS_MAX + 1 == INET6_ADDRSTRLEN, "as inet_ntop() has it");
        if (address->v6)
                (void)!inet_ntop(AF_INET6, address->address, ret, REQUEST_ADDRESS_MAX + 1);
        else
                v4_text(address->address, ret);
}

/* ---- headers ---- */

/* Is a byte of these eight a control character?  A subtraction borrows only where a lower one is.
 */
static bool has_control(uint64_t eight)
{
        const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
        const uint64_t del = eight ^ ones * 0x7f;

        return (((eight - ones * ' ') & ~eight) | ((del - ones) & ~del)) & tops;
}

static bool is_value(struct span s)
{
        uint64_t eight;
        size_t i = 0;
        bool bad = false;

        for (; s.n - i >= sizeof eight; i += sizeof eight) {
                memcpy(&eight, s.p + i, sizeof eight);
                bad |= has_control(eight);
        }
        for (; i < s.n; i++)
                bad |= s.p[i] < ' ' || s.p[i] == 0x7f;
        return !bad && (s.n == 0 || (s.p[0] != ' ' && s.p[s.n - 1] != ' '));
}

/* Adds to *lowered the bytes of the name, when it is not in lower case. */
static int check_header(const struct reader *r, const struct http_header *h, size_t *lowered)
{
        uint8_t other = 0;

        if (h->name.n == 0)
                return REFUSE(r, "a header without a name");
        for (size_t i = 0; i < h->name.n; i++) {
                uint8_t c = request_token[h->name.p[i]];

                if (!c)
                        return REFUSE(r, "a header whose name is none");
                other |= c ^ h->name.p[i];
        }
        if (!is_value(h->value))
                return REFUSE(r, "a header whose value is none"); /* whose name may be anything */
        *lowered += other ? h->name.n : 0;
        return 0;
}

static int check_headers(const struct reader *r, size_t *ret_lowered)
{
        const struct request_raw *raw = r->raw;
        size_t bytes = 0;

        *ret_lowered = 0;
        if (raw->n_headers > REQUEST_HEADERS_MAX)
                return REFUSE(r, "more than %d headers", REQUEST_HEADERS_MAX);
        for (uint32_t i = 0; i < raw->n_headers; i++) {
                const struct http_header *h = &raw->headers[i];
                int rc;

                if (!size_add(bytes, h->name.n, &bytes) || !size_add(bytes, h->value.n, &bytes) ||
                    bytes > REQUEST_HEADERS_BYTES_MAX)
                        return REFUSE(r, "headers of more than %d bytes",
                                      REQUEST_HEADERS_BYTES_MAX);
                rc = check_header(r, h, ret_lowered);
                if (rc < 0)
                        return rc;
        }
        return 0;
}

/* Borrowed where it is so already; else written to *at, which goes on. */
static struct span lower(struct span name, uint8_t **at)
{
        size_t i = 0;

        while (i < name.n && request_token[name.p[i]] == name.p[i])
                i++;
        if (i == name.n)
                return name;
        for (i = 0; i < name.n; i++)
                (*at)[i] = request_token[name.p[i]];
        *at += name.n;
        return span_of(*at - name.n, name.n);
}

/* Where in the first n the name comes, behind those that are the same. */
static uint32_t place_of(const struct http_header *h, uint32_t n, struct span name)
{
        uint32_t low = 0;

        while (low < n) {
                uint32_t middle = low + (n - low) / 2;

                if (span_cmp(name, h[middle].name) < 0)
                        n = middle;
                else
                        low = middle + 1;
        }
        return low;
}

static int sort_headers(const struct reader *r, size_t lowered)
{
        uint32_t n = r->raw->n_headers;
        struct http_header *h = arena_alloc(r->arena, n * sizeof *h);
        uint8_t *text = arena_alloc(r->arena, lowered);

        if (!h || !text)
                return -ENOMEM;
        for (uint32_t i = 0; i < n; i++) {
                struct span name = lower(r->raw->headers[i].name, &text);
                uint32_t at = place_of(h, i, name);

                memmove(&h[at + 1], &h[at], (i - at) * sizeof *h);
                h[at] = (struct http_header){ name, r->raw->headers[i].value };
        }
        r->q->headers = h;
        r->q->n_headers = n;
        return 0;
}

const struct http_header *request_headers_of(const struct request *q, struct span name,
                                             uint32_t *ret_n)
{
        uint32_t end = place_of(q->headers, q->n_headers, name), at = end;

        while (at > 0 && span_eq(q->headers[at - 1].name, name))
                at--;
        *ret_n = end - at;
        return at < end ? &q->headers[at] : NULL;
}

const struct http_header *request_headers(const struct request *q, const char *name,
                                          uint32_t *ret_n)
{
        return request_headers_of(q, span_str(name), ret_n);
}

/* ---- the whole ---- */

static int read_headers(const struct reader *r)
{
        size_t lowered;
        int rc = check_headers(r, &lowered);

        if (rc == 0)
                rc = sort_headers(r, lowered);
        return rc < 0 ? rc : request_check(r->q, r->arena, r->refusal);
}

int request_read(const struct request_raw *raw, struct arena *arena, struct request *ret,
                 struct refusal *refusal)
{
        struct reader r = { raw, arena, ret, refusal };
        int rc;

        ret->raw = raw;
        if (raw->version != 10 && raw->version != 11 && raw->version != 20)
                return refuse(refusal, REFUSED_FRAMING, "a version of HTTP that is not taken");
        rc = read_headers(&r);
        if (rc < 0)
                return rc;
        ret->method = api_method_of(raw->method);
        if (ret->method == API_METHODS)
                return refuse(refusal, REFUSED_METHOD, "a method that is not served");
        return target_read(raw->target, arena, &ret->target, refusal);
}

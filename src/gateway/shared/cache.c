/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/shared/cache.h"

#include "base/clock.h"
#include "crypto/siphash.h"
#include "sys/crc32c.h"

/* A place is a number of bytes since the log began; in the ring it is that modulo its size. */
enum {
        ROW = 8,
        ALIGN = 16,
        BYTES_FOR_AN_ENTRY = 512, /* of the cache, for one entry of the index */
        PARTS_OF_LARGEST = 8,
        SWEEP_RECORDS = 512, /* in one go: others wait for the lock meanwhile */
        SWEEP_BYTES = 1 << 20,
};

struct entry {
        uint64_t tag; /* of the hash; 0: nothing here */
        uint64_t place;
};

struct row {
        struct entry entries[ROW];
};

struct record {
        uint64_t place;
        uint64_t bytes; /* up to the next record */
        uint8_t key[32];
        int64_t stored_ns, until_ns;
        uint64_t n_media, n_body;
        uint64_t sources, erased; /* cache_erased() of them when it was stored */
        uint32_t kind;            /* enum kind */
        uint32_t status;
        uint32_t check; /* CRC-32C of what stands before, media type and body */
        uint32_t reserved;
};

enum kind {
        KIND_ANSWER = 0x41,
        KIND_NOTHING = 0x4e, /* given up, or in front of the ring's end */
};

struct cache {
        uint8_t magic[8];
        uint64_t bytes;
        uint8_t key[16];
        uint64_t head, tail; /* records are from tail to head */
        uint64_t changing;   /* somebody is at it: see cache.h, 2 */
        uint64_t reserved;
        uint64_t hits, misses, kept, erased, overwritten, damaged, erased_some;
        uint64_t reserved_too;
        uint64_t erased_of[CACHE_SOURCES];
        struct row rows[];
};
STATIC_ASSERT(offsetof(struct cache, rows) == 640, "as in cache.h");
STATIC_ASSERT(sizeof(struct record) == 112 && sizeof(struct record) % ALIGN == 0, "as in cache.h");

static const uint8_t magic[8] = { 'A', 'S', 'C', 'A', 'C', 'H', 'E', '3' };

/* ---- where things are ---- */

struct shape {
        uint64_t n_rows, ring_bytes;
        uint8_t *ring;
};

static struct shape shape_of(const struct cache *c)
{
        struct shape s = { .n_rows = c->bytes / BYTES_FOR_AN_ENTRY / ROW };
        size_t before = sizeof *c + s.n_rows * sizeof(struct row);

        s.ring_bytes = (c->bytes - before) / ALIGN * ALIGN;
        s.ring = (uint8_t *)c + before;
        return s;
}

static struct record *record_at(const struct shape *s, uint64_t place)
{
        return (struct record *)(void *)(s->ring + place % s->ring_bytes);
}

static uint8_t *payload_of(struct record *r)
{
        return (uint8_t *)(r + 1);
}

static struct row *row_of(struct cache *c, const struct shape *s, const uint8_t key[32],
                          uint64_t *ret_tag)
{
        uint64_t h = siphash(c->key, span_of(key, 32));

        *ret_tag = h | 1;
        return &c->rows[(uint64_t)(((unsigned __int128)h * s->n_rows) >> 64)];
}

struct cache *cache_init(void *memory, size_t bytes, const uint8_t key[16])
{
        struct cache *c = memory;

        assert(bytes >= CACHE_MIN);
        c->bytes = bytes;
        memcpy(c->key, key, sizeof c->key);
        memcpy(c->magic, magic, sizeof magic);
        return c;
}

struct cache *cache_again(void *memory, size_t bytes)
{
        struct cache *c = memory;

        if (bytes < CACHE_MIN || memcmp(c->magic, magic, sizeof magic) != 0)
                return NULL;
        return c->bytes == bytes ? c : NULL;
}

/* ---- changes ---- */

/* A process that is killed stops between two of its instructions, and what it stored before is seen
 * by all: it is the compiler only that must not put one store before another. */
static void begin_change(struct cache *c)
{
        c->changing = 1;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void end_change(struct cache *c)
{
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        c->changing = 0;
}

static void erase_all(struct cache *c, const struct shape *s)
{
        begin_change(c);
        c->head = c->tail = 0;
        memset(c->rows, 0, s->n_rows * sizeof(struct row));
        memset(s->ring, 0, s->ring_bytes);
        end_change(c);
}

static void give_up_all(struct cache *c, const struct shape *s)
{
        c->damaged++;
        erase_all(c, s);
}

/* Before anything else is done: what cannot be is erased. */
static struct shape look(struct cache *c)
{
        struct shape s = shape_of(c);

        if (c->changing || c->tail > c->head || c->head - c->tail > s.ring_bytes ||
            c->head % ALIGN != 0 || c->tail % ALIGN != 0)
                give_up_all(c, &s);
        return s;
}

/* ---- records ---- */

/* Whether a record is at this place, as far as its header says. */
static bool is_record(const struct cache *c, const struct shape *s, uint64_t place)
{
        uint64_t rest = s->ring_bytes - place % s->ring_bytes;
        const struct record *r;

        if (place % ALIGN != 0 || place < c->tail || place >= c->head || rest < sizeof *r)
                return false;
        r = record_at(s, place);
        return r->place == place && r->bytes % ALIGN == 0 && r->bytes >= sizeof *r &&
               r->bytes <= rest && r->bytes <= c->head - place && r->n_media <= r->bytes &&
               r->n_body <= r->bytes && r->n_media + r->n_body <= r->bytes - sizeof *r &&
               (r->kind == KIND_ANSWER || r->kind == KIND_NOTHING);
}

static uint32_t check_of(const struct record *r, const uint8_t *payload)
{
        uint32_t crc = crc32c(0, span_of(r, offsetof(struct record, check)));

        return crc32c(crc, span_of(payload, r->n_media + r->n_body));
}

/* Its time is over, or one of its places was erased since. */
static bool is_over(const struct cache *c, const struct record *r, int64_t now_ns)
{
        return r->until_ns <= now_ns || r->stored_ns - CACHE_SKEW_MS * NS_PER_MS > now_ns ||
               r->erased != cache_erased(c, r->sources);
}

/* Its room is given back when it is the oldest. */
static void give_up(struct record *r)
{
        explicit_bzero(payload_of(r), r->bytes - sizeof *r);
        *r = (struct record){ .place = r->place, .bytes = r->bytes, .kind = KIND_NOTHING };
}

/* Whether it leads to an answer, this one's or another's. */
static bool in_use(const struct cache *c, const struct shape *s, const struct entry *e)
{
        return e->tag && is_record(c, s, e->place) && record_at(s, e->place)->kind == KIND_ANSWER;
}

static struct entry *find_entry(struct cache *c, const struct shape *s, const uint8_t key[32])
{
        uint64_t tag;
        struct row *row = row_of(c, s, key, &tag);

        for (size_t i = 0; i < ROW; i++) {
                struct entry *e = &row->entries[i];

                if (e->tag == tag && in_use(c, s, e) &&
                    memcmp(record_at(s, e->place)->key, key, 32) == 0)
                        return e;
        }
        return NULL;
}

static void forget(struct cache *c, const struct shape *s, struct entry *e)
{
        begin_change(c);
        give_up(record_at(s, e->place));
        *e = (struct entry){ 0 };
        end_change(c);
}

/* ---- finding ---- */

/* Copied first and judged then: what is handed out is what was judged. */
static bool copy_out(const struct record *in_memory, uint8_t *buf, struct cache_answer *ret)
{
        struct record r = *in_memory;

        memcpy(buf, (const uint8_t *)(in_memory + 1), r.n_media + r.n_body);
        if (check_of(&r, buf) != r.check)
                return false;
        *ret = (struct cache_answer){
                .status = (uint16_t)r.status,
                .media = span_of(buf, r.n_media),
                .body = span_of(buf + r.n_media, r.n_body),
                .stored_ns = r.stored_ns,
                .until_ns = r.until_ns,
        };
        return true;
}

static bool find(struct cache *c, const struct shape *s, const uint8_t key[32], int64_t now_ns,
                 uint8_t *buf, size_t max, struct cache_answer *ret)
{
        struct entry *e = find_entry(c, s, key);
        const struct record *r;

        if (!e)
                return false;
        r = record_at(s, e->place);
        if (is_over(c, r, now_ns)) {
                forget(c, s, e);
                return false;
        }
        if (r->n_media + r->n_body > max)
                return false;
        if (copy_out(r, buf, ret))
                return true;
        c->damaged++;
        forget(c, s, e);
        return false;
}

bool cache_find(struct cache *c, const uint8_t key[32], int64_t now_ns, uint8_t *buf, size_t max,
                struct cache_answer *ret)
{
        struct shape s = look(c);
        bool found = find(c, &s, key, now_ns, buf, max, ret);

        if (found)
                c->hits++;
        else
                c->misses++;
        return found;
}

/* ---- keeping ---- */

/* The entry of a record that goes.  Only its own: its row may have others of the same tag. */
static void drop_entry(struct cache *c, const struct shape *s, const struct record *r)
{
        uint64_t tag;
        struct row *row;

        if (r->kind != KIND_ANSWER)
                return;
        row = row_of(c, s, r->key, &tag);
        for (size_t i = 0; i < ROW; i++)
                if (row->entries[i].tag == tag && row->entries[i].place == r->place)
                        row->entries[i] = (struct entry){ 0 };
}

/* The oldest goes; false: there was no log to read, and now there is nothing at all. */
static bool drop_oldest(struct cache *c, const struct shape *s)
{
        struct record *r;
        uint64_t bytes;

        if (!is_record(c, s, c->tail)) {
                give_up_all(c, s);
                return false;
        }
        r = record_at(s, c->tail);
        bytes = r->bytes;
        drop_entry(c, s, r);
        explicit_bzero(r, bytes);
        c->tail += bytes;
        return true;
}

/* Room for so many bytes more, by dropping the oldest, and whatever old ones are over anyway. */
static void make_room(struct cache *c, const struct shape *s, uint64_t bytes, int64_t now_ns)
{
        while (c->head > c->tail) {
                const struct record *r = record_at(s, c->tail);
                bool full = s->ring_bytes - (c->head - c->tail) < bytes;
                bool answer = is_record(c, s, c->tail) && r->kind == KIND_ANSWER;
                bool live = answer && !is_over(c, r, now_ns);

                if (live && !full)
                        return;
                c->overwritten += live;
                begin_change(c);
                if (!drop_oldest(c, s))
                        return;
                end_change(c);
        }
}

/* A record that takes what is left of the ring, where that is less than what comes. */
static void fill_up(struct cache *c, const struct shape *s, uint64_t rest)
{
        *record_at(s, c->head) =
                (struct record){ .place = c->head, .bytes = rest, .kind = KIND_NOTHING };
        c->head += rest;
}

static bool is_live(const struct cache *c, const struct shape *s, const struct entry *e,
                    int64_t now_ns)
{
        return in_use(c, s, e) && !is_over(c, record_at(s, e->place), now_ns);
}

/* Where it is; in its row one that is over goes if need be, or the oldest. */
static void put_entry(struct cache *c, const struct shape *s, const uint8_t key[32], uint64_t place,
                      int64_t now_ns)
{
        uint64_t tag;
        struct row *row = row_of(c, s, key, &tag);
        struct entry *best = &row->entries[0];

        for (size_t i = 0; i < ROW && is_live(c, s, best, now_ns); i++)
                if (row->entries[i].place < best->place || !is_live(c, s, &row->entries[i], now_ns))
                        best = &row->entries[i];
        if (in_use(c, s, best)) {
                c->overwritten += is_live(c, s, best, now_ns);
                give_up(record_at(s, best->place));
        }
        *best = (struct entry){ .tag = tag, .place = place };
}

static void append(struct cache *c, const struct shape *s, const uint8_t key[32],
                   const struct cache_answer *a, uint64_t bytes)
{
        uint64_t rest = s->ring_bytes - c->head % s->ring_bytes, place;
        struct record *r, header = {
                .stored_ns = a->stored_ns,
                .until_ns = a->until_ns,
                .n_media = a->media.n,
                .n_body = a->body.n,
                .sources = a->sources,
                .erased = cache_erased(c, a->sources),
                .kind = KIND_ANSWER,
                .status = a->status,
        };

        if (rest < bytes)
                fill_up(c, s, rest);
        place = header.place = c->head;
        rest = s->ring_bytes - place % s->ring_bytes;
        header.bytes = rest - bytes < sizeof *r ? rest : bytes; /* a header always fits behind it */
        memcpy(header.key, key, sizeof header.key);
        r = record_at(s, place);
        if (a->media.n)
                memcpy(payload_of(r), a->media.p, a->media.n);
        if (a->body.n)
                memcpy(payload_of(r) + a->media.n, a->body.p, a->body.n);
        header.check = check_of(&header, payload_of(r));
        *r = header;
        c->head += header.bytes;
        put_entry(c, s, key, place, a->stored_ns);
}

/* Of its record; 0: it is not for us. */
static uint64_t bytes_of(const struct shape *s, const struct cache_answer *a)
{
        uint64_t most = s->ring_bytes / PARTS_OF_LARGEST;
        uint64_t bytes;

        if (a->media.n > most || a->body.n > most || a->until_ns <= a->stored_ns)
                return 0;
        bytes = (sizeof(struct record) + a->media.n + a->body.n + ALIGN - 1) / ALIGN * ALIGN;
        return bytes <= most ? bytes : 0;
}

void cache_keep(struct cache *c, const uint8_t key[32], const struct cache_answer *a)
{
        struct shape s = look(c);
        uint64_t bytes = bytes_of(&s, a), rest;
        struct entry *old = find_entry(c, &s, key);

        if (old)
                forget(c, &s, old);
        if (!bytes)
                return;
        rest = s.ring_bytes - c->head % s.ring_bytes;
        /* What is left of the ring, or less than a header more. */
        make_room(c, &s, bytes + (rest < bytes ? rest : sizeof(struct record)), a->stored_ns);
        begin_change(c);
        append(c, &s, key, a, bytes);
        c->kept++;
        end_change(c);
}

/* Where it begins may be no record's place any more: the tail's always is one. */
void cache_sweep(struct cache *c, int64_t now_ns, uint64_t *from)
{
        struct shape s = look(c);
        uint64_t zeroed = 0;

        for (unsigned i = 0; i < SWEEP_RECORDS && zeroed < SWEEP_BYTES; i++) {
                struct record *r;

                if (*from < c->tail || *from >= c->head || !is_record(c, &s, *from)) {
                        *from = c->tail;
                        return;
                }
                r = record_at(&s, *from);
                *from += r->bytes;
                if (r->kind != KIND_ANSWER || !is_over(c, r, now_ns))
                        continue;
                zeroed += r->bytes;
                begin_change(c);
                drop_entry(c, &s, r);
                give_up(r);
                end_change(c);
        }
}

void cache_erase(struct cache *c)
{
        struct shape s = look(c);

        c->erased++;
        begin_change(c);
        while (c->head > c->tail)
                if (!drop_oldest(c, &s))
                        break;
        end_change(c);
}

/* No record is touched: there may be very many, and every write that is called ends up here. */
void cache_erase_of(struct cache *c, uint64_t sources)
{
        (void)look(c); /* a change that never ended is not to be hidden by ours */
        begin_change(c);
        c->erased_some++;
        for (unsigned i = 0; i < CACHE_SOURCES; i++)
                c->erased_of[i] += sources >> i & 1;
        end_change(c);
}

uint64_t cache_erased(const struct cache *c, uint64_t sources)
{
        uint64_t n = c->erased;

        for (unsigned i = 0; i < CACHE_SOURCES; i++)
                if (sources >> i & 1)
                        n += c->erased_of[i];
        return n;
}

void cache_counts(const struct cache *c, struct cache_counts *ret)
{
        *ret = (struct cache_counts){
                .hits = c->hits,
                .misses = c->misses,
                .kept = c->kept,
                .erased = c->erased + c->erased_some,
                .overwritten = c->overwritten,
                .damaged = c->damaged,
                .used = c->head - c->tail,
        };
}

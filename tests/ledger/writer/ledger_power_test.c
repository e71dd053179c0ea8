/* SPDX-License-Identifier: Apache-2.0 */
/* Power failures at random moments, of a writer that appends, publishes, uses segments again and is
 * restarted.  Afterwards: the log opens; every acknowledged entry is there, once, at its index;
 * what was signed is there; the published tree can be made whole; sealed values can be disclosed.
 *
 * ASSAY_POWER_ROUNDS: how many lives of a ledger (40); ASSAY_POWER_SEED: the first one's number.
 */
#include "../fixture.h"
#include "../power.h"
#include "ledger/read/tree.h"

#include <sys/resource.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { RUN = 5 };

struct life {
        struct fixture f;
        struct power *power;
        uint64_t rnd;
        unsigned large; /* one entry in so many fills a good part of a segment */
        struct vault *vault;
        struct ledger *l;
        struct publisher *p;
        uint64_t acked; /* entries whose commit returned 0 */
        uint64_t signed_size;
        struct ledger_writer_id next;
        uint64_t seq_at[100000]; /* index of each sequence of RUN */
};

static uint64_t dice(struct life *x, uint64_t n)
{
        return fixture_random(&x->rnd) % n;
}

static void close_all(struct life *x)
{
        x->p = publisher_free(x->p);
        x->l = ledger_free(x->l);
        x->vault = vault_free(x->vault);
}

#define CHECK(x, cond)                                                                             \
        do {                                                                                       \
                if (!(cond)) {                                                                     \
                        print_message("%s\n", err_text(&err));                                     \
                        fail_msg("%s", #cond);                                                     \
                }                                                                                  \
        } while (0)

/* Entries from->size that only were on their way are the model's truth now. */
static int start(struct life *x, struct err *err)
{
        struct publisher_options o = { .io = power_io(x->power) };
        int r = vault_open(x->f.private_fd, power_io(x->power), true, &x->vault, err);

        if (r == 0)
                r = ledger_open(x->f.public_fd, x->f.private_fd, &x->f.options, &x->l, err);
        o.vault = x->vault;
        if (r == 0)
                r = publisher_open(x->f.public_fd, x->f.private_fd, &o, &x->p, err);
        return r;
}

static int stage(struct life *x, struct err *err)
{
        struct vault_field field = { .subject = SPAN("uid:0"),
                                     .name = SPAN("who.user"),
                                     .value = SPAN("\"root\"") };
        struct buf entry = BUF_INIT(2 * ENTRY_MAX), rows = BUF_INIT(4096);
        struct vault_sealed sealed;
        struct ledger_writer_id id = { 0 };
        size_t n = dice(x, x->large) ? 30 + dice(x, 400) : 20000 + dice(x, 45000);
        char label[16];
        uint64_t index;
        int r = 0;

        fixture_entry(&entry, x->f.model.size, n);
        if (dice(x, 3) == 0) { /* the entry's own text as its id: any bytes do */
                snprintf(label, sizeof label, "uid:%u", (unsigned)dice(x, 40));
                field.subject = span_str(label);
                r = vault_seal(x->vault, span_of(entry.p, 20), &field, 1, &sealed, &rows, err);
        }
        if (dice(x, 2))
                id = (struct ledger_writer_id){ .run = RUN, .seq = x->next.seq };
        if (r == 0)
                r = ledger_stage(x->l, buf_span(&entry), buf_span(&rows), id, &index, err);
        if (r == 0) {
                testlog_add(&x->f.model, buf_span(&entry));
                if (id.run)
                        x->seq_at[x->next.seq++] = index;
        }
        buf_done(&entry);
        buf_done(&rows);
        return r;
}

static int stage_some(struct life *x, struct err *err)
{
        int r = 0;

        for (uint64_t n = 1 + dice(x, 12); n > 0 && r == 0; n--)
                r = stage(x, err);
        return r == -ENOBUFS || r == -ENOSPC ? 0 : r;
}

/* A batch, and perhaps others that are staged while it is under way. */
static int commit(struct life *x, struct err *err)
{
        bool more = true;
        int r = 0;

        while (more && r == 0) {
                bool slots = vault_sync_begin(x->vault);
                int on = ledger_commit_begin(x->l, err);

                more = dice(x, 2);
                if (more && on > 0)
                        r = stage_some(x, err);
                if (slots && vault_sync_end(x->vault, vault_sync_flush(x->vault), err) < 0)
                        return -EIO;
                if (on > 0)
                        ledger_commit_write(x->l);
                if (on > 0 && ledger_commit_end(x->l, err) < 0)
                        return -EIO;
                x->acked = ledger_size(x->l);
                more &= on > 0;
                if (on < 0)
                        return on;
        }
        if (r == 0)
                r = vault_sync(x->vault, err);
        return r == 0 ? ledger_commit(x->l, err) : r;
}

static int work(struct life *x, struct err *err)
{
        struct ledger_position at;
        int r = 0;

        switch (dice(x, 8)) {
        case 0:
        case 1:
        case 2:
        case 3:
                r = stage_some(x, err);
                if (r == 0)
                        r = commit(x, err);
                if (r == 0) {
                        x->acked = ledger_size(x->l);
                        if (x->next.seq > 1 + LEDGER_WINDOW / 2)
                                ledger_acked(x->l, RUN, x->next.seq - LEDGER_WINDOW / 2);
                }
                return r;
        case 4:
        case 5:
                ledger_position(x->l, &at);
                r = publisher_run(x->p, &at, err);
                if (r == 0) {
                        x->signed_size = publisher_size(x->p);
                        ledger_published(x->l, publisher_covered(x->p), publisher_segment(x->p));
                }
                return r;
        case 6:
                x->f.now_ns += NS_PER_S;
                ledger_tend(x->l);
                return 0;
        default: /* restarted in peace */
                if (dice(x, 4))
                        return 0;
                close_all(x);
                return start(x, err);
        }
}

/* What must hold however the power failed. */
static void check_survivors(struct life *x)
{
        struct err err = { 0 };
        uint64_t size, index;
        int r = start(x, &err);

        CHECK(x, r == 0);
        size = ledger_size(x->l);
        CHECK(x, size >= x->acked);
        CHECK(x, size <= x->f.model.size);
        while (x->next.seq > 1 && x->seq_at[x->next.seq - 1] >= size)
                x->next.seq--;
        fixture_truncate_model(&x->f, size);
        fixture_check(&x->f, x->l);
        CHECK(x, publisher_size(x->p) >= x->signed_size);
        CHECK(x, fixture_checkpoint_size(&x->f) == publisher_size(x->p));
        fixture_check_tree_after_crash(&x->f, publisher_size(x->p));
        CHECK(x, ledger_last_seq(x->l, RUN) == x->next.seq - 1);
        for (uint64_t s = x->next.seq - 1; s > 0 && s + LEDGER_WINDOW / 2 > x->next.seq; s--) {
                struct ledger_writer_id id = { .run = RUN, .seq = s };

                CHECK(x, ledger_find(x->l, id, &index) == 0 && index == x->seq_at[s]);
        }
        x->acked = size;
        x->signed_size = publisher_size(x->p);
}

static int see_disclosure(void *ctx, struct span id, struct span disclosure)
{
        ++*(size_t *)ctx;
        return 0;
}

/* Publish and read everything back, through the tree. */
static void check_at_last(struct life *x)
{
        CLEANUP(source_freep) struct source *source = NULL;
        CLEANUP(tree_freep) struct tree *tree = NULL;
        struct err err = { 0 };
        struct span got;
        size_t seen = 0, erased;

        fixture_publish(x->p, x->l);
        fixture_check_tree(&x->f, x->f.model.size);
        CHECK(x, source_dir(x->f.public_fd, "log", &source, &err) == 0);
        CHECK(x, tree_new(source, x->f.model.size, 64, &tree, &err) == 0);
        for (uint64_t i = 0; i < x->f.model.size; i++) {
                const struct testlog *m = &x->f.model;

                CHECK(x, tree_entry(tree, i, &got, &err) == 0);
                CHECK(x, span_eq(got,
                                 span_of(m->entries + m->at[i] + 2, m->at[i + 1] - m->at[i] - 2)));
                CHECK(x, vault_disclose(x->vault, i, see_disclosure, &seen, &erased, &err) == 0);
        }
}

static void one_life(uint64_t seed)
{
        struct life *x = calloc(1, sizeof *x);
        unsigned failures = 3;

        x->rnd = seed;
        x->next.seq = 1;
        x->large = seed % 2 ? 12 : 2;
        fixture_init(&x->f, false);
        x->power = power_new(x->f.root_fd);
        x->f.options.io = power_io(x->power);
        {
                struct err err = { 0 };

                CHECK(x, vault_create(x->f.private_fd, power_io(x->power), &err) == 0);
                CHECK(x, ledger_create(x->f.public_fd, x->f.private_fd, FIXTURE_ORIGIN,
                                       &x->f.options, &err) == 0);
                CHECK(x, start(x, &err) == 0);
        }
        while (failures-- > 0) {
                struct err err = { 0 };
                enum power_luck luck = dice(x, 6) == 0   ? POWER_NOTHING
                                       : dice(x, 6) == 0 ? POWER_ALL
                                                         : POWER_DICE;
                int r = 0;

                power_off_in(x->power, dice(x, 3) ? dice(x, 1000) : dice(x, 60));
                while (r == 0)
                        r = work(x, &err);
                CHECK(x, power_is_off(x->power)); /* nothing else may go wrong */
                close_all(x);
                fd_close(&x->f.public_fd);
                fd_close(&x->f.private_fd);
                power_fail(x->power, luck, &x->rnd);
                fixture_reopen_dirs(&x->f);
                if (dice(x, 4) == 0) { /* and again while it starts */
                        power_off_in(x->power, dice(x, 60));
                        if (start(x, &err) < 0)
                                CHECK(x, power_is_off(x->power));
                        close_all(x);
                        fd_close(&x->f.public_fd);
                        fd_close(&x->f.private_fd);
                        power_fail(x->power, POWER_DICE, &x->rnd);
                        fixture_reopen_dirs(&x->f);
                }
                check_survivors(x);
        }
        check_at_last(x);
        close_all(x);
        power_free(x->power);
        fixture_done(&x->f);
        free(x);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
        const char *text = getenv(name);
        uint64_t n;

        return text && text_to_u64(span_str(text), &n) == 0 ? n : otherwise;
}

static void power_failures(void **state)
{
        uint64_t seed = number("ASSAY_POWER_SEED", 1), rounds = number("ASSAY_POWER_ROUNDS", 40);

        for (uint64_t i = 0; i < rounds; i++) {
                fprintf(stderr, "\rlife %llu ", (unsigned long long)(seed + i));
                one_life(seed + i);
        }
        fprintf(stderr, "\n");
}

/* The power fails at each call while a published segment is cleared to be used again: the old name
 * must never be left with the new content. */
static void using_a_segment_again(void **state)
{
        for (int luck = POWER_NOTHING; luck <= POWER_DICE; luck++) {
                bool through = false;

                for (uint64_t k = 0; !through; k++) {
                        uint64_t rnd = k;
                        struct power *power;
                        struct publisher *p;
                        struct fixture f;
                        struct ledger *l;

                        fixture_new(&f);
                        l = fixture_open(&f);
                        fixture_append(&f, l, 260, 9000, 10);
                        p = fixture_publisher(&f, NULL, false);
                        fixture_publish(p, l); /* covers 256 entries, two segments */
                        publisher_free(p);
                        ledger_free(l);
                        power = power_new(f.root_fd);
                        f.options.io = power_io(power);
                        l = fixture_open(&f);
                        p = fixture_publisher(&f, NULL, false);
                        ledger_published(l, publisher_covered(p), publisher_segment(p));
                        publisher_free(p);
                        power_off_in(power, k);
                        ledger_tend(l);
                        through = !power_is_off(power);
                        ledger_free(l);
                        fd_close(&f.public_fd);
                        fd_close(&f.private_fd);
                        power_fail(power, (enum power_luck)luck, &rnd);
                        fixture_reopen_dirs(&f);
                        l = fixture_open(&f);
                        fixture_check(&f, l);
                        ledger_free(l);
                        power_free(power);
                        fixture_done(&f);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(using_a_segment_again),
                cmocka_unit_test(power_failures),
        };
        struct rlimit files;

        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                setrlimit(RLIMIT_NOFILE, &files);
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}

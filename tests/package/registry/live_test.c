/* SPDX-License-Identifier: Apache-2.0 */
/* Who looks at a registry: what it serves by, and what it goes on serving by when that is bad. */
#include "../packed.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../../ledger/fixture.h"
#include "base/text.h"
#include "package/registry/live.h"

static const struct span keys[] = { SPAN_INIT(PACKED_VKEY) };

/* ---- a registry ---- */

struct place {
        char path[32];
        int fd;
        struct live *live;
};

static struct place place_new(void)
{
        struct place p = { "/dev/shm/assay-live-XXXXXX", -1, NULL };

        assert_non_null(mkdtemp(p.path));
        p.fd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(p.fd >= 0);
        assert_int_equal(mkdirat(p.fd, "packages", 0755), 0);
        assert_int_equal(live_new(p.fd, keys, 1, &p.live), 0);
        return p;
}

static void place_done(struct place *p)
{
        live_free(p->live);
        close(p->fd);
        fixture_remove(AT_FDCWD, p->path);
}

static void path_of(const struct live_api *a, char out[100])
{
        char hex[2 * PACKAGE_HASH + 1];

        text_hex(span_of(a->sha256, PACKAGE_HASH), hex);
        snprintf(out, 100, "packages/%s.assay", hex);
}

static void put_bytes(const struct place *p, const struct live_api *a, struct span bytes)
{
        char path[100];

        path_of(a, path);
        assert_int_equal(io_replace_file(&io_kernel, p->fd, path, p->fd, 0444, bytes, NULL), 0);
}

/* A package of accounts or cards, signed or not, in the registry under its name. */
static struct live_api put_package(const struct place *p, const char *api, const char *version,
                                   bool is_signed)
{
        CLEANUP(signer_freep) struct signer *signer = packed_signer();
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        struct packed accounts = PACKED("accounts", version), cards = PACKED("cards", version);
        struct live_api a = { .name = span_str(api), .version = span_str(version) };

        packed_put(&file, strcmp(api, "cards") == 0 ? &cards : &accounts, is_signed ? signer : NULL,
                   a.sha256);
        put_bytes(p, &a, buf_span(&file));
        return a;
}

static void publish(const struct place *p, uint64_t n, const struct live_api *apis, uint32_t n_apis)
{
        struct err err = { 0 };

        if (live_publish(&io_kernel, p->fd, n, apis, n_apis, &err) < 0)
                fail_msg("%s", err.text);
}

/* The number and, by "accounts" and "cards", the versions that are served; NULL: none. */
static void expect_served(const struct place *p, uint64_t n, const char *accounts,
                          const char *cards)
{
        const char *const names[] = { "accounts", "cards" }, *const want[] = { accounts, cards };
        const struct generation *g = live_current(p->live);

        assert_non_null(g);
        assert_int_equal(g->number, n);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                const struct package *of = generation_package(g, span_str(names[i]));

                assert_int_equal(of != NULL, want[i] != NULL);
                if (of)
                        assert_true(span_eq_str(of->file.version, want[i]) &&
                                    span_eq_str(of->file.api, names[i]));
        }
        assert_null(generation_package(g, SPAN("b")));
}

static bool is_refused(const struct place *p, uint64_t want, const char *says)
{
        const char *why = NULL;
        uint64_t n = 99;

        if (!live_refused(p->live, &n, &why))
                return false;
        assert_int_equal(n, want);
        assert_non_null(strstr(why, says));
        return true;
}

/* ---- what is good ---- */

static void generations_are_served_as_they_come(void **state)
{
        struct place p = place_new();
        struct live_api one = put_package(&p, "accounts", "1", true),
                        two = put_package(&p, "accounts", "2", true),
                        cards = put_package(&p, "cards", "1", true);
        const struct live_api both[] = { two, cards };
        const struct package *kept;

        (void)state;
        assert_int_equal(live_look(p.live, NULL), 0);
        assert_null(live_current(p.live));
        assert_false(is_refused(&p, 0, ""));
        publish(&p, 1, &two, 1);
        assert_int_equal(live_look(p.live, NULL), 1);
        assert_int_equal(live_look(p.live, NULL), 0);
        expect_served(&p, 1, "2", NULL);
        kept = generation_package(live_current(p.live), SPAN("accounts"));
        publish(&p, 2, both, 2);
        assert_int_equal(live_look(p.live, NULL), 1);
        expect_served(&p, 2, "2", "1");
        assert_ptr_equal(generation_package(live_current(p.live), SPAN("accounts")), kept);
        publish(&p, 3, &one, 1); /* back to an older package */
        assert_int_equal(live_look(p.live, NULL), 1);
        expect_served(&p, 3, "1", NULL);
        publish(&p, 4, NULL, 0);
        assert_int_equal(live_look(p.live, NULL), 1);
        expect_served(&p, 4, NULL, NULL);
        place_done(&p);
}

/* A request finishes on the generation it began with, whatever was deployed and removed since. */
/* Its packages outlive whoever opened them. */
static void a_generation_needs_no_registry(void **state)
{
        struct place p = place_new();
        const struct live_api both[] = { put_package(&p, "accounts", "2", true),
                                         put_package(&p, "cards", "1", true) };
        struct generation *g = NULL, *none = NULL;
        const struct generation *served;

        (void)state;
        publish(&p, 1, both, 2);
        assert_int_equal(live_look(p.live, NULL), 1);
        served = live_current(p.live);
        alloc_fail_nth = 1;
        assert_int_equal(generation_new(7, served->package, served->n, &g), -ENOMEM);
        alloc_fail_nth = 0;
        assert_null(g);
        assert_int_equal(generation_new(7, served->package, served->n, &g), 0);
        assert_int_equal(generation_new(1, NULL, 0, &none), 0);
        place_done(&p);
        assert_int_equal(g->number, 7);
        assert_int_equal(g->n, 2);
        assert_true(span_eq_str(generation_package(g, SPAN("cards"))->file.version, "1"));
        assert_true(span_eq_str(generation_package(g, SPAN("accounts"))->file.version, "2"));
        assert_int_equal(none->n, 0);
        generation_unref(none);
        generation_unref(g);
}

static void a_request_keeps_its_generation(void **state)
{
        struct place p = place_new();
        struct live_api one = put_package(&p, "accounts", "1", true),
                        two = put_package(&p, "accounts", "2", true);
        struct generation *g;
        char path[100];

        (void)state;
        publish(&p, 1, &one, 1);
        assert_int_equal(live_look(p.live, NULL), 1);
        g = generation_ref(live_current(p.live));
        publish(&p, 2, &two, 1);
        assert_int_equal(live_look(p.live, NULL), 1);
        path_of(&one, path);
        assert_int_equal(unlinkat(p.fd, path, 0), 0);
        p.live = live_free(p.live);
        assert_int_equal(g->number, 1);
        assert_true(span_eq_str(g->package[0]->file.version, "1"));
        assert_null(generation_unref(g));
        assert_null(generation_unref(NULL));
        place_done(&p);
}

/* ---- what is bad ---- */

static void remove_package(struct place *p, struct live_api *a)
{
        char path[100];

        path_of(a, path);
        assert_int_equal(unlinkat(p->fd, path, 0), 0);
        publish(p, 2, a, 1);
}

static void other_package(struct place *p, struct live_api *a)
{
        a->sha256[0] ^= 1; /* the bytes of a good one under a name that is not theirs */
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        CLEANUP(signer_freep) struct signer *signer = packed_signer();
        struct packed x = PACKED("accounts", "2");

        packed_put(&file, &x, signer, NULL);
        put_bytes(p, a, buf_span(&file));
        publish(p, 2, a, 1);
}

static void flipped_package(struct place *p, struct live_api *a)
{
        char path[100];
        uint8_t byte;
        int fd;

        path_of(a, path);
        assert_int_equal(fchmodat(p->fd, path, 0644, 0), 0);
        fd = openat(p->fd, path, O_RDWR | O_CLOEXEC);
        assert_int_equal(pread(fd, &byte, 1, 1000), 1);
        byte ^= 1;
        assert_int_equal(pwrite(fd, &byte, 1, 1000), 1);
        close(fd);
        publish(p, 2, a, 1);
}

static void cut_package(struct place *p, struct live_api *a)
{
        publish(p, 2, a, 1);
        put_bytes(p, a, SPAN("assay package 1\n"));
}

static void unsigned_package(struct place *p, struct live_api *a)
{
        *a = put_package(p, "accounts", "3", false);
        publish(p, 2, a, 1);
}

static void wrong_api(struct place *p, struct live_api *a)
{
        a->name = SPAN("cards");
        publish(p, 2, a, 1);
}

static void wrong_version(struct place *p, struct live_api *a)
{
        a->version = SPAN("2.0");
        publish(p, 2, a, 1);
}

static void linked_package(struct place *p, struct live_api *a)
{
        char path[100];

        path_of(a, path);
        assert_int_equal(renameat(p->fd, path, p->fd, "elsewhere"), 0);
        assert_int_equal(symlinkat("../elsewhere", p->fd, path), 0);
        publish(p, 2, a, 1);
}

static void pipe_as_package(struct place *p, struct live_api *a)
{
        char path[100];

        path_of(a, path);
        assert_int_equal(unlinkat(p->fd, path, 0), 0);
        assert_int_equal(mkfifoat(p->fd, path, 0600), 0);
        publish(p, 2, a, 1);
}

static void no_text(struct place *p, struct live_api *a)
{
        publish(p, 2, a, 1);
        assert_int_equal(unlinkat(p->fd, "live/2", 0), 0);
}

static void other_text(struct place *p, struct live_api *a)
{
        publish(p, 2, a, 1);
        assert_int_equal(renameat(p->fd, "live/1", p->fd, "live/2"), 0);
}

static void rubbish_text(struct place *p, struct live_api *a)
{
        publish(p, 2, a, 1);
        assert_int_equal(
                io_replace_file(&io_kernel, p->fd, "live/2", p->fd, 0444, SPAN("{}\n"), NULL), 0);
}

static void long_text(struct place *p, struct live_api *a)
{
        uint8_t *text = calloc(1, LIVE_TEXT_MAX + 1);

        assert_non_null(text);
        publish(p, 2, a, 1);
        assert_int_equal(io_replace_file(&io_kernel, p->fd, "live/2", p->fd, 0444,
                                         span_of(text, LIVE_TEXT_MAX + 1), NULL),
                         0);
        free(text);
}

static void link_elsewhere(struct place *p, struct live_api *a)
{
        (void)a;
        assert_int_equal(symlinkat("live/../live/1", p->fd, "new"), 0);
        assert_int_equal(renameat(p->fd, "new", p->fd, "current"), 0);
}

static void no_link(struct place *p, struct live_api *a)
{
        (void)a;
        assert_int_equal(unlinkat(p->fd, "current", 0), 0);
}

static void link_is_file(struct place *p, struct live_api *a)
{
        (void)a;
        assert_int_equal(unlinkat(p->fd, "current", 0), 0);
        close(openat(p->fd, "current", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void bad_second_one(struct place *p, struct live_api *a)
{
        struct live_api two[] = { *a, put_package(p, "cards", "1", false) };

        publish(p, 2, two, 2);
}

/* Generation 1 goes on being served, the fault is said once, and 3 ends it. */
static void the_last_good_one_is_kept(void **state)
{
        static const struct {
                void (*spoil)(struct place *p, struct live_api *a);
                int want;
                uint64_t number;
                const char *says;
        } rows[] = {
                { remove_package, -ENOENT, 2, ".assay: open: No such file" },
                { other_package, -EBADMSG, 2, ".assay: its SHA-256 is not its name" },
                { flipped_package, -EBADMSG, 2, ".assay: section api: its SHA-256 is another" },
                { cut_package, -EBADMSG, 2, ".assay: ends within its head" },
                { unsigned_package, -ENOKEY, 2, ".assay: the package is not signed" },
                { wrong_api, -EBADMSG, 2, "it is of the API accounts, not cards" },
                { wrong_version, -EBADMSG, 2, "it has the version 2, not 2.0" },
                { linked_package, -ELOOP, 2, ".assay: open: " },
                { pipe_as_package, -EINVAL, 2, ".assay: no regular file" },
                { no_text, -ENOENT, 2, "live/2: open: No such file" },
                { other_text, -EBADMSG, 2, "live/2: generation: it says 1" },
                { rubbish_text, -EBADMSG, 2, "live/2: its members are not" },
                { long_text, -EFBIG, 2, "live/2: more than" },
                { link_elsewhere, -EBADMSG, 0, "current: leads to no generation" },
                { no_link, -ENOENT, 0, "current: No such file" },
                { link_is_file, -EINVAL, 0, "current: Invalid argument" },
                { bad_second_one, -ENOKEY, 2, "live/2: cards: packages/" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct place p = place_new();
                struct live_api one = put_package(&p, "accounts", "1", true),
                                two = put_package(&p, "accounts", "2", true), bad = two;
                struct err err = { 0 };
                int r;

                publish(&p, 1, &one, 1);
                assert_int_equal(live_look(p.live, NULL), 1);
                rows[i].spoil(&p, &bad);
                r = live_look(p.live, &err);
                if (r != rows[i].want || !strstr(err.text, rows[i].says))
                        fail_msg("row %zu: %d %s", i, r, err.text);
                assert_int_equal(live_look(p.live, NULL), 0);
                assert_true(is_refused(&p, rows[i].number, rows[i].says));
                expect_served(&p, 1, "1", NULL);
                unlinkat(p.fd, "current", 0);
                publish(&p, 3, &one, 1);
                assert_int_equal(live_look(p.live, NULL), 1);
                assert_false(is_refused(&p, 0, ""));
                expect_served(&p, 3, "1", NULL);
                place_done(&p);
        }
}

/* ---- what gets better ---- */

/* A file that comes back is found after 1, 2, 4, ... looks, without another word. */
static void what_could_not_be_read_is_tried_again(void **state)
{
        static const unsigned looks[] = { 1, 2, 3, 4, 7, 100, 1000 }; /* while it is away */
        static const unsigned more[] = { 2, 1, 4, 3, 8, 27, 23 };     /* until it is found */

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
                struct place p = place_new();
                struct live_api one = put_package(&p, "accounts", "1", true);
                unsigned n = 0;

                remove_package(&p, &one);
                assert_int_equal(live_look(p.live, NULL), -ENOENT);
                for (unsigned j = 0; j < looks[i]; j++)
                        assert_int_equal(live_look(p.live, NULL), 0);
                assert_null(live_current(p.live));
                put_package(&p, "accounts", "1", true);
                do {
                        n++;
                } while (n < 1000 && live_look(p.live, NULL) == 0);
                expect_served(&p, 2, "1", NULL);
                assert_false(is_refused(&p, 0, ""));
                assert_int_equal(n, more[i]);
                place_done(&p);
        }
}

/* What was read and is bad stays so, however often one looks: nothing is opened again. */
static void what_is_bad_stays_so(void **state)
{
        struct place p = place_new();
        struct live_api one = put_package(&p, "accounts", "1", true);

        (void)state;
        put_bytes(&p, &one, SPAN("rubbish"));
        publish(&p, 1, &one, 1);
        assert_int_equal(live_look(p.live, NULL), -EBADMSG);
        put_package(&p, "accounts", "1", true);
        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(live_look(p.live, NULL), 0);
        assert_true(is_refused(&p, 1, "no package that assay api build has made"));
        publish(&p, 2, &one, 1);
        assert_int_equal(live_look(p.live, NULL), 1);
        place_done(&p);
}

static void memory_may_fail(void **state)
{
        struct place p = place_new();
        struct live_api one = put_package(&p, "accounts", "1", true),
                        two = put_package(&p, "accounts", "2", true);
        uint64_t n = 1;

        (void)state;
        publish(&p, n, &one, 1);
        assert_int_equal(live_look(p.live, NULL), 1);
        for (size_t nth = 1, done = 0; !done; nth++) {
                const struct live_api *next = n % 2 ? &two : &one;
                int r;

                publish(&p, ++n, next, 1);
                alloc_fail_nth = nth;
                r = live_look(p.live, NULL);
                done = alloc_fail_nth > 0;
                alloc_fail_nth = 0;
                assert_int_equal(r, done ? 1 : -ENOMEM);
                if (!done) {
                        expect_served(&p, n - 1, n % 2 ? "2" : "1", NULL);
                        assert_true(is_refused(&p, n, ""));
                        assert_int_equal(live_look(p.live, NULL), 1);
                }
                expect_served(&p, n, n % 2 ? "1" : "2", NULL);
        }
        place_done(&p);
}

/* ---- two processes ---- */

enum { VERSIONS = 8, LOOKS = 10000, SEEN_MIN = 200 };

/* Generation n is accounts and cards, both of version n % VERSIONS; as long as there is a reader.
 */
static void publish_for_ever(const struct place *p, const struct live_api sets[VERSIONS][2],
                             pid_t reader)
{
        struct err err = { 0 };

        for (uint64_t n = 1; getppid() == reader; n++)
                if (live_publish(&io_kernel, p->fd, n, sets[n % VERSIONS], 2, &err) < 0) {
                        fprintf(stderr, "writer: %s\n", err.text);
                        _exit(1);
                }
        _exit(0);
}

static void no_mixture_is_seen(void **state)
{
        static const char *const versions[VERSIONS] = { "0", "1", "2", "3", "4", "5", "6", "7" };
        struct place p = place_new();
        struct live_api sets[VERSIONS][2];
        unsigned seen = 0, looks = 0;
        uint64_t last = 0;
        pid_t writer, reader = getpid();

        (void)state;
        for (unsigned i = 0; i < VERSIONS; i++) {
                sets[i][0] = put_package(&p, "accounts", versions[i], true);
                sets[i][1] = put_package(&p, "cards", versions[i], true);
        }
        writer = fork();
        assert_true(writer >= 0);
        if (writer == 0)
                publish_for_ever(&p, sets, reader);
        for (; looks < LOOKS || seen < SEEN_MIN; looks++) {
                struct err err = { 0 };
                int r = live_look(p.live, &err);

                if (r < 0)
                        fail_msg("%s", err.text);
                if (r == 0)
                        continue;
                seen++;
                assert_true(live_current(p.live)->number > last);
                last = live_current(p.live)->number;
                expect_served(&p, last, versions[last % VERSIONS], versions[last % VERSIONS]);
        }
        print_message("%u looks, %u generations seen, of %llu\n", looks, seen,
                      (unsigned long long)last);
        assert_int_equal(waitpid(writer, NULL, WNOHANG), 0); /* it goes on */
        kill(writer, SIGKILL);
        assert_int_equal(waitpid(writer, NULL, 0), writer);
        place_done(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(generations_are_served_as_they_come),
                cmocka_unit_test(a_generation_needs_no_registry),
                cmocka_unit_test(a_request_keeps_its_generation),
                cmocka_unit_test(the_last_good_one_is_kept),
                cmocka_unit_test(what_could_not_be_read_is_tried_again),
                cmocka_unit_test(what_is_bad_stays_so),
                cmocka_unit_test(memory_may_fail),
                cmocka_unit_test(no_mixture_is_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

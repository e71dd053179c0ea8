/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/keys/keys_wanted.h"

#include "base/buf.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PACKAGES = 4, IDENTITIES = 4 };

struct id {
        const char *url; /* NULL: none of these, but a file */
        const char *issuer;
        const char *addresses[4];
        uint32_t refresh_s;
        enum config_identity_kind kind;
};

/* Its packages have what is looked at and nothing else. */
struct world {
        struct generation g;
        struct package packages[PACKAGES];
        struct config_identity ids[PACKAGES][IDENTITIES];
        struct span addresses[PACKAGES][IDENTITIES][4];
};

static void fill(struct world *w, const struct id ids[PACKAGES][IDENTITIES])
{
        *w = (struct world){ .g = { .n = PACKAGES } };
        for (size_t p = 0; p < PACKAGES; p++) {
                struct config *c = &w->packages[p].config;

                w->g.package[p] = &w->packages[p];
                c->identities = w->ids[p];
                for (size_t i = 0; i < IDENTITIES && ids[p][i].issuer; i++) {
                        const struct id *from = &ids[p][i];
                        struct config_identity *to = &w->ids[p][i];

                        c->n_identities++;
                        to->kind = from->kind;
                        to->issuer = span_str(from->issuer);
                        to->refresh_s = from->refresh_s;
                        if (from->url)
                                to->jwks_url = span_str(from->url);
                        else
                                to->jwks_file = SPAN("/etc/keys.json");
                        to->jwks_addresses = w->addresses[p][i];
                        while (to->n_jwks_addresses < 4 && from->addresses[to->n_jwks_addresses]) {
                                w->addresses[p][i][to->n_jwks_addresses] =
                                        span_str(from->addresses[to->n_jwks_addresses]);
                                to->n_jwks_addresses++;
                        }
                }
        }
}

/* "url issuer refresh address,address;" each, "!" for none that all allow. */
static void print(const struct keys_wanted *k, uint32_t n, struct buf *out)
{
        for (uint32_t i = 0; i < n; i++) {
                buf_printf(out, "%s %s %u %s", k[i].url, k[i].issuer, (unsigned)k[i].refresh_s,
                           k[i].none_allowed ? "!" : "");
                for (uint32_t a = 0; a < k[i].n_addresses; a++)
                        buf_printf(out, "%s%s", a ? "," : "", k[i].addresses[a]);
                buf_put_str(out, ";");
        }
}

static const struct {
        const char *name;
        struct id ids[PACKAGES][IDENTITIES];
        const char *want;
} rows[] = {
        { "nothing", { { { 0 } } }, "" },
        { "one",
          { { { "https://a/k", "A", { "192.0.2.1" }, 600, 0 } } },
          "https://a/k A 600 192.0.2.1;" },
        { "files and what is no JWT are not ours",
          { { { NULL, "A", { NULL }, 600, 0 },
              { "https://a/k", "A", { NULL }, 600, CONFIG_OPAQUE } } },
          "" },
        /* printf %s https://a/k | sha256sum: 58aaf...; https://b/k: 5c2ac... */
        { "ascending by digest, several of one package",
          { { { "https://a/k", "A", { "192.0.2.1" }, 600, 0 },
              { "https://b/k", "B", { "192.0.2.2" }, 60, 0 } } },
          "https://a/k A 600 192.0.2.1;https://b/k B 60 192.0.2.2;" },
        { "of several packages the shortest time and what all of them allow",
          { { { "https://a/k", "A", { "192.0.2.1", "192.0.2.2", "192.0.2.3" }, 600, 0 } },
            { { "https://a/k", "other", { "192.0.2.3", "192.0.2.2" }, 60, 0 } },
            { { "https://a/k", "A", { "192.0.2.2", "2001:db8::3" }, 900, 0 } } },
          "https://a/k A 60 192.0.2.2;" },
        { "no address in common",
          { { { "https://a/k", "A", { "192.0.2.1" }, 600, 0 } },
            { { "https://a/k", "A", { "192.0.2.2" }, 600, 0 } },
            { { "https://a/k", "A", { "192.0.2.1" }, 600, 0 } } },
          "https://a/k A 600 !;" },
        { "an address in the url, and a time of nothing",
          { { { "https://192.0.2.1/k", "A", { NULL }, 0, 0 } },
            { { "https://192.0.2.1/k", "A", { NULL }, 5, 0 } } },
          "https://192.0.2.1/k A 1 ;" },
};

static void what_packages_name(void **state)
{
        struct keys_wanted *k = calloc(KEYS_URLS_MAX, sizeof *k);
        struct world *w = malloc(sizeof *w);

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(buf_done) struct buf got = BUF_INIT(4096);
                uint32_t n, left_out;

                fill(w, rows[i].ids);
                keys_wanted(&w->g, k, &n, &left_out);
                print(k, n, &got);
                if (strcmp(buf_cstr(&got), rows[i].want) != 0 || left_out)
                        fail_msg("%s: %s", rows[i].name, buf_cstr(&got));
        }
        free(w);
        free(k);
}

static void a_name_is_the_digest_of_the_url(void **state)
{
        static const struct id ids[PACKAGES][IDENTITIES] = {
                { { "https://id.example.org/keys", "A", { "192.0.2.1" }, 600, 0 } }
        };
        struct keys_wanted *k = calloc(KEYS_URLS_MAX, sizeof *k);
        struct world *w = malloc(sizeof *w);
        uint32_t n, left_out;

        fill(w, ids);
        keys_wanted(&w->g, k, &n, &left_out);
        /* printf %s https://id.example.org/keys | sha256sum */
        assert_string_equal(k->name,
                            "799bafdb87b1f51444eb08281611b3cb767636d9b575b45255a0882f4377781a");
        free(w);
        free(k);
}

static void more_than_there_is_room_for(void **state)
{
        enum { ALL = PACKAGES * 100 };
        static char urls[ALL][32];
        static struct config_identity ids[ALL];
        static struct package packages[PACKAGES];
        static struct generation g = { .n = PACKAGES };
        struct keys_wanted *k = calloc(KEYS_URLS_MAX, sizeof *k);
        uint32_t n, left_out;

        for (size_t i = 0; i < ALL; i++) {
                snprintf(urls[i], sizeof urls[i], "https://h%zu/k", i);
                ids[i] = (struct config_identity){ .jwks_url = span_str(urls[i]), .refresh_s = 9 };
        }
        for (size_t p = 0; p < PACKAGES; p++) {
                g.package[p] = &packages[p];
                packages[p].config.identities = &ids[p * 100];
                packages[p].config.n_identities = 100;
        }
        keys_wanted(&g, k, &n, &left_out);
        assert_int_equal(n, KEYS_URLS_MAX);
        assert_int_equal(left_out, ALL - KEYS_URLS_MAX);
        for (uint32_t i = 1; i < n; i++)
                assert_true(strcmp(k[i - 1].name, k[i].name) < 0);
        free(k);
}

/* What would be another url once it is a C string. */
static void urls_that_are_none(void **state)
{
        static char much[CONFIG_PATH_MAX + 2] = "https://a/";
        static struct config_identity ids[] = {
                { .jwks_url = SPAN_INIT("https://a/k\0.evil.example/k"), .refresh_s = 9 },
                { .refresh_s = 9 },
                { .jwks_url = SPAN_INIT("https://a/k"), .refresh_s = 9 },
        };
        static struct package p = { .config = { .identities = ids, .n_identities = 3 } };
        static struct generation g = { .n = 1, .package = { &p } };
        struct keys_wanted *k = calloc(KEYS_URLS_MAX, sizeof *k);
        uint32_t n, left_out;

        memset(much + strlen(much), 'x', sizeof much - 1 - strlen(much));
        ids[1].jwks_url = span_str(much);
        keys_wanted(&g, k, &n, &left_out);
        assert_int_equal(n, 1);
        assert_string_equal(k->url, "https://a/k");
        assert_int_equal(left_out, 2);
        free(k);
}

/* ---- when ---- */

static const int64_t S = NS_PER_S;
static const int64_t NOW = INT64_C(1000) * NS_PER_S;

static void the_first_one(void **state)
{
        static const struct {
                bool have;
                int64_t age_s, due_s;
        } t[] = {
                { false, 0, 0 },  { false, 5, 0 },   { true, 0, 600 }, { true, 599, 1 },
                { true, 600, 0 }, { true, 9999, 0 }, { true, -1, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct keys_time k;

                keys_time_init(&k, t[i].have, t[i].age_s, 600, NOW);
                assert_int_equal(k.due_ns, NOW + t[i].due_s * S);
        }
}

/* From the end of a fetch to the next one, without and with all that chance takes off. */
static void the_next_one(void **state)
{
        static const struct {
                uint32_t refresh_s, failures; /* 0: it went well */
                int64_t least_s, most_s;
        } t[] = {
                { 600, 0, 540, 600 },    { 86400, 0, 77760, 86400 }, { 20, 0, 18, 20 },
                { 600, 1, 9, 10 },       { 600, 2, 18, 20 },         { 600, 3, 36, 40 },
                { 600, 5, 144, 160 },    { 600, 6, 270, 300 },       { 600, 40, 270, 300 },
                { 600, 4000, 270, 300 }, { 30, 3, 27, 30 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++)
                for (uint32_t chance = 0; chance < 5000; chance += 7) {
                        struct keys_time k = { .started_ns = NOW - 60 * S, .due_ns = INT64_MAX };

                        k.failures = t[i].failures ? t[i].failures - 1 : 77;
                        keys_time_end(&k, t[i].failures == 0, t[i].refresh_s, chance, NOW);
                        assert_int_equal(k.failures, t[i].failures);
                        assert_in_range(k.due_ns, NOW + t[i].least_s * S, NOW + t[i].most_s * S);
                }
}

/* Whoever asks, and however often. */
static void never_more_than_once_in_ten_seconds(void **state)
{
        struct keys_time k;
        int64_t last = KEYS_NEVER;
        unsigned fetched = 0;

        keys_time_init(&k, false, 0, 1, NOW);
        for (int64_t now = NOW; now < NOW + 1000 * S; now += S / 4) {
                keys_time_ask(&k, now);
                if (k.due_ns > now)
                        continue;
                assert_true(now - last >= KEYS_ASK_S * S);
                last = now;
                keys_time_start(&k, now);
                keys_time_ask(&k, now); /* while it runs */
                assert_int_equal(k.due_ns, INT64_MAX);
                keys_time_end(&k, fetched % 3 == 0, 1, fetched, now);
                fetched++;
        }
        assert_int_equal(fetched, 100);
}

/* A question is not lost: it is due once the ten seconds are over. */
static void asked_too_early(void **state)
{
        struct keys_time k;

        keys_time_init(&k, false, 0, 600, NOW);
        keys_time_start(&k, NOW);
        keys_time_end(&k, true, 600, 0, NOW + S);
        keys_time_ask(&k, NOW + 2 * S);
        assert_int_equal(k.due_ns, NOW + KEYS_ASK_S * S);
        keys_time_init(&k, true, 0, 600, NOW);
        keys_time_ask(&k, NOW + S);
        assert_int_equal(k.due_ns, NOW + S);
        keys_time_init(&k, true, 0, 600, NOW);
        keys_time_within(&k, 60, NOW + S);
        assert_int_equal(k.due_ns, NOW + 61 * S);
        keys_time_within(&k, 6000, NOW + S);
        assert_int_equal(k.due_ns, NOW + 61 * S);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_packages_name),
                cmocka_unit_test(a_name_is_the_digest_of_the_url),
                cmocka_unit_test(more_than_there_is_room_for),
                cmocka_unit_test(urls_that_are_none),
                cmocka_unit_test(the_first_one),
                cmocka_unit_test(the_next_one),
                cmocka_unit_test(never_more_than_once_in_ten_seconds),
                cmocka_unit_test(asked_too_early),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Names from c2sp.org/tlog-tiles and worked out by hand. */
static void names(void **state)
{
        static const struct {
                struct tile tile;
                const char *path, *dir;
        } rows[] = {
                { { 0, 0, 256 }, "tile/0/000", "tile/0" },
                { { 0, 5, 256 }, "tile/0/005", "tile/0" },
                { { 0, 5, 7 }, "tile/0/005.p/7", "tile/0/005.p" },
                { { 1, 999, 255 }, "tile/1/999.p/255", "tile/1/999.p" },
                { { 0, 1000, 256 }, "tile/0/x001/000", "tile/0/x001" },
                { { 0, 1234067, 256 }, "tile/0/x001/x234/067", "tile/0/x001/x234" },
                { { 7, 0, 1 }, "tile/7/000.p/1", "tile/7/000.p" },
                { { -1, 273, 112 }, "tile/entries/273.p/112", "tile/entries/273.p" },
                { { -1, 1000000, 256 }, "tile/entries/x001/x000/000", "tile/entries/x001/x000" },
                { { -1, UINT64_MAX, 255 },
                  "tile/entries/x018/x446/x744/x073/x709/x551/615.p/255",
                  "tile/entries/x018/x446/x744/x073/x709/x551/615.p" },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char path[TILE_PATH_MAX], dir[TILE_PATH_MAX];
                struct tile back;

                tile_path(rows[i].tile, path);
                assert_string_equal(path, rows[i].path);
                tile_dir(rows[i].tile, dir);
                assert_string_equal(dir, rows[i].dir);
                assert_int_equal(tile_parse(span_str(rows[i].path), &back), 0);
                assert_int_equal(back.level, rows[i].tile.level);
                assert_true(back.n == rows[i].tile.n);
                assert_int_equal(back.width, rows[i].tile.width);
        }
}

static void refuses_other_spellings(void **state)
{
        static const char *const rows[] = {
                "",
                "tile",
                "tile/",
                "tile/0",
                "tile/0/",
                "tile/0/5",
                "tile/0/05",
                "tile/0/0005",
                "tile/0/005/",
                "/tile/0/005",
                "tile//005",
                "tile/00/005",
                "tile/8/005",
                "tile/-1/005",
                "tile/0/x000/005",
                "tile/0/x001/x005",
                "tile/0/001/005",
                "tile/0/x01/005",
                "tile/0/X001/005",
                "tile/0/x001.p/005",
                "tile/0/005.p",
                "tile/0/005.p/",
                "tile/0/005.p/0",
                "tile/0/005.p/256",
                "tile/0/005.p/07",
                "tile/0/005.p/7/",
                "tile/0/005.p/7x",
                "tile/0/005.q/7",
                "tile/0/x001.p/7",
                "tile/0/00a",
                "tile/0/005 ",
                "tile/Entries/005",
                "tile/entries",
                "tiles/0/005",
                "tile/entries/x018/x446/x744/x073/x709/x551/616",
                "tile/entries/x999/x446/x744/x073/x709/x551/615",
                "tile/entries/x001/x018/x446/x744/x073/x709/x551/615",
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct tile t = { .level = 3, .n = 4, .width = 5 };

                if (tile_parse(span_str(rows[i]), &t) != -EINVAL)
                        fail_msg("accepted: %s", rows[i]);
                assert_true(t.level == 3 && t.n == 4 && t.width == 5);
        }
}

/* Size 70000, from the specification. */
static void counts(void **state)
{
        static const struct {
                uint64_t size;
                int level;
                uint64_t full;
                unsigned partial;
        } rows[] = {
                { 70000, 0, 273, 112 }, { 70000, -1, 273, 112 }, { 70000, 1, 1, 17 },
                { 70000, 2, 0, 1 },     { 70000, 3, 0, 0 },      { 0, 0, 0, 0 },
                { 1, 0, 0, 1 },         { 255, 0, 0, 255 },      { 256, 0, 1, 0 },
                { 256, 1, 0, 1 },       { 257, 0, 1, 1 },        { 65536, 0, 256, 0 },
                { 65536, 1, 1, 0 },     { 65536, 2, 0, 1 },      { INT64_MAX, 7, 0, 127 },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                assert_true(tile_full_count(rows[i].size, rows[i].level) == rows[i].full);
                assert_int_equal(tile_partial_width(rows[i].size, rows[i].level), rows[i].partial);
        }
}

static void tile_of_a_node(void **state)
{
        struct tile t = tile_of(0, 69999, 70000);

        assert_true(t.level == 0 && t.n == 273 && t.width == 112);
        t = tile_of(0, 69887, 70000);
        assert_true(t.n == 272 && t.width == 256);
        t = tile_of(1, 272, 70000);
        assert_true(t.level == 1 && t.n == 1 && t.width == 17);
        t = tile_of(2, 0, 70000);
        assert_true(t.level == 2 && t.n == 0 && t.width == 1);
}

static void walks_bundles(void **state)
{
        static const uint8_t good[] = "\x00\x03"
                                      "abc"
                                      "\x00\x00"
                                      "\x00\x01z";
        static const size_t end[] = { 5, 7, 10 };
        struct bundle_iter it = bundle_iter_of(span_of(good, sizeof good - 1));
        struct span e;

        for (size_t i = 0; i < ARRAY_LEN(end); i++) {
                assert_int_equal(bundle_next(&it, &e), 1);
                assert_int_equal(it.offset, end[i]);
        }
        assert_true(e.n == 1 && e.p[0] == 'z');
        assert_int_equal(bundle_next(&it, &e), 0);
        for (size_t cut = 0; cut < sizeof good - 1; cut++) {
                uint8_t *copy = malloc(cut ? cut : 1);
                bool clean = cut == 0 || cut == 5 || cut == 7;
                int r;

                assert_non_null(copy);
                memcpy(copy, good, cut);
                it = bundle_iter_of(span_of(copy, cut));
                while ((r = bundle_next(&it, &e)) > 0)
                        ;
                assert_int_equal(r, clean ? 0 : -EBADMSG);
                free(copy);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(names),         cmocka_unit_test(refuses_other_spellings),
                cmocka_unit_test(counts),        cmocka_unit_test(tile_of_a_node),
                cmocka_unit_test(walks_bundles),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

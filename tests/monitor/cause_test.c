/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/cause.h"
#include "state/tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Latest first, as they are found. */
static const struct {
        const char *path, *who;
        bool of_sources;
} told[] = {
        { "/etc/cron.d/b", "{\"uid\":2}", true },
        { "/usr/bin/x", "{\"uid\":3}", false },
        { "/etc/cron.d/a", "{\"uid\":1}", true },
        { "/etc/cron.d/b", "{\"uid\":4}", true },
};

static size_t keep(struct causes *c, const char *s)
{
        size_t at = c->text.n;

        buf_put(&c->text, span_of(s, strlen(s) + 1));
        return at;
}

static struct causes *some(void)
{
        struct causes *c = calloc(1, sizeof *c);

        assert_non_null(c);
        causes_done(c);
        for (size_t i = 0; i < ARRAY_LEN(told); i++) {
                struct cause x = { .index = 100 - i,
                                   .of_sources = told[i].of_sources,
                                   .has_who = true };

                x.path_n = strlen(told[i].path);
                x.path = keep(c, told[i].path);
                x.id_n = 2;
                x.id = keep(c, "ID");
                x.who_n = strlen(told[i].who);
                x.who = keep(c, told[i].who);
                c->at[c->n++] = x;
        }
        return c;
}

static const struct {
        const char *name, *row;
        const char *want; /* what, then who, as an object */
} cases[] = {
        { "a row that names its file", "{\"file\":\"/etc/cron.d/a\"}",
          "{\"cause\":\"ID\",\"cause_index\":98,\"who\":{\"uid\":1}}" },
        { "the latest of several, and those before", "{\"file\":\"/etc/cron.d/b\"}",
          "{\"cause\":\"ID\",\"cause_index\":100,\"causes_before\":[97],\"who\":{\"uid\":2}}" },
        { "a file that nothing was told of: not another's author", "{\"file\":\"/etc/crontab\"}",
          "{\"who\":{\"unknown\":\"none\"}}" },
        { "a row of no file: the sources' latest", "{\"name\":\"root\"}",
          "{\"cause\":\"ID\",\"cause_index\":100,\"causes_before\":[97],\"who\":{\"uid\":2}}" },
        { "what is no path is none", "{\"file\":\"sshd -T\"}",
          "{\"cause\":\"ID\",\"cause_index\":100,\"causes_before\":[97],\"who\":{\"uid\":2}}" },
        { "a path that is no source's", "{\"path\":\"/usr/bin/x\"}",
          "{\"cause\":\"ID\",\"cause_index\":99,\"who\":{\"uid\":3}}" },
        { "a path that nothing was told of: a drop-in may be", "{\"path\":\"/lib/x.service\"}",
          "{\"cause\":\"ID\",\"cause_index\":100,\"causes_before\":[97],\"who\":{\"uid\":2}}" },
};

static void test_rows(void **state)
{
        struct causes *c = some();

        (void)state;
        c->none = "none";
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct cause *x = causes_of(c, json_value_of(span_str(cases[i].row)));
                struct buf out = BUF_INIT(4096);
                struct json_writer w;

                json_writer_init(&w, &out);
                json_begin_object(&w);
                cause_put_what(c, x, &w);
                cause_put_who(c, x, &w);
                json_end_object(&w);
                if (strcmp(buf_cstr(&out), cases[i].want) != 0)
                        fail_msg("%s: %s", cases[i].name, buf_cstr(&out));
                buf_done(&out);
        }
        causes_done(c);
        free(c);
}

static void test_possible(void **state)
{
        (void)state;
        assert_true(causes_possible(&state_users, state_users.sources, state_users.n_sources));
        assert_true(causes_possible(&state_suid, state_suid.sources, state_suid.n_sources));
        assert_true(causes_possible(&state_user_units, state_user_units.sources,
                                    state_user_units.n_sources));
        assert_false(causes_possible(&state_ports, state_ports.sources, state_ports.n_sources));
        assert_false(causes_possible(&state_mounts, state_mounts.sources, state_mounts.n_sources));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_possible),
        };

        return cmocka_run_group_tests_name("monitor/cause", tests, NULL, NULL);
}

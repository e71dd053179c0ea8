/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/actor.h"

#include "integrity/who/session.h"
#include "integrity/who/who.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

static struct who *author(const char *exe, const char *unit)
{
        struct who *w = who_new(42);

        assert_non_null(w);
        buf_put_str(&w->exe, exe);
        buf_put_str(&w->unit, unit);
        return w;
}

static void put_kin(struct who *w, struct who_kin *k, const char *exe, struct who_exe file)
{
        *k = (struct who_kin){ .pid = 7,
                               .has_exe = true,
                               .file = file,
                               .at = (uint32_t)w->names.n,
                               .n = (uint32_t)strlen(exe) };
        buf_put_str(&w->names, exe);
}

/* What speaks against the executable, of the author and of a parent. */
static void test_runs(void **state)
{
        static const struct {
                struct who_exe file;
                enum actor_fit want;
        } cases[] = {
                { { .file = PROCS_FILE_UNKNOWN }, ACTOR_FITS },
                { { .led = true }, ACTOR_LED },
                { { .nameless = true }, ACTOR_NAMELESS },
                { { .elsewhere = true }, ACTOR_ELSEWHERE },
                { { .cut = true }, ACTOR_CUT },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(who_unrefp) struct who *w = author("/usr/sbin/cupsd", "");
                CLEANUP(who_unrefp) struct who *child = author("/usr/bin/dash", "");

                w->file = cases[i].file;
                assert_int_equal(actor_runs(SPAN("/usr/sbin/cups*"), w, 0, NULL), cases[i].want);
                assert_int_equal(actor_runs(SPAN("/usr/sbin/cron"), w, 0, NULL), ACTOR_OTHER);
                put_kin(child, &child->parents[child->n_parents++], "/usr/sbin/cupsd",
                        cases[i].file);
                assert_int_equal(actor_runs(SPAN("/usr/sbin/cupsd"), child, 0, NULL),
                                 cases[i].want);
                /* one that fits is enough */
                put_kin(child, &child->parents[child->n_parents++], "/usr/sbin/cupsd",
                        (struct who_exe){ 0 });
                assert_int_equal(actor_runs(SPAN("/usr/sbin/cupsd"), child, 0, NULL), ACTOR_FITS);
        }
        (void)state;
}

/* Who became it in the moment of the change may have made the change before. */
static void test_earlier(void **state)
{
        CLEANUP(who_unrefp) struct who *w = author("/usr/sbin/cupsd", "");

        put_kin(w, &w->earlier[w->n_earlier++], "/usr/sbin/cupsd", (struct who_exe){ 0 });
        assert_int_equal(actor_runs(SPAN("/usr/sbin/cupsd"), w, 0, NULL), ACTOR_FITS);
        put_kin(w, &w->earlier[w->n_earlier++], "/usr/bin/evil", (struct who_exe){ 0 });
        assert_int_equal(actor_runs(SPAN("/usr/sbin/cupsd"), w, 0, NULL), ACTOR_EARLIER);
        w->since_ns = 1000;
        assert_int_equal(actor_runs(SPAN("/usr/sbin/cupsd"), w, 1000, NULL), ACTOR_EARLIER);
        assert_int_equal(actor_runs(SPAN("/usr/sbin/cupsd"), w, 1001, NULL), ACTOR_FITS);
        (void)state;
}

static bool is_trusted(void *ctx, struct span exe, const struct who_exe *file)
{
        assert_true(span_eq_str(exe, "/usr/sbin/cupsd"));
        (*(unsigned *)ctx)++;
        return file->ino == 1;
}

static void test_trusted(void **state)
{
        CLEANUP(who_unrefp) struct who *w = author("/usr/sbin/cupsd", "");
        unsigned asked = 0;
        struct actor_files files = { is_trusted, &asked };

        w->file.ino = 1;
        assert_int_equal(actor_runs(SPAN("/usr/sbin/cupsd"), w, 0, &files), ACTOR_FITS);
        w->file.ino = 2;
        assert_int_equal(actor_runs(SPAN("/usr/sbin/cupsd"), w, 0, &files), ACTOR_UNTRUSTED);
        assert_int_equal(asked, 2);
        assert_int_equal(actor_runs(SPAN("/usr/sbin/cron"), w, 0, &files), ACTOR_OTHER);
        assert_int_equal(asked, 2); /* only of what the pattern names */
        (void)state;
}

static void test_unit(void **state)
{
        static const struct {
                const char *unit;
                unsigned has;
                enum session_how how;
                enum actor_fit want;
        } cases[] = {
                { "cups.service", 0, SESSION_SERVICE, ACTOR_FITS },
                { "cups.service", 0, SESSION_CRON, ACTOR_FITS },
                { "cups.service", WHO_HAS_MOUNT_NS, SESSION_SERVICE, ACTOR_FITS },
                { "cups.service", WHO_UNIT_NESTED, SESSION_SERVICE, ACTOR_NESTED },
                { "cups.service", WHO_UNIT_ENTERED, SESSION_SERVICE, ACTOR_ENTERED },
                { "cups.service", 0, SESSION_SSH, ACTOR_LOGIN },
                { "cups.service", 0, SESSION_CONSOLE, ACTOR_LOGIN },
                { "cups2.service", 0, SESSION_SERVICE, ACTOR_OTHER },
                { "", 0, SESSION_SERVICE, ACTOR_OTHER },
        };
        CLEANUP(who_unrefp) struct who *led = author("/usr/bin/dash", "cups.service");

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct session login = { .refs = 2, .how = cases[i].how };
                CLEANUP(who_unrefp) struct who *w = author("/usr/bin/dash", cases[i].unit);

                w->has = cases[i].has;
                w->login = &login;
                if (actor_is_of_unit(SPAN("cups.service"), w) != cases[i].want)
                        fail_msg("case %zu", i);
        }
        led->file.led = true;
        assert_int_equal(actor_is_of_unit(SPAN("cups.service"), led), ACTOR_LED);
        led->file.led = false;
        led->n_parents = 2;
        led->parents[0] = (struct who_kin){ .pid = 7, .file = { .led = true } };
        led->parents[1] = (struct who_kin){ .pid = 1 };
        assert_int_equal(actor_is_of_unit(SPAN("cups.service"), led), ACTOR_LED);
        led->parents[0].file.led = false;
        led->parents[1].file.led = true; /* init's own environment is nobody's doing */
        assert_int_equal(actor_is_of_unit(SPAN("cups.service"), led), ACTOR_FITS);
        (void)state;
}

static void test_text(void **state)
{
        assert_null(actor_fit_text(ACTOR_OTHER));
        for (unsigned f = ACTOR_OTHER + 1; f <= ACTOR_FITS; f++)
                assert_true(actor_fit_text((enum actor_fit)f)[0]);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_runs),    cmocka_unit_test(test_earlier),
                cmocka_unit_test(test_trusted), cmocka_unit_test(test_unit),
                cmocka_unit_test(test_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/recipients.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the above first */
#include <cmocka.h>

static const struct deliver_sink sink = { .n_to = 3, .to = { "a@x", "b@x", "c@x" } };

/* Lines of a dialogue: '>' ours, '<' the server's. */
static void talk(struct recipients *r, const char *dialogue)
{
        while (*dialogue) {
                size_t n = strcspn(dialogue, "\n");
                struct span line = span_of((const uint8_t *)dialogue + 1, n - 1);

                if (*dialogue == '>')
                        recipients_sent(r, line);
                else
                        recipients_heard(r, line);
                dialogue += n + 1;
        }
}

/* One letter each: w waits, h has it, r refused. */
static void states(const struct recipients *r, char out[4])
{
        for (size_t i = 0; i < 3; i++)
                out[i] = "whr"[r->state[i]];
        out[3] = '\0';
}

#define RCPT(who, says) ">RCPT TO:<" who "@x>\r\n<" says "\r\n"
#define GOOD(who)       RCPT(who, "250 2.1.5 good")

static void who_has_it(void **state)
{
        static const struct {
                const char *dialogue;
                bool taken;
                int after_s;
                const char *want, *says; /* of the refused, or of those who wait */
        } t[] = {
                { GOOD("a") GOOD("b") GOOD("c") ">DATA\r\n<354 go\r\n", true, 0, "hhh", "" },
                { GOOD("a") GOOD("b") GOOD("c") ">DATA\r\n<554 spam\r\n", false, 0, "www", NULL },
                { GOOD("a") RCPT("b", "550 5.1.1 who?") GOOD("c"), true, 0, "hrh",
                  "b@x: 550 5.1.1 who?" },
                { RCPT("a", "550 no") RCPT("b", "452 full") GOOD("c"), true, 0, "rwh", NULL },
                { RCPT("a", "550 no") RCPT("b", "452 full") GOOD("c"), true, RECIPIENT_PATIENCE_S,
                  "rrh", "a@x: 550 no, and b@x: 452 full" },
                /* of several lines the last one, and only what is a reply */
                { RCPT("a", "550-no\r\n<550 such user") GOOD("b") GOOD("c"), true, 0, "rhh",
                  "a@x: 550 such user" },
                { RCPT("a", "x50 good\r\n<25\r\n<550 no") GOOD("b") GOOD("c"), true, 0, "rhh",
                  "a@x: 550 no" },
                { RCPT("a", "550 a\x1b[2Jb") GOOD("b") GOOD("c"), true, 0, "rhh",
                  "a@x: 550 a\\x1b[2Jb" },
                /* a reply to what was no RCPT is nobody's; one that is not known of was taken */
                { GOOD("a") ">RCPT TO:<d@x>\r\n<550 no\r\n>RCPT TO:<b\r\n<550 no\r\n", true, 0,
                  "hhh", "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct buf says = BUF_INIT(4096);
                struct recipients r;
                char is[4];

                recipients_begin(&r, &sink, 0);
                recipients_try(&r);
                talk(&r, t[i].dialogue);
                recipients_settle(&r, t[i].taken, t[i].after_s * NS_PER_S);
                states(&r, is);
                assert_string_equal(is, t[i].want);
                recipients_put(&r, RECIPIENT_REFUSED, &says);
                if (t[i].says)
                        assert_string_equal(buf_cstr(&says), t[i].says);
                buf_done(&says);
        }
}

static void again(void **state)
{
        struct recipients r;
        char is[4];

        recipients_begin(&r, &sink, 0);
        recipients_try(&r);
        talk(&r, GOOD("a") RCPT("b", "451 later") RCPT("c", "451 later"));
        recipients_settle(&r, true, 0);
        assert_int_equal(recipients_count(&r, RECIPIENT_HAS), 1);
        assert_int_equal(recipients_count(&r, RECIPIENT_WAITS), 2);
        recipients_try(&r); /* and no connection at all */
        recipients_settle(&r, false, NS_PER_S);
        states(&r, is);
        assert_string_equal(is, "hww");
        recipients_try(&r);
        talk(&r, GOOD("b") RCPT("c", "550 no"));
        recipients_settle(&r, true, 2 * NS_PER_S);
        states(&r, is);
        assert_string_equal(is, "hhr");
}

static void long_words(void **state)
{
        struct buf line = BUF_INIT(4096), says = BUF_INIT(4096);
        struct recipients r;

        buf_put_str(&line, "550 ");
        for (int i = 0; i < 500; i++)
                buf_put_str(&line, "\xc3\xa4");
        recipients_begin(&r, &sink, 0);
        talk(&r, ">RCPT TO:<a@x>\r\n");
        recipients_heard(&r, buf_span(&line));
        recipients_settle(&r, true, 0);
        recipients_put(&r, RECIPIENT_REFUSED, &says);
        assert_true(says.n <= RECIPIENT_WORDS_MAX + 8 && says.n > RECIPIENT_WORDS_MAX - 8);
        assert_memory_equal(says.p + says.n - 2, "\xc3\xa4", 2);
        buf_done(&line);
        buf_done(&says);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_has_it),
                cmocka_unit_test(again),
                cmocka_unit_test(long_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "package/model/header_name.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void names_are_tokens(void **state)
{
        static const struct {
                struct span name;
                bool ok;
        } table[] = {
                { SPAN_INIT("x-text"), true },
                { SPAN_INIT("X-Text"), true },
                { SPAN_INIT("!#$%&'*+-.^_`|~09azAZ"), true },
                { SPAN_INIT(""), false },
                { SPAN_INIT("a b"), false },
                { SPAN_INIT("a:"), false },
                { SPAN_INIT("a\r\nb"), false },
                { SPAN_INIT("a\0"), false },
                { SPAN_INIT("\xc3\xa9"), false },
                { SPAN_INIT("a;"), false },
                { SPAN_INIT("a="), false },
                { SPAN_INIT("\"a\""), false },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                assert_int_equal(header_name_ok(table[i].name), table[i].ok);
}

static void some_are_not_the_callers(void **state)
{
        static const struct {
                const char *name;
                enum header_rule rule;
        } table[] = {
                { "x-text", HEADER_FREE },
                { "idempotency-key", HEADER_FREE },
                { "if-match", HEADER_FREE },
                { "x-forward", HEADER_FREE },
                { "hosts", HEADER_FREE },
                { "tea", HEADER_FREE },
                { "proxying", HEADER_FREE },
                { "accept-language", HEADER_FREE },
                { "accept", HEADER_NO_PARAMETER },
                { "content-type", HEADER_NO_PARAMETER },
                { "authorization", HEADER_NO_PARAMETER },
                { "x-request-id", HEADER_OWN },
                { "accept-encoding", HEADER_OWN },
                { "range", HEADER_OWN },
                { "host", HEADER_CONNECTION },
                { "connection", HEADER_CONNECTION },
                { "content-length", HEADER_CONNECTION },
                { "content_length", HEADER_CONNECTION },
                { "transfer-encoding", HEADER_CONNECTION },
                { "transfer_encoding", HEADER_CONNECTION },
                { "proxy", HEADER_CONNECTION },
                { "proxy-authorization", HEADER_CONNECTION },
                { "proxy_x", HEADER_CONNECTION },
                { "forwarded", HEADER_CALLER },
                { "x-forwarded-for", HEADER_CALLER },
                { "x_forwarded_proto", HEADER_CALLER },
                { "x-real-ip", HEADER_CALLER },
                { "remote_user", HEADER_CALLER },
                { "x-http-method-override", HEADER_CALLER },
                { "x-original-url", HEADER_CALLER },
                { "x-rewrite-url", HEADER_CALLER },
                { "client-cert", HEADER_CALLER },
                { "x-auth-request-user", HEADER_CALLER },
                { "x_consumer_username", HEADER_CALLER },
                { "x-authenticated-userid", HEADER_CALLER },
                { "x-webauth-user", HEADER_CALLER },
                { "x-ms-client-principal", HEADER_CALLER },
                { "x-ms-client-principal-name", HEADER_CALLER },
                { "x-ms-client-request-id", HEADER_FREE },
                { "x-goog-authenticated-user-email", HEADER_CALLER },
                { "x-amzn-oidc-identity", HEADER_CALLER },
                { "x-amzn-trace-id", HEADER_FREE },
                { "cf-access-jwt-assertion", HEADER_CALLER },
                { "impersonate-group", HEADER_CALLER },
                { "x-consumer", HEADER_FREE },
                { "cookie", HEADER_COOKIE },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                if (header_name_rule(span_str(table[i].name)) != table[i].rule)
                        fail_msg("%s", table[i].name);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_tokens),
                cmocka_unit_test(some_are_not_the_callers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

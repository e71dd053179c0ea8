/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made by openssl req; what they say as openssl x509 tells it. */
#include "../table_tool.h"
#include "state/tables.h"

#include "base/text.h"

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

/* clang-format off */
#define RSA_BODY \
        "MIIDtDCCApygAwIBAgIDHy49MA0GCSqGSIb3DQEBCwUAMD0xCzAJBgNVBAYTAkRF\n" \
        "MRQwEgYDVQQKDAtCZWlzcGllbCBBRzEYMBYGA1UEAwwPd2ViLmV4YW1wbGUub3Jn\n" \
        "MB4XDTI2MTEyNjA1MTc0MFoXDTI3MTIzMTA1MTc0MFowPTELMAkGA1UEBhMCREUx\n" \
        "FDASBgNVBAoMC0JlaXNwaWVsIEFHMRgwFgYDVQQDDA93ZWIuZXhhbXBsZS5vcmcw\n" \
        "ggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCnOE7QegMwjEJS2kKRG2nY\n" \
        "QlMQFzP2S+1dTCoHIY9ai0cRHIfE9PWUpcgHHaSyuFxq5y6plAGm3Jpgy83i98aG\n" \
        "m7iV1PcsRwwBlHdYnSeOnLj/W3oExnap+XeO2rSH/VDANDICl32raSd3IJFf/snX\n" \
        "hYxXdbnU76ZCJ6xd1PmFBXCje3PmT+fmZOYuiy1i7TnUwfGsJ4UAeQ/9u1Y21/v9\n" \
        "kYYwA2WUkbAcbhrFpWeRuPKPiq9L+aSrTTvNioA2vgUPHeyXBGRJReD7dwOjVWoM\n" \
        "cjKpFLcyGuyof/Zja6WAmB5M/nG9gNNcKK5CioXHt+B8yZuBER8IZqcYXQYvuIhb\n" \
        "AgMBAAGjgbwwgbkwHQYDVR0OBBYEFCT2i+g+3GSo9PxBHl8NxFOY/kqFMB8GA1Ud\n" \
        "IwQYMBaAFCT2i+g+3GSo9PxBHl8NxFOY/kqFMA8GA1UdEwEB/wQFMAMBAf8wZgYD\n" \
        "VR0RBF8wXYIPd2ViLmV4YW1wbGUub3Jngg0qLmV4YW1wbGUub3JnhwTAAAIHhxAg\n" \
        "AQ24AAAAAAAAAAAAAAAHgQ1hQGV4YW1wbGUub3JnhhRodHRwczovL2V4YW1wbGUu\n" \
        "b3JnLzANBgkqhkiG9w0BAQsFAAOCAQEAg5neRk9WAMiaNjuRtBTcBQkSfw01Sf22\n" \
        "QST63iS+5FPISW5ZOiRVl/yfhcKTUpWoJb8h6grHlMOBDwduJlLXY8yjrinMw5xV\n" \
        "sSoEnm0aY9bnhvG3FGpzqb0rj9Ug6hRI8qfeP8GZABC6pjHgh/i9Qem2q50xWR2Q\n" \
        "rF39l8HEWnRa15365mHH9z40cpNddT6UBQDiYvoiUuR86v80j+iwyiWeUMOTbS48\n" \
        "RoY/Q6NilY4yL8UaIDmKIq7w62Lav/I4ECqITBVjmo0Bkx06GWr5ngamF+WHj7Vb\n" \
        "wT1R7CaJvLekQkcvjv0Td9j8dCsMRTLSM3AFYVn4Yb0nAyxPw4nQeQ==\n"
#define RSA BEGIN RSA_BODY END
#define EC_BODY \
        "MIIBeDCCAR+gAwIBAgIUKsU6RyK6HiWRjqIpGDJdfNbWixMwCgYIKoZIzj0EAwIw\n" \
        "EjEQMA4GA1UEAwwHTcO8bGxlcjAeFw0yNjExMjYwNTE3NDBaFw0yNjEyMDYwNTE3\n" \
        "NDBaMBIxEDAOBgNVBAMMB03DvGxsZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n" \
        "AASIwYsxwWeLG/NOnMIeS6tBwAxnfNWj06gW9F5u0vMHoDJPncGymeJLKQIhLU6S\n" \
        "I58+7qDnhnD2qoe4lFJVPe3Qo1MwUTAdBgNVHQ4EFgQU7UkK9WdbXZGpV4k4SWSH\n" \
        "ySNYd5YwHwYDVR0jBBgwFoAU7UkK9WdbXZGpV4k4SWSHySNYd5YwDwYDVR0TAQH/\n" \
        "BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAOCQryK43I8U8eYx0f1laUUMUf4XjR\n" \
        "1SiAN+Ure0mlywIgZldMzQ3EaVAeNvWBdUUqTT8hD6wNC3OvLOtUu6E2xX0=\n"
#define EC BEGIN EC_BODY END
#define ED_BODY \
        "MIIBLTCB4KADAgECAhQy16617cf3UYjVt/p7nbOyOGteZjAFBgMrZXAwDTELMAkG\n" \
        "A1UEAwwCZWQwIBcNMjYxMTI2MDUxNzQwWhgPMjA1NDA0MTIwNTE3NDBaMA0xCzAJ\n" \
        "BgNVBAMMAmVkMCowBQYDK2VwAyEA97J+Gy4Zy0727MPVu1evoSQXpy7WFA9+KINK\n" \
        "luduzFujUDBOMB0GA1UdDgQWBBTV+mEL6nIZI0Kjg5k+q3kHuLE1sDAfBgNVHSME\n" \
        "GDAWgBTV+mEL6nIZI0Kjg5k+q3kHuLE1sDAMBgNVHRMBAf8EAjAAMAUGAytlcANB\n" \
        "AF7yMQGABNGpTrsDNwmp0KAEzjJ4a3XFMNAb8/w1NN0q9uQrng1NILEJiKsfw+fl\n" \
        "toRpeXHc9Lrd3Q207NVj7Ao=\n"
#define ED BEGIN ED_BODY END
/* clang-format on */

#define RSA_ROW(file, nth, days, expiry)                                                                                                                  \
        "{\"bits\":2048,\"ca\":true" days expiry ",\"file\":\"" file "\",\"fingerprint\":"                                                                \
        "\"96d2958428974f0096e7217953e6d70fcab6766b7548f3ad34b51610c52ed106\",\"issuer\":\"CN=web.example.org,O=Beispiel AG,C=DE\",\"key_type\":\"rsa\"," \
        "\"names\":[\"DNS:web.example.org\",\"DNS:*.example.org\",\"IP:192.0.2.7\",\"IP:2001:db8::7\","                                                   \
        "\"email:a@example.org\",\"URI:https://example.org/\"],"                                                                                          \
        "\"not_after\":\"2027-12-31T05:17:40.000000000Z\",\"not_before\":\"2026-11-26T05:17:40.000000000Z\","                                             \
        "\"nth\":" nth ",\"self_signed\":true,\"serial\":\"1f2e3d\","                                                                                     \
        "\"signature\":\"sha256WithRSAEncryption\",\"subject\":\"CN=web.example.org,O=Beispiel AG,C=DE\"}\n"
#define EC_ROW(file, nth, days, expiry)                                                                                                          \
        "{\"bits\":256,\"ca\":true" days expiry ",\"file\":\"" file "\",\"fingerprint\":"                                                        \
        "\"e6748b06dd75d874f4a13c187c531f497b2340c404d036dcda052130b03d0adc\",\"issuer\":\"CN=M\xc3\xbcller\",\"key_type\":\"ec\",\"names\":[]," \
        "\"not_after\":\"2026-12-06T05:17:40.000000000Z\",\"not_before\":\"2026-11-26T05:17:40.000000000Z\","                                    \
        "\"nth\":" nth                                                                                                                           \
        ",\"self_signed\":true,\"serial\":\"2ac53a4722ba1e25918ea22918325d7cd6d68b13\","                                                         \
        "\"signature\":\"ecdsa-with-SHA256\",\"subject\":\"CN=M\xc3\xbcller\"}\n"
#define ED_ROW(file, nth, days, expiry)                                                                                                    \
        "{\"bits\":256,\"ca\":false" days expiry ",\"file\":\"" file "\",\"fingerprint\":"                                                 \
        "\"b8e54c4ca6a663ce7ae8ad6a4c1b66a75e9b4107276edcc98da3fb53f2f79217\",\"issuer\":\"CN=ed\",\"key_type\":\"ed25519\",\"names\":[]," \
        "\"not_after\":\"2054-04-12T05:17:40.000000000Z\",\"not_before\":\"2026-11-26T05:17:40.000000000Z\","                              \
        "\"nth\":" nth                                                                                                                     \
        ",\"self_signed\":true,\"serial\":\"32d7aeb5edc7f75188d5b7fa7b9db3b2386b5e66\","                                                   \
        "\"signature\":\"ED25519\",\"subject\":\"CN=ed\"}\n"
#define LEFT(days, expiry) ",\"days_left\":" days ",\"expiry\":\"" expiry "\""

/* DAY is 2026-11-26. */
#define X "/etc/ssl/certs/x.pem"
static const struct table_case cases[] = {
        { .name = "kinds of keys, several in a file, a private key between, text around",
          .part = { PART("day", "20783\n"),
                    PART(X, "Subject: web\r\n" RSA "-----BEGIN PRIVATE KEY-----\nTUlJ\n"
                            "-----END PRIVATE KEY-----\n" EC ED) },
          .rows = RSA_ROW(X, "1", LEFT("400", "valid"), "") EC_ROW(
                  X, "2", LEFT("10", "in 14 days"), "") ED_ROW(X, "3", LEFT("9999", "valid"), "") },
        { .name = "the day before it ends, and after; no day",
          .part = { PART("day", "20792\n"), PART(X, EC) },
          .rows = EC_ROW(X, "1", LEFT("1", "in 7 days"), "") },
        { .name = "ended",
          .part = { PART("day", "20795\n"), PART(X, EC) },
          .rows = EC_ROW(X, "1", LEFT("-2", "expired"), "") },
        { .name = "not begun",
          .part = { PART("day", "20782\n"), PART(X, EC) },
          .rows = EC_ROW(X, "1", LEFT("11", "not yet"), "") },
        { .name = "steps",
          .part = { PART("day", "21093\n"), PART(X, RSA), PART("/etc/ssl/a.pem", ED) },
          .rows = RSA_ROW(X, "1", LEFT("90", "in 90 days"), "")
                  ED_ROW("/etc/ssl/a.pem", "1", LEFT("9689", "valid"), "") },
        { .name = "no day",
          .part = { PART("day", "x\n"), PART(X, EC) },
          .rows = EC_ROW(X, "1", "", "") },
        { .name = "what ca-certificates brings, and what is told where it comes from",
          .part = { PART("/usr/share/ca-certificates/mozilla/a.crt", EC),
                    PART("/usr/local/share/ca-certificates/b.crt", ED),
                    { .name = "/etc/nginx/c.pem", .mode = 040755 },
                    PART("/etc/ssl/certs/a.pem", EC),
                    PART("/etc/ssl/certs/b.pem", ED),
                    PART("/etc/ssl/certs/ca-certificates.crt", EC ED),
                    { .name = "/etc/ssl/certs/gone.crt", .status = ENOENT },
                    PART("/etc/ssl/certs/0123abcd.0", EC) },
          .rows = ED_ROW("/usr/local/share/ca-certificates/b.crt", "1", "", "") },
        /* by whatever name, OpenSSL trusts them */
        { .name = "authorities that it does not bring: by their number, and at the end of all",
          .part = { PART("/usr/share/ca-certificates/mozilla/a.crt", EC),
                    PART("/etc/ssl/certs/a.pem", EC),
                    PART("/etc/ssl/certs/ca-certificates.crt", EC ED),
                    PART("/etc/ssl/certs/0123abcd.0", ED), PART("/etc/ssl/certs/0123abcd.1", RSA) },
          .rows = ED_ROW("/etc/ssl/certs/ca-certificates.crt", "2", "", "")
                  RSA_ROW("/etc/ssl/certs/0123abcd.1", "1", "", "") },
        { .name = "what is none",
          .part = { PART(X, BEGIN "TUlJ\n" END BEGIN "not base64\n" END "hello\n" BEGIN "TUlJ\n"),
                    PART("/etc/ssl/y.crt", "0\x01"),
                    PART("/etc/ssl/z.pem", "hello"),
                    { .name = "/etc/ssl/n.pem", .status = EACCES } },
          .rows = "",
          .faults = X ":1: no certificate\n" X ":4: no PEM that ends\n" X
                      ":8: no PEM that ends\n/etc/ssl/y.crt:0: no certificate\n"
                      "/etc/ssl/n.pem:0: Permission denied\n" },
};

static void test_certificates(void **state)
{
        (void)state;
        TABLE_CHECK_ALL(&state_certificates, cases);
}

/* Not in PEM, and with a byte behind it that is not a part of it. */
static void test_der(void **state)
{
        uint8_t der[1024];
        char text[] = ED_BODY, *to = text;
        struct table_case c = { .name = "DER",
                                .part = { PART("day", "20783\n"),
                                          PART("/etc/ssl/ed.crt", (const char *)der) },
                                .rows = ED_ROW("/etc/ssl/ed.crt", "1", LEFT("9999", "valid"), "") };

        (void)state;
        for (const char *from = text; *from; from++)
                if (*from != '\n')
                        *to++ = *from;
        assert_int_equal(
                text_from_base64(span_of(text, (size_t)(to - text)), der, sizeof der, &c.part[1].n),
                0);
        table_check(&state_certificates, &c);
        der[c.part[1].n++] = 0;
        table_check(&state_certificates, &c);
}

/* Nobody's file makes the table useless for the others'. */
static void test_sees(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
                assert_true(table_sees(&state_certificates, cases[i].part));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_certificates),
                                            cmocka_unit_test(test_sees),
                                            cmocka_unit_test(test_der) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

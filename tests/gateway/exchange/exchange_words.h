/* SPDX-License-Identifier: Apache-2.0 */
/* exchange_words.h - what requests, answers and entries of the packages of exchange_world.h look
 * like, for tables of calls. */
#ifndef TESTS_GATEWAY_EXCHANGE_WORDS_H
#define TESTS_GATEWAY_EXCHANGE_WORDS_H

/* ---- what the back-end gets ---- */

#define OWN "x-request-id: <id>\n"
#define SENT(line, more)                                                                           \
        line "\nhost: localhost\naccept: application/problem+json, application/json\n"             \
             "accept-encoding: identity\n" more "\n"
#define SENT_ODD(line, accept, more)                                                               \
        line "\nhost: 10.9.8.7:8080\naccept: " accept "\naccept-encoding: identity\n" more "\n"

/* ---- what it says, and what of that the caller gets ---- */

#define ACCOUNT(iban, balance)                                                                     \
        "{\"balance\":" balance ",\"branch\":\"0100\",\"iban\":\"" iban "\",\"id\":\"A00000001\"," \
        "\"owner\":\"C000001\",\"status\":\"open\"}"
#define IBAN  "CH5600762000000000001"
#define MONEY "{\"currency\":\"CHF\",\"hundredths\":7919}"

#define CUSTOMER(address, born, email, name, ssn)                                                  \
        "{" address born "\"branch\":\"0100\",\"email\":\"" email "\",\"id\":\"C000001\","         \
        "\"name\":\"" name "\",\"phone\":null,\"ssn\":\"" ssn "\"}"
#define ADDRESS                                                                                    \
        "\"address\":{\"city\":\"Springfield\",\"country\":\"CH\",\"postcode\":\"8000\","          \
        "\"street\":\"1 Linden Road\"},"
#define BORN(on) "\"born\":\"" on "\","

#define TRANSFER_AMOUNT(cents)   "\"amount\":{\"currency\":\"CHF\",\"hundredths\":" cents "}"
#define TRANSFER_TO              "\"name\":\"Sam Poe\""
#define TRANSFER_IBAN            "\"to\":\"GB33BUKB20201555555555\""
#define NEW_TRANSFER(cents)      "{ " TRANSFER_IBAN ",\n" TRANSFER_TO ", " TRANSFER_AMOUNT(cents) " }"
#define NEW_TRANSFER_SENT(cents) "{" TRANSFER_AMOUNT(cents) "," TRANSFER_TO "," TRANSFER_IBAN "}"
#define TRANSFER(cents)                                                                            \
        "{" TRANSFER_AMOUNT(cents) ",\"at\":\"2026-03-02T12:00:00Z\",\"id\":\"" KEY                \
                                   "\"," TRANSFER_TO ",\"state\":\"done\"," TRANSFER_IBAN "}"
#define KEY  "6f1c2d0e-9a7b-4c3d-8e5f-001122334455"
#define SEND "POST /bank/v1/accounts/A00000001/transfers"

#define TEXT_64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEXT_512 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64 TEXT_64
#define TEXT_2K  TEXT_512 TEXT_512 TEXT_512 TEXT_512

#define NO_STORE  "cache-control: no-store\n\n"
#define GOT(body) "200\ncontent-type: application/json\n" NO_STORE body
#define PROBLEM(status, title, more)                                                               \
        status "\ncontent-type: application/problem+json\ncache-control: no-store\n" more          \
               "\n{\"instance\":\"urn:assay:call:<id>\",\"status\":" status ",\"title\":\"" title  \
               "\",\"type\":\"about:blank\"}"
#define MALFORMED   PROBLEM("400", "Malformed request", "")
#define UNKNOWN     PROBLEM("401", "Not authenticated", "www-authenticate: Bearer realm=\"accounts\"\n")
#define NOT_ALLOWED PROBLEM("403", "Not allowed", "")
#define NOT_FOUND   PROBLEM("404", "Not found", "")
#define TOO_LARGE   PROBLEM("413", "Content too large", "")
#define UNSUPPORTED PROBLEM("415", "Unsupported media type", "")
#define BAD_GATEWAY PROBLEM("502", "Bad gateway", "")
#define UNAVAILABLE PROBLEM("503", "Service unavailable", "retry-after: 1\n")

#define READ_ACCOUNT   "GET /bank/v1/accounts/A00000001"
#define SENT_ACCOUNT   SENT("GET /accounts/A00000001", OWN)
#define READ_CUSTOMER  "GET /bank/v1/customers/C000001"
#define SENT_CUSTOMER  SENT("GET /customers/C000001", OWN)
#define REASON(reason) "\"reason\":\"" reason "\""

#endif

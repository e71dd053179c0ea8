/* SPDX-License-Identifier: Apache-2.0 */
/* Whole calls, one at a time, of the packages of exchange_world.h. */
#include "exchange_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "exchange_words.h"

static const struct exchange_case served[] = {
        { .name = "a teller reads an account",
          .who = "tess",
          .request = READ_ACCOUNT,
          .status = 200,
          .answer = ACCOUNT(IBAN, MONEY),
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { "\"decision\":\"allow\"", "\"policies\":[\"staff may look\"]",
                       "caller:tess who.user=\"tess\"",
                       "Account:A00000001 what.object=\"A00000001\"",
                       "address:10.1.2.3 who.address=\"10.1.2.3\"",
                       "\"reads\":[[\"account.balance\",1,\"clear\"],"
                       "[\"account.iban\",1,\"clear\"]]",
                       "what.values_1=[\"" IBAN "\"]", "\"generation\":17" },
          .reply = GOT(ACCOUNT(IBAN, MONEY)) },
        { .name = "what the back-end says is read and written again",
          .who = "fred",
          .request = READ_ACCOUNT,
          .status = 200,
          .answer = "{\"iban\" : \"CH56007620000000000\\u00301\", \"id\":\"A00000001\",\r\n"
                    "\"balance\":" MONEY ",\"owner\":\"C000001\",\"branch\":\"0100\","
                    "\"status\":\"open\"}\n",
          .answer_headers = "Content-Type: Application/JSON; charset=utf-8\n"
                            "Server: secret/1.0\nSet-Cookie: a=b\nX-Powered-By: x",
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { "\"result\":\"answered\"", "\"backend_status\":200" },
          .reply = GOT(ACCOUNT(IBAN, MONEY)) },
        { .name = "an auditor sees its end only",
          .who = "audrey",
          .request = READ_ACCOUNT,
          .status = 200,
          .answer = ACCOUNT(IBAN, MONEY),
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { "\"policies\":[\"auditors may look at accounts and transfers\"]",
                       "\"reads\":[[\"account.balance\",1,\"clear\"],"
                       "[\"account.iban\",1,\"masked\"]]",
                       "what.values_1=[\"" IBAN "\"]" },
          .reply = GOT(ACCOUNT("*****************0001", MONEY)) },
        { .name = "a customer, for the counter",
          .who = "tess",
          .request = READ_CUSTOMER,
          .status = 200,
          .answer = CUSTOMER(ADDRESS, BORN("1950-01-01"), "ada.abel@mail.example", "Ada Abel",
                             "900-10-1000"),
          .steps = "ICOA",
          .sent = SENT_CUSTOMER,
          .entries = { "[\"pii.birth\",1,\"masked\"]", "[\"pii.ssn\",1,\"masked\"]",
                       "[\"pii.address\",1,\"clear\"]",
                       "Customer:C000001 what.object=\"C000001\"" },
          .reply = GOT(CUSTOMER(ADDRESS, BORN("1950"), "ada.abel@mail.example", "Ada Abel",
                                "*******1000")) },
        { .name = "a customer, for the fraud desk",
          .who = "fred",
          .request = READ_CUSTOMER,
          .status = 200,
          .answer = CUSTOMER(ADDRESS, BORN("1950-01-01"), "ada.abel@mail.example", "Ada Abel",
                             "900-10-1000"),
          .steps = "ICOA",
          .sent = SENT_CUSTOMER,
          .entries = { "[\"pii.ssn\",1,\"clear\"]" },
          .reply = GOT(CUSTOMER(ADDRESS, BORN("1950-01-01"), "ada.abel@mail.example", "Ada Abel",
                                "900-10-1000")) },
        { .name = "a list, by what is asked for and in the document's order",
          .who = "tess",
          .request = "GET /bank/v1/accounts?status=open&limit=2&branch=0100",
          .status = 200,
          .answer = "{\"accounts\":[" ACCOUNT(IBAN, MONEY) "],\"next\":\"A00000001\"}",
          .steps = "ICOA",
          .sent = SENT("GET /accounts?branch=0100&limit=2&status=open", OWN),
          .entries = { "\"operation\":\"listAccounts\"", "\"bytes\":0" },
          .reply = GOT("{\"accounts\":[" ACCOUNT(IBAN, MONEY) "],\"next\":\"A00000001\"}") },
        { .name = "a transfer is written",
          .who = "tess",
          .request = SEND,
          .headers = "Idempotency-Key: " KEY,
          .body = NEW_TRANSFER("1000000"),
          .status = 201,
          .answer_headers = "Location: /accounts/A00000001/transfers/1",
          .answer = TRANSFER("1000000"),
          .steps = "BICOA",
          .sent = SENT("POST /accounts/A00000001/transfers",
                       "content-type: application/json\n" OWN "idempotency-key: " KEY "\n")
                  NEW_TRANSFER_SENT("1000000"),
          .entries = { "\"writes\":[[\"account.iban\",1],[\"pii.name\",1]]",
                       "what.values_1=[\"GB33BUKB20201555555555\"]", "what.values_2=[\"Sam Poe\"]",
                       "\"direction\":\"request\"",
                       "\"policies\":[\"tellers send up to 10,000.00\"]" },
          .reply = "201\ncontent-type: application/json\n"
                   "location: /accounts/A00000001/transfers/1\n" NO_STORE TRANSFER("1000000") },
        { .name = "a partner's certificate",
          .who = "cert:payroll.partner.example",
          .request = SEND,
          .headers = "Idempotency-Key: " KEY,
          .body = "{" TRANSFER_IBAN "," TRANSFER_TO
                  ",\"amount\":{\"hundredths\":250000,\"currency\":\"EUR\"}}",
          .status = 201,
          .answer = TRANSFER("250000"),
          .steps = "BICOA",
          .sent = SENT("POST /accounts/A00000001/transfers",
                       "content-type: application/json\n" OWN "idempotency-key: " KEY
                       "\n") "{"
                             "\"amount\":{\"currency\":\"EUR\",\"hundredths\":250000}," TRANSFER_TO
                             "," TRANSFER_IBAN "}",
          .entries = { "caller:payroll.partner.example who.user=\"payroll.partner.example\"",
                       "\"scheme\":\"partner\"", "\"verified\":true" },
          .reply = "201\ncontent-type: application/json\n" NO_STORE TRANSFER("250000") },
        { .name = "in pieces, and of its own type",
          .who = "tess",
          .request = "PATCH /bank/v1/customers/C000001",
          .headers = "Transfer-Encoding: chunked\nContent-Type: application/merge-patch+json",
          .body = "{\"phone\":null}",
          .status = 200,
          .answer = "{\"branch\":\"0100\",\"id\":\"C000001\",\"name\":\"Ada Abel\"}",
          .steps = "BICOA",
          .sent = SENT("PATCH /customers/C000001",
                       "content-type: application/merge-patch+json\n" OWN) "{\"phone\":null}",
          .entries = { "\"bytes\":14" },
          .reply = GOT("{\"branch\":\"0100\",\"id\":\"C000001\",\"name\":\"Ada Abel\"}") },
        { .name = "a head",
          .who = "tess",
          .request = "HEAD /bank/v1/accounts/A00000001",
          .status = 200,
          .answer_headers = "Content-Type: application/json",
          .steps = "ICOA",
          .sent = SENT("HEAD /accounts/A00000001", OWN),
          .entries = { "\"method\":\"HEAD\"", "\"operation\":\"getAccount\"" },
          .reply = GOT("") },
        { .name = "the back-end's own refusal",
          .who = "tess",
          .request = READ_ACCOUNT,
          .status = 404,
          .answer_headers = "Content-Type: application/problem+json",
          .answer = "{\"status\":404,\"title\":\"no such account\"}",
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { "\"result\":\"answered\"", "\"status\":404" },
          .reply = "404\ncontent-type: application/problem+json\n" NO_STORE
                   "{\"status\":404,\"title\":\"no such account\"}" },
        { .name = "anybody",
          .request = "GET /odd/open?x=2&x=-1",
          .status = 200,
          .answer_headers = "X-Count: 3",
          .answer = "{\"n\":1.50,\"seen\":\"here\"}",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/open?x=2&x=-1", "application/json, text/plain", OWN),
          .entries = { "\"verified\":false", "\"reads\":[[\"place\",1,\"clear\"]]" },
          .reply = "200\ncontent-type: application/json\nx-count: 3\n" NO_STORE
                   "{\"n\":1.50,\"seen\":\"here\"}" },
        { .name = "a class in a parameter is written",
          .request = "GET /odd/open?near=Rue+du+Mont%2FBlanc",
          .status = 204,
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/open?near=Rue%20du%20Mont%2FBlanc",
                           "application/json, text/plain", OWN),
          .entries = { "\"writes\":[[\"place\",1]]", "what.values_1=[\"Rue du Mont/Blanc\"]" },
          .reply = "204\n" NO_STORE },
        { .name = "masked where clear is forbidden",
          .request = "GET /odd/open?near=masked",
          .status = 200,
          .answer = "{\"seen\":\"here\"}",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/open?near=masked", "application/json, text/plain", OWN),
          .entries = { "\"reads\":[[\"place\",1,\"masked\"]]" },
          .reply = GOT("{\"seen\":\"***\"}") },
        { .name = "withheld where both are",
          .request = "GET /odd/open?near=withheld",
          .status = 200,
          .answer = "{\"n\":1,\"seen\":\"here\"}",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/open?near=withheld", "application/json, text/plain", OWN),
          .entries = { "\"reads\":[[\"place\",1,\"withheld\"]]" },
          .reply = GOT("{\"n\":1}") },
        { .name = "what looks personal is a finding, and shown",
          .request = "GET /odd/open",
          .status = 200,
          .answer = "{\"mail\":\"ada@mail.example\"}",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/open", "application/json, text/plain", OWN),
          .entries = { "\"findings\":[[\"email\",\"/mail\",1]]" },
          .reply = GOT("{\"mail\":\"ada@mail.example\"}") },
        { .name = "an opaque token",
          .who = "ticket",
          .request = "GET /odd/ticket",
          .status = 200,
          .answer = "[1,2]",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/ticket", "application/json", OWN),
          .entries = { "caller:depot who.user=\"depot\"", "\"groups\":[\"tickets\"]" },
          .reply = GOT("[1,2]") },
        { .name = "the back-end's own credential",
          .who = "text:Basic YW5uOnB3",
          .request = "GET /odd/legacy",
          .status = 200,
          .answer = "1",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/legacy", "application/json",
                           OWN "authorization: Basic YW5uOnB3\n"),
          .entries = { "who.user=\"unverified:ann\"", "\"groups\":[\"unverified\"]",
                       "\"verified\":false" },
          .reply = GOT("1") },
        { .name = "a body that need not be",
          .request = "POST /odd/note",
          .status = 200,
          .answer = "null",
          .steps = "ICOA",
          .sent = SENT_ODD("POST /inner/note", "application/json", OWN),
          .entries = { "\"bytes\":0" },
          .reply = GOT("null") },
        { .name = "and one that is empty",
          .request = "POST /odd/note",
          .headers = "Transfer-Encoding: chunked",
          .body = "",
          .status = 200,
          .answer = "null",
          .steps = "BICOA",
          .sent = SENT_ODD("POST /inner/note", "application/json", OWN),
          .reply = GOT("null") },
        { .name = "a forbid that does not hold",
          .request = "GET /odd/things/open",
          .status = 200,
          .answer = "null",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/things/open", "application/json", OWN),
          .entries = { "Thing:open what.object=\"open\"" },
          .reply = GOT("null") },
};

/* Nothing of these comes to the back-end. */
static const struct exchange_case denied[] = {
        { .name = "a target that is none",
          .who = "tess",
          .request = "GET /bank/v1/accounts/..%2fadmin",
          .steps = "DA",
          .entries = { REASON("target"), "\"status\":400" },
          .reply = MALFORMED },
        { .name = "a segment that two servers read differently",
          .who = "tess",
          .request = "GET /bank/v1/accounts/A00000001;v=1",
          .steps = "DA",
          .entries = { REASON("target") },
          .reply = MALFORMED },
        { .name = "two hosts",
          .who = "tess",
          .request = READ_ACCOUNT,
          .headers = "Host: other.example",
          .steps = "DA",
          .entries = { REASON("header") },
          .reply = MALFORMED,
          .closes = true },
        { .name = "no headers at all",
          .request = READ_ACCOUNT,
          .bare = true,
          .steps = "DA",
          .entries = { REASON("header") },
          .reply = MALFORMED,
          .closes = true },
        { .name = "chunks in HTTP/1.0",
          .who = "tess",
          .request = SEND,
          .headers = "Transfer-Encoding: chunked",
          .body = "{}",
          .version = 10,
          .steps = "DA",
          .entries = { REASON("framing") },
          .reply = MALFORMED,
          .closes = true },
        { .name = "a body that is packed",
          .who = "tess",
          .request = SEND,
          .headers = "Content-Encoding: gzip",
          .body = "{}",
          .steps = "DA",
          .entries = { REASON("encoding") },
          .reply = UNSUPPORTED },
        { .name = "a path that nobody has: not even who asks is looked at",
          .who = "!forged",
          .request = "GET /bank/v1/admin",
          .steps = "DA",
          .entries = { REASON("path"), "\"api\":\"accounts\"" },
          .reply = NOT_FOUND },
        { .name = "another case of the same letters",
          .who = "tess",
          .request = "GET /bank/v1/ACCOUNTS",
          .steps = "DA",
          .entries = { REASON("path") },
          .reply = NOT_FOUND },
        { .name = "no API",
          .request = "GET /",
          .steps = "DA",
          .entries = { REASON("path") },
          .reply = NOT_FOUND },
        { .name = "a method that it has not",
          .who = "tess",
          .request = "DELETE /bank/v1/accounts/A00000001",
          .steps = "DA",
          .entries = { REASON("method") },
          .reply = PROBLEM("405", "Method not allowed", "allow: GET, HEAD\n") },
        { .name = "nothing is shown",
          .request = READ_ACCOUNT,
          .steps = "DA",
          .entries = { REASON("no_credential"), "\"operation\":\"getAccount\"" },
          .reply = UNKNOWN },
        { .name = "a token that is over",
          .who = "!expired",
          .request = READ_ACCOUNT,
          .steps = "DA",
          .entries = { REASON("credential") },
          .reply = UNKNOWN },
        { .name = "a signature that does not hold",
          .who = "!forged",
          .request = READ_ACCOUNT,
          .steps = "DA",
          .entries = { REASON("credential") },
          .reply = UNKNOWN },
        { .name = "who is not known learns nothing of parameters",
          .who = "!forged",
          .request = "GET /bank/v1/accounts?limit=0",
          .steps = "DA",
          .entries = { REASON("credential") },
          .reply = UNKNOWN },
        { .name = "a certificate of other authorities",
          .who = "other:payroll.partner.example",
          .request = READ_ACCOUNT,
          .steps = "DA",
          .entries = { REASON("no_credential") },
          .reply = UNKNOWN },
        { .name = "an opaque token where none is taken",
          .who = "ticket",
          .request = READ_ACCOUNT,
          .steps = "DA",
          .entries = { REASON("credential") },
          .reply = UNKNOWN },
        { .name = "one of two that are wanted together",
          .who = "text:Basic YW5uOnB3",
          .request = "GET /odd/both",
          .steps = "DA",
          .entries = { REASON("no_credential") },
          .reply = PROBLEM("401", "Not authenticated",
                           "www-authenticate: Basic realm=\"odd\", charset=\"UTF-8\"\n") },
        { .name = "a certificate whose name is none, where nobody asks for one",
          .who = "cert:\xff",
          .request = "GET /odd/open",
          .steps = "DA",
          .entries = { REASON("credential"), "certificate: its subject is no UTF-8" },
          .reply = PROBLEM("401", "Not authenticated", "") },
        { .name = "a caller who is in himself",
          .who = "ring",
          .request = "GET /odd/ticket",
          .steps = "DA",
          .entries = { REASON("credential"),
                       "\"detail\":\"caller: in too many groups, or in a circle of them\"",
                       "caller:ring who.user=\"ring\"" },
          .reply =
                  PROBLEM("401", "Not authenticated", "www-authenticate: Bearer realm=\"odd\"\n") },
        { .name = "a parameter that is not one of its",
          .who = "fred",
          .request = "GET /bank/v1/accounts?limits=5",
          .steps = "DA",
          .entries = { REASON("parameter"), "who.user=\"fred\"" },
          .reply = MALFORMED },
        { .name = "twice",
          .who = "fred",
          .request = "GET /bank/v1/accounts?limit=5&limit=5",
          .steps = "DA",
          .entries = { REASON("parameter") },
          .reply = MALFORMED },
        { .name = "out of its range",
          .who = "fred",
          .request = "GET /bank/v1/accounts?limit=101",
          .steps = "DA",
          .entries = { REASON("parameter"), "\"detail\":\"query.limit: " },
          .reply = MALFORMED },
        { .name = "an id that is none",
          .who = "tess",
          .request = "GET /bank/v1/accounts/A1",
          .steps = "DA",
          .entries = { REASON("parameter"), "\"detail\":\"path.accountId: " },
          .reply = MALFORMED },
        { .name = "a header that is missing",
          .who = "tess",
          .request = SEND,
          .body = NEW_TRANSFER("1"),
          .steps = "BDA",
          .entries = { REASON("parameter"), "header.idempotency-key: missing" },
          .reply = MALFORMED },
        { .name = "a body where there is none",
          .who = "tess",
          .request = READ_ACCOUNT,
          .body = "{}",
          .steps = "DA",
          .entries = { REASON("body") },
          .reply = MALFORMED },
        { .name = "none where there is one",
          .who = "tess",
          .request = SEND,
          .headers = "Idempotency-Key: " KEY,
          .steps = "DA",
          .entries = { REASON("body"), "body: missing" },
          .reply = MALFORMED },
        { .name = "too long, as it says itself",
          .who = "tess",
          .request = SEND,
          .headers = "Content-Length: 16385",
          .body = "{}",
          .steps = "DA",
          .entries = { REASON("size") },
          .reply = TOO_LARGE },
        { .name = "too long, as the owner finds",
          .who = "tess",
          .request = SEND,
          .headers = "Transfer-Encoding: chunked",
          .body = "{}",
          .fails = REFUSED_SIZE,
          .steps = "BDA",
          .entries = { REASON("size"), "as the test says" },
          .reply = TOO_LARGE },
        { .name = "of another type",
          .who = "tess",
          .request = SEND,
          .headers = "Content-Type: text/plain",
          .body = "{}",
          .steps = "DA",
          .entries = { REASON("media") },
          .reply = UNSUPPORTED },
        { .name = "in another charset",
          .who = "tess",
          .request = SEND,
          .headers = "Content-Type: application/json; charset=utf-16",
          .body = "{}",
          .steps = "DA",
          .entries = { REASON("media") },
          .reply = UNSUPPORTED },
        { .name = "no JSON",
          .who = "tess",
          .request = SEND,
          .headers = "Idempotency-Key: " KEY,
          .body = "{\"to\":1,}",
          .steps = "BDA",
          .entries = { REASON("json") },
          .reply = MALFORMED },
        { .name = "a key twice",
          .who = "tess",
          .request = SEND,
          .headers = "Idempotency-Key: " KEY,
          .body = "{\"amount\":1,\"amount\":2}",
          .steps = "BDA",
          .entries = { REASON("json") },
          .reply = MALFORMED },
        { .name = "too deep",
          .request = "POST /odd/note",
          .body = "{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}",
          .steps = "BDA",
          .entries = { REASON("json") },
          .reply = MALFORMED },
        { .name = "it does not fit",
          .who = "tess",
          .request = SEND,
          .headers = "Idempotency-Key: " KEY,
          .body = "{" TRANSFER_IBAN "," TRANSFER_TO ",\"amount\":{\"__entity\":{"
                  "\"type\":\"Currency\",\"id\":\"EUR\"}}}",
          .steps = "BDA",
          .entries = { REASON("body"), "\"detail\":\"body.amount" },
          .reply = MALFORMED },
        { .name = "a number that policies have not",
          .request = "POST /odd/note",
          .body = "{\"amount\":1.23456}",
          .steps = "BDA",
          .entries = { REASON("body"), "\"detail\":\"body.amount" },
          .reply = MALFORMED },
        { .name = "what a policy forbids, in other letters",
          .request = "POST /odd/note",
          .body = "{\"AT\":\"hidden\"}",
          .steps = "BDA",
          .entries = { REASON("body"), "\"detail\":\"body.at: given in other letters\"" },
          .reply = MALFORMED },
        { .name = "a name that is the caller's own",
          .request = "GET /odd/open?ada%40mail.example",
          .steps = "DA",
          .entries = { REASON("parameter"), "\"detail\":\"query.*: not a parameter" },
          .reply = MALFORMED },
        { .name = "no policy permits it",
          .who = "zoe",
          .request = READ_ACCOUNT,
          .steps = "DA",
          .entries = { REASON("policy"), "\"decision\":\"deny\"", "no policy permits it",
                       "what.object=\"A00000001\"" },
          .reply = NOT_ALLOWED },
        { .name = "one forbids it",
          .who = "tess",
          .request = READ_ACCOUNT,
          .at_s = WORLD_NOON + 8 * 3600,
          .steps = "DA",
          .entries = { REASON("policy"),
                       "\"policies\":[\"tellers work from 6 to 20 o'clock, UTC\"]" },
          .reply = NOT_ALLOWED },
        { .name = "one forbids it by a parameter",
          .who = "tess",
          .request = "GET /bank/v1/accounts?branch=0200",
          .steps = "DA",
          .entries = { REASON("policy"),
                       "\"policies\":[\"tellers list accounts of their own branch only\"]" },
          .reply = NOT_ALLOWED },
        { .name = "by the body",
          .who = "tess",
          .request = SEND,
          .headers = "Idempotency-Key: " KEY,
          .body = NEW_TRANSFER("1000001"),
          .steps = "BDA",
          .entries = { REASON("policy"), "\"writes\":[[\"account.iban\",1],[\"pii.name\",1]]" },
          .reply = NOT_ALLOWED },
        { .name = "a claim is no group of another issuer",
          .who = "cert:tess",
          .request = READ_ACCOUNT,
          .steps = "DA",
          .entries = { REASON("policy"), "who.user=\"tess\"", "\"scheme\":\"partner\"" },
          .reply = NOT_ALLOWED },
        { .name = "a forbid that holds",
          .request = "GET /odd/things/shut",
          .steps = "DA",
          .entries = { REASON("policy"), "\"policies\":[\"not what is locked\"]" },
          .reply = NOT_ALLOWED },
        { .name = "a forbid that cannot be evaluated forbids",
          .request = "GET /odd/things/unheard-of",
          .steps = "DA",
          .entries = { REASON("policy"), "could not be evaluated",
                       "\"faults\":[[\"not what is locked\"" },
          .reply = NOT_ALLOWED },
};

/* The back-end's fault, or the recorder's: the intent is there, nothing of an answer is shown. */
static const struct exchange_case failed[] = {
        { .name = "not reached",
          .who = "tess",
          .request = READ_ACCOUNT,
          .fails = REFUSED_BACKEND,
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { REASON("backend"), "\"result\":\"refused\"", "\"status\":502" },
          .reply = BAD_GATEWAY },
        { .name = "too late",
          .who = "tess",
          .request = READ_ACCOUNT,
          .fails = REFUSED_BACKEND_TIME,
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { REASON("backend_time") },
          .reply = PROBLEM("504", "Gateway timeout", "") },
        { .name = "too much, as the owner finds",
          .who = "tess",
          .request = READ_ACCOUNT,
          .fails = REFUSED_RESPONSE_SIZE,
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { REASON("response_size") },
          .reply = BAD_GATEWAY },
        { .name = "our own ceiling",
          .who = "tess",
          .request = READ_ACCOUNT,
          .fails = REFUSED_BUSY,
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { REASON("busy") },
          .reply = UNAVAILABLE },
        { .name = "a status that the document has not",
          .request = "GET /odd/ticket",
          .who = "ticket",
          .status = 418,
          .answer = "1",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/ticket", "application/json", OWN),
          .entries = { REASON("response_status"), "\"backend_status\":418" },
          .reply = BAD_GATEWAY },
        { .name = "led elsewhere",
          .request = "GET /odd/ticket",
          .who = "ticket",
          .status = 302,
          .answer_headers = "Location: http://169.254.169.254/",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/ticket", "application/json", OWN),
          .entries = { REASON("response_status") },
          .reply = BAD_GATEWAY },
        { .name = "a header that does not fit",
          .request = "GET /odd/open",
          .status = 200,
          .answer_headers = "X-Count: many",
          .answer = "{}",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/open", "application/json, text/plain", OWN),
          .entries = { REASON("response_header") },
          .reply = BAD_GATEWAY },
        { .name = "another type",
          .who = "tess",
          .request = READ_ACCOUNT,
          .status = 200,
          .answer_headers = "Content-Type: text/html",
          .answer = "<b>900-10-1000</b>",
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { REASON("response_media") },
          .reply = BAD_GATEWAY },
        { .name = "packed",
          .who = "tess",
          .request = READ_ACCOUNT,
          .status = 200,
          .answer_headers = "Content-Type: application/json\nContent-Encoding: gzip",
          .answer = ACCOUNT(IBAN, MONEY),
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { REASON("response_encoding") },
          .reply = BAD_GATEWAY },
        { .name = "no JSON",
          .who = "tess",
          .request = READ_ACCOUNT,
          .status = 200,
          .answer = "{\"iban\":\"" IBAN "\"",
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .entries = { REASON("response_json") },
          .reply = BAD_GATEWAY },
        { .name = "a key twice: which of them would have been masked?",
          .who = "tess",
          .request = READ_CUSTOMER,
          .status = 200,
          .answer = "{\"ssn\":\"900-10-1000\",\"ssn\":\"x\"}",
          .steps = "ICOA",
          .sent = SENT_CUSTOMER,
          .entries = { REASON("response_json") },
          .reply = BAD_GATEWAY },
        { .name = "it does not fit",
          .who = "tess",
          .request = READ_CUSTOMER,
          .status = 200,
          .answer = "{\"branch\":\"0100\",\"id\":\"C000001\",\"name\":\"Ada\","
                    "\"social\":\"900-10-1000\"}",
          .steps = "ICOA",
          .sent = SENT_CUSTOMER,
          .entries = { REASON("response_schema") },
          .reply = BAD_GATEWAY },
        { .name = "too much",
          .request = "GET /odd/ticket",
          .who = "ticket",
          .status = 200,
          .answer = "\"" TEXT_2K "\"",
          .steps = "ICOA",
          .sent = SENT_ODD("GET /inner/ticket", "application/json", OWN),
          .entries = { REASON("response_size") },
          .reply = BAD_GATEWAY },
        { .name = "the intent is not recorded: nothing is asked",
          .who = "tess",
          .request = READ_ACCOUNT,
          .unrecorded = 1,
          .steps = "IA",
          .reply = UNAVAILABLE },
        { .name = "the outcome is not recorded: nothing is shown",
          .who = "tess",
          .request = READ_ACCOUNT,
          .status = 200,
          .answer = ACCOUNT(IBAN, MONEY),
          .unrecorded = 2,
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .reply = UNAVAILABLE },
        { .name = "nor why it was not answered",
          .who = "tess",
          .request = READ_ACCOUNT,
          .fails = REFUSED_BACKEND,
          .unrecorded = 2,
          .steps = "ICOA",
          .sent = SENT_ACCOUNT,
          .reply = UNAVAILABLE },
        { .name = "a refusal is not recorded",
          .who = "zoe",
          .request = READ_ACCOUNT,
          .unrecorded = 1,
          .steps = "DA",
          .reply = UNAVAILABLE },
        { .name = "nor one of framing: what is behind it is no other call",
          .who = "tess",
          .request = SEND,
          .headers = "Transfer-Encoding: chunked",
          .body = "{}",
          .version = 10,
          .unrecorded = 1,
          .steps = "DA",
          .reply = UNAVAILABLE,
          .closes = true },
        { .name = "nor one of headers, which may come to be recorded",
          .who = "tess",
          .request = READ_ACCOUNT,
          .headers = "Upgrade: h2c",
          .unrecorded = 1,
          .fate = RECORD_PERHAPS,
          .steps = "DA",
          .reply = UNAVAILABLE,
          .closes = true },
};

static void run_table(struct exchange_world *w, const struct exchange_case *table, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                world_forget(w);
                exchange_check(w, &table[i]);
        }
}

static void calls_are_served(void **state)
{
        run_table(*state, served, ARRAY_LEN(served));
}

static void calls_are_denied(void **state)
{
        run_table(*state, denied, ARRAY_LEN(denied));
}

static void calls_fail(void **state)
{
        run_table(*state, failed, ARRAY_LEN(failed));
}

/* ---- memory ---- */

static size_t left;
static bool for_good, over; /* memory stays away once it was; and it is */

void *__real_arena_alloc(struct arena *a, size_t n);
void *__wrap_arena_alloc(struct arena *a, size_t n);

/* A call's memory is a block or two: what is taken out of them is what may be missing. */
void *__wrap_arena_alloc(struct arena *a, size_t n)
{
        if (over)
                return NULL;
        if (alloc_fails()) {
                over = for_good;
                return NULL;
        }
        return __real_arena_alloc(a, n);
}

/* Only what is under test: the rest of a test has what it wants. */
static void fail_within(bool begins)
{
        static bool was_over;

        if (begins) {
                alloc_fail_nth = left;
                over = was_over && left == 0;
        } else {
                left = alloc_fail_nth;
                alloc_fail_nth = 0;
                was_over = over;
                over = false;
        }
}

/* With the n-th allocation failing; true: there are not so many. */
static bool run_failing(struct exchange_world *w, const struct exchange_case *c, size_t nth)
{
        struct exchange_ran r;
        bool same;
        int rc;

        world_forget(w);
        exchange_ran_init(&r);
        r.within = fail_within;
        left = nth;
        rc = exchange_run(w, c, &r);
        same = strcmp(buf_cstr(&r.reply), c->reply) == 0;
        if (rc < 0 && (rc != -ENOMEM || r.n_steps > 0))
                fail_msg("%s, allocation %zu: %d", c->name, nth, rc);
        if (rc == 0 && !same && strncmp(buf_cstr(&r.reply), "503\n", 4) != 0)
                fail_msg("%s, allocation %zu: %s", c->name, nth, buf_cstr(&r.reply));
        if (left > 0 && !same)
                fail_msg("%s: %s", c->name, buf_cstr(&r.reply));
        if (rc == 0 && c->closes && !r.closes)
                fail_msg("%s, allocation %zu: the connection stays", c->name, nth);
        exchange_ran_done(&r);
        return left > 0;
}

static void run_all_failing(struct exchange_world *w, const struct exchange_case *c)
{
        size_t nth = 1;

        while (!run_failing(w, c, nth))
                nth++;
        if (nth < 10)
                fail_msg("%s: %zu allocations", c->name, nth - 1);
}

/* There is the same reply, or a refusal for want of memory: never another one. */
static void memory_may_end_anywhere(void **state)
{
        static const struct {
                const struct exchange_case *table;
                size_t n;
        } tables[] = { { served, ARRAY_LEN(served) },
                       { denied, ARRAY_LEN(denied) },
                       { failed, ARRAY_LEN(failed) } };

        for (int good = 0; good <= 1; good++) {
                for_good = good;
                for (size_t i = 0; i < ARRAY_LEN(tables); i++)
                        for (size_t k = 0; k < tables[i].n; k++)
                                run_all_failing(*state, &tables[i].table[k]);
        }
        for_good = false;
}

static void serving_needs_memory(void **state)
{
        struct exchange_world *w = *state;
        struct serving *s = NULL;
        int rc = -ENOMEM;

        for (size_t nth = 1; rc < 0; nth++) {
                struct err err = { 0 };

                alloc_fail_nth = nth;
                rc = serving_new(&w->gateway, w->generation, &s, &err);
                alloc_fail_nth = 0;
                assert_true(rc == 0 ? nth > 5 : rc == -ENOMEM && err.code == rc && !s);
        }
        serving_unref(s);
}

/* ---- the whole ---- */

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(calls_are_served),     cmocka_unit_test(calls_are_denied),
                cmocka_unit_test(calls_fail),           cmocka_unit_test(memory_may_end_anywhere),
                cmocka_unit_test(serving_needs_memory),
        };

        return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
